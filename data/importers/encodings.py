"""The encoding of a table that someone saved from a spreadsheet."""

import codecs
import re
from dataclasses import dataclass
from typing import Final

from charset_normalizer import from_bytes

_REPLACED: Final = "\ufffd"
_UNLIKELY: Final = re.compile("[\uff61-\uff9f\ue000-\uf8ff]")
"""Half-width kana and private characters: what other encodings look like when read as CP932."""
_NO_CHARACTER: Final = re.compile("[\uf8f0-\uf8f3]")
"""What Python makes of the bytes A0, FD, FE and FF, which stand for nothing in CP932."""
_ASCII: Final = re.compile("[\x00-\x7f]")
_FEW: Final = 0.05
_OTHERS: Final = ["cp932", "euc_jp", "cp1252"]


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of a file; if `damaged`, U+FFFD stands where bytes could not be read."""

    text: str
    damaged: bool


def decode(data: bytes) -> Decoded:
    """Read UTF-8, UTF-16 with BOM, CP932 (Shift_JIS), or what charset-normalizer finds.

    A file with a few bad bytes is read in the encoding of the rest. Never fails: bytes in no known
    encoding become U+FFFD, to be reported row by row.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", "replace")
        return Decoded(text, damaged=_REPLACED in text)
    text = data.decode("utf-8-sig", "replace")
    replaced = text.count(_REPLACED) - data.count(_REPLACED.encode())
    if replaced == 0 or replaced <= _FEW * (_count_wide(text) - replaced):
        return Decoded(text, damaged=replaced > 0)
    text = _NO_CHARACTER.sub(_REPLACED, data.decode("cp932", "replace"))
    replaced = text.count(_REPLACED)
    wide = _count_wide(text) - replaced
    if 2 * len(_UNLIKELY.findall(text)) <= wide and replaced <= _FEW * wide:
        return Decoded(text, damaged=replaced > 0)
    # Strict trials do not settle it: EUC-JP and Western bytes often pass for CP932.
    best = from_bytes(data, cp_isolation=_OTHERS).best()
    if best is not None:
        return Decoded(data.decode(best.encoding, "replace"), damaged=False)
    return Decoded(data.decode("utf-8-sig", "replace"), damaged=True)


def _count_wide(text: str) -> int:
    return len(text) - len(_ASCII.findall(text))
