"""Japanese words by the morphological analyser Sudachi, an optional extra.

Its dictionary knows many more variants than our table (はがき 葉書, 引っ越し 引越), and words do
not meet by accident as pairs of characters do. It needs SudachiPy and its small dictionary.
"""

import threading
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from matching.text import JapaneseWords

PACKAGES: Final = ("sudachipy", "sudachidict-small")

_GRAMMAR: Final = frozenset(
    {"助詞", "助動詞", "補助記号", "空白", "記号", "接続詞", "感動詞", "連体詞", "代名詞"}
)
"""Parts of speech that carry grammar, not topic."""
_HELPING: Final = "非自立可能"
"""A part of speech: する, できる, いる and others where they help another word."""
_EMPTY: Final = frozenset("事物為時所様訳筈方中内上下的等達御") | {
    *("こと", "もの", "ため", "とき", "ところ", "よう", "わけ", "はず", "ほう", "など"),
    *("そう", "こう", "どう"),
}
"""Normal forms of nouns and endings that say nothing by themselves."""
_LONGEST: Final = 8_000
"""Signs analysed at once: Sudachi refuses more than some 16,000."""


class SudachiError(Exception):
    """Sudachi cannot be used; the message says what to do."""


def sudachi_words() -> JapaneseWords:
    """Words in Sudachi's normal form, cut as short as it cuts them (mode A).

    The dictionary is loaded at the first use. Raises SudachiError if a package is missing.
    """
    try:
        found = [version(package) for package in PACKAGES]
    except PackageNotFoundError as error:
        raise SudachiError(
            f"Sudachi cannot be used, the package {error.name} is missing: run "
            "`pip install 'enmusubi[sudachi]'`, or `pip install sudachipy sudachidict-small`."
        ) from error
    return JapaneseWords(f"sudachi-{'-'.join(found)}", _split)


def _split(run: str) -> list[str]:
    pieces = (run[at : at + _LONGEST] for at in range(0, len(run), _LONGEST))
    return [word for piece in pieces for word in _words(piece)]


def _words(piece: str) -> list[str]:
    found = []
    for morpheme in _tokenizer().tokenize(piece):
        part = morpheme.part_of_speech()
        if part[0] not in _GRAMMAR and _HELPING not in part:
            word = morpheme.normalized_form()
            if word not in _EMPTY:
                found.append(word)
    return found


@cache
def _dictionary() -> Any:
    from sudachipy import Dictionary  # noqa: PLC0415 - optional

    return Dictionary(dict="small")


_own = threading.local()


def _tokenizer() -> Any:
    """One for each thread: a tokenizer is not for two at once."""
    if not hasattr(_own, "tokenizer"):
        _own.tokenizer = _dictionary().tokenizer(mode="A", fields={"pos", "normalized_form"})
    return _own.tokenizer
