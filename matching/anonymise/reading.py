"""A text as it is searched, with the place in the original of everything that is found.

The original is never changed. `plain` is what patterns read: NFKC, without invisible signs. `key`
is what names are looked for in: small letters, kanji of standard form, one kind of kana, and
nothing of what a name may or may not be written with, such as spaces, hyphens and line breaks.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from matching.names import fold_kanji
from matching.text import normalise
from matching.variants import fold_characters

_STOP: Final = "\0"
"""Stands in a key for a sign that no name goes on behind, such as 、 in 毎日、向き."""
_SOFT: Final = frozenset("・·•_'’‘`´ʼʻ&/~〜ー")
_LATIN_SOFT: Final = frozenset(".,")
_SMALL: Final = "ぁぃぅぇぉっゃゅょゎゕゖ"
_LARGE: Final = "あいうえおつやゆよわかけ"
_PLAIN_KANA: Final = {
    **{ord("ァ") + place: ord("ぁ") + place for place in range(0x56)},
    **dict(zip(map(ord, _SMALL), map(ord, _LARGE), strict=True)),
}
_TO_KANA: Final = {sign: _PLAIN_KANA.get(kana, kana) for sign, kana in _PLAIN_KANA.items()}
"""Any kana to large hiragana."""
_LATIN: Final = re.compile("[A-Za-z]")


def is_latin(character: str) -> bool:
    """True of a letter of the Latin alphabet, with or without a mark on it."""
    return _LATIN.match(unicodedata.normalize("NFD", character)) is not None


@dataclass(frozen=True, slots=True)
class Reading:
    """A text in the two forms in which it is searched."""

    plain: str
    key: str
    _plain_spans: tuple[tuple[int, int], ...]
    """Where each sign of `plain` stands in the original."""
    _key_places: tuple[int, ...]
    """Which sign of `plain` each sign of `key` comes from."""

    @classmethod
    def of(cls, text: str) -> "Reading":
        """Read a text."""
        signs: list[str] = []
        spans: list[tuple[int, int]] = []
        for start, end, written in _clusters(text):
            signs += written
            spans += [(start, end)] * len(written)
        plain = "".join(signs)
        key: list[str] = []
        places: list[int] = []
        for place, sign in enumerate(plain):
            letters = _key_of(sign, plain[place - 1] if place else "")
            key += letters
            places += [place] * len(letters)
        return cls(plain, _fold("".join(key)), tuple(spans), tuple(places))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `plain[start:end]` stands in the original; not for an empty piece."""
        return self._plain_spans[start][0], self._plain_spans[end - 1][1]

    def plain_span(self, start: int, end: int) -> tuple[int, int]:
        """Where `key[start:end]` stands in `plain`; not for an empty piece."""
        return self._key_places[start], self._key_places[end - 1] + 1

    def is_whole(self, start: int, end: int) -> bool:
        """False if `plain[start:end]` begins or ends within a word of Latin letters."""
        plain = self.plain
        inside = start > 0 and is_latin(plain[start]) and is_latin(plain[start - 1])
        goes_on = end < len(plain) and is_latin(plain[end - 1]) and is_latin(plain[end])
        # OyodoPower: a word that begins with a capital in the midst of another is one of its own.
        inside = inside and not (plain[start].isupper() and plain[start - 1].islower())
        goes_on = goes_on and not (plain[end].isupper() and plain[end - 1].islower())
        return not inside and not goes_on


def key_of(name: str) -> str:
    """The key of a normalised name; empty if it holds no letter or digit."""
    letters = map(_key_of, name, " " + name)
    return _fold("".join(letters)).strip(_STOP)


@lru_cache(maxsize=4096)
def _is_invisible(character: str) -> bool:
    return not character.isspace() and not normalise(character)


@lru_cache(maxsize=4096)
def _is_mark(character: str) -> bool:
    return unicodedata.combining(character) != 0 or character in "ﾞﾟ"


def _clusters(text: str) -> Iterator[tuple[int, int, str]]:
    """The signs of a text with the marks that belong to them, in NFKC; invisible ones left out."""
    start = 0
    while start < len(text):
        if _is_invisible(text[start]):
            start += 1
            continue
        held, end = text[start], start + 1
        ahead = end
        while ahead < len(text) and (_is_invisible(text[ahead]) or _is_mark(text[ahead])):
            if _is_mark(text[ahead]):
                held += text[ahead]
                end = ahead + 1
            ahead += 1
        yield start, end, unicodedata.normalize("NFKC", held)
        start = end


@lru_cache(maxsize=8192)
def _key_of(sign: str, before: str) -> str:
    """What a sign of `plain` is in a key; `before` is the one in front of it, if any."""
    if sign.isalnum() and sign != "ー":
        if is_latin(sign):
            sign = "".join(
                letter
                for letter in unicodedata.normalize("NFD", sign)
                if not unicodedata.combining(letter)
            )
        return sign.casefold()
    if sign == "々":
        return sign
    if sign.isspace() or sign in _SOFT or unicodedata.category(sign) in {"Pd", "Cc", "Mn"}:
        return ""
    if sign in _LATIN_SOFT and before.isalnum() and before.isascii():
        return ""
    return "" if sign == "\u2212" else _STOP


def _fold(key: str) -> str:
    """Each step keeps the length, so that places stay what they are."""
    return fold_kanji(fold_characters(key)).translate(_TO_KANA)
