"""The place of a name in a list: surname first, in the order of the kana."""

from typing import Final

from matching.names.keys import KEY_LENGTH
from matching.names.sounds import hiragana_of
from matching.names.words import Word, words

_MARKED: Final = "がぎぐげござじずぜぞだぢづでどばびぶべぼぱぴぷぺぽゔぁぃぅぇぉっゃゅょゎゕゖ"
_BARE: Final = "かきくけこさしすせそたちつてとはひふへほはひふへほうあいうえおつやゆよわかけ"
_BASE: Final = str.maketrans(_MARKED, _BARE, "ー")
"""か and が, つ and っ are one letter at first sight; a long vowel has none of its own."""


def sort_key(
    name_ja: str | None, name_kana: str | None, name_en: str | None, *, personal: bool
) -> str:
    """What to sort a name by, by code points; at most `KEY_LENGTH` characters.

    A name that is not Japanese stands before all kana, by its letters; one whose reading is not
    known stands after them, by its kanji. `personal`: an English name of two words is given name
    and surname.
    """
    reading = " ".join(_reading(words(name_ja), words(name_kana), words(name_en), personal))
    return f"{reading.translate(_BASE)[: KEY_LENGTH // 2 - 1]} {reading}"[:KEY_LENGTH]


def _reading(
    in_kanji: list[Word], in_kana: list[Word], in_latin: list[Word], personal: bool
) -> list[str]:
    if in_kana:
        return [word.written for word in in_kana]
    if in_kanji and all(word.is_plain for word in in_kanji):
        return [word.written for word in in_kanji]
    given_first = personal and len(in_latin) == 2 and not _surname_first(in_kanji, in_latin)
    named = in_latin[::-1] if given_first else in_latin
    said = [kana for word in named if (kana := hiragana_of(word.written))]
    if said and len(said) == len(named):
        return said
    return [_first_reading(word) for word in in_kanji] or [word.written for word in named]


def _surname_first(in_kanji: list[Word], in_latin: list[Word]) -> bool:
    """True of Kuroki Haruka, if the kanji tell; English names are given name first."""
    return bool(in_kanji) and in_latin[0].written in in_kanji[0].sounds


def _first_reading(word: Word) -> str:
    return min(filter(None, map(hiragana_of, word.sounds)), default=word.written)
