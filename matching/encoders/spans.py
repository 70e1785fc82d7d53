"""Which parts of a text are Japanese and which English.

By spans, not by fields: a Japanese text quotes an English title, an English one names 焼酎. English
terms inside a Japanese sentence stay with it, since the Japanese encoder knows them and the
sentence would fall apart without them.
"""

from dataclasses import dataclass
from typing import Final

from matching.text import (
    count_latin_words,
    has_japanese,
    japanese_letters,
    normalise,
    only_japanese,
    sentences,
    split_at_japanese,
    without_japanese,
)

QUOTED_WORDS: Final = 4
"""So many English words in a row inside a Japanese sentence are a span of their own."""
LETTERS_PER_WORD: Final = 2.0
"""Kana and kanji that say about as much as one English word."""


@dataclass(frozen=True, slots=True)
class Spans:
    """The parts of a text by language; empty where there is none."""

    japanese: str
    english: str

    @property
    def japanese_weight(self) -> float:
        """How much the Japanese part says, in English words."""
        letters = japanese_letters(self.japanese) / LETTERS_PER_WORD
        return letters + count_latin_words(self.japanese)

    @property
    def english_weight(self) -> float:
        """Number of words of the English part; at least 1 if there is anything to read."""
        return float(max(count_latin_words(self.english), bool(self.english)))


def split_by_language(text: str) -> Spans:
    """The Japanese and the English part of a text, each in its order, sentences on lines.

    A sentence is English if its English words outweigh its kana and kanji. Its Japanese words go
    to the Japanese part; of a Japanese sentence, only `QUOTED_WORDS` English words in a row or
    more go to the English part.
    """
    text = normalise(text)
    if not has_japanese(text):
        return Spans("", text if any(letter.isalnum() for letter in text) else "")
    japanese: list[str] = []
    english: list[str] = []
    for sentence in sentences(text):
        inside, outside = _split_sentence(sentence.text)
        japanese += inside
        english += outside
    return Spans("\n".join(japanese), "\n".join(english))


def _split_sentence(sentence: str) -> tuple[list[str], list[str]]:
    """The Japanese and the English pieces of one sentence."""
    words, letters = count_latin_words(sentence), japanese_letters(sentence)
    if not letters:
        # Bare numbers and signs say nothing in either language.
        return ([], [sentence]) if words else ([sentence], [])
    if words >= QUOTED_WORDS and words > letters / LETTERS_PER_WORD:
        return [only_japanese(sentence)], [without_japanese(sentence)]
    quoted = [
        piece.strip()
        for piece in split_at_japanese(sentence)
        if count_latin_words(piece) >= QUOTED_WORDS
    ]
    for piece in quoted:
        sentence = sentence.replace(piece, " ", 1)
    return [sentence], quoted
