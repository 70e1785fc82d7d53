"""The encoding of a table that someone saved from a spreadsheet."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from charset_normalizer import from_bytes

_REPLACED: Final = "\ufffd"
_UNLIKELY: Final = re.compile("[\uff61-\uff9f\ue000-\uf8ff]")
"""Half-width kana and private characters: what other encodings look like when read as CP932."""
_NO_CHARACTER: Final = re.compile("[\uf8f0-\uf8f3]")
"""What Python makes of the bytes A0, FD, FE and FF, which stand for nothing in CP932."""
_BLOCK: Final = 1 << 20
_SAMPLE: Final = 1 << 24
"""Bytes that are looked at where the encoding must be guessed."""
_FEW: Final = 0.05
_OTHERS: Final = ["cp932", "euc_jp", "cp1252"]


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is read; if `damaged`, U+FFFD stands where bytes could not be read."""

    name: str
    damaged: bool

    def clean(self, text: str) -> str:
        """Decoded text, without signs that stand for nothing."""
        return _NO_CHARACTER.sub(_REPLACED, text) if self.name == "cp932" else text


@dataclass(slots=True)
class _Signs:
    """What a file decoded in one way holds."""

    replaced: int = 0
    wide: int = 0
    unlikely: int = 0
    """Of CP932 only."""


def encoding_of(path: Path) -> Encoding:
    """UTF-8, UTF-16 with BOM, CP932 (Shift_JIS), or what charset-normalizer finds.

    A file with a few bad bytes is read in the encoding of the rest. Never fails: bytes in no known
    encoding become U+FFFD, to be reported row by row. Read block by block, however long the file.
    Raises OSError.
    """
    with path.open("rb") as file:
        start = file.read(2)
    if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return Encoding(
            "utf-16", damaged=_signs(path, Encoding("utf-16", damaged=True)).replaced > 0
        )
    found = _signs(path, Encoding("utf-8-sig", damaged=True))
    replaced = found.replaced and found.replaced - _count_of_replacement(path)
    if replaced == 0 or replaced <= _FEW * (found.wide - replaced):
        return Encoding("utf-8-sig", damaged=replaced > 0)
    found = _signs(path, Encoding("cp932", damaged=True))
    wide = found.wide - found.replaced
    if 2 * found.unlikely <= wide and found.replaced <= _FEW * wide:
        return Encoding("cp932", damaged=found.replaced > 0)
    # Strict trials do not settle it: EUC-JP and Western bytes often pass for CP932.
    with path.open("rb") as file:
        best = from_bytes(file.read(_SAMPLE), cp_isolation=_OTHERS).best()
    if best is not None:
        return Encoding(best.encoding, damaged=False)
    return Encoding("utf-8-sig", damaged=True)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _signs(path: Path, encoding: Encoding) -> _Signs:
    found = _Signs()
    for text in codecs.iterdecode(_blocks(path), encoding.name, "replace"):
        clean = encoding.clean(text)
        if clean.isascii():
            continue
        found.replaced += clean.count(_REPLACED)
        found.wide += len(clean) - len(clean.encode("ascii", "ignore"))
        if encoding.name == "cp932":
            found.unlikely += len(_UNLIKELY.findall(clean))
    return found


def _count_of_replacement(path: Path) -> int:
    """How often the file itself says U+FFFD in UTF-8."""
    wanted = _REPLACED.encode()
    found, before = 0, b""
    for block in _blocks(path):
        found += (before + block).count(wanted)
        before = block[-2:]
    return found
