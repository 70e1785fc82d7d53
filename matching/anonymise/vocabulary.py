"""Words of the language, as against names: from the vocabulary of the shipped Japanese encoder.

The vocabulary of a unigram tokenizer lists its pieces from frequent to rare, in both languages and
in small letters. It holds the names of well-known people and places too: that a word is in it
proves nothing, that it is not makes a name likely.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import Stemmer

EVERYDAY: Final = 30_000
"""Place in the vocabulary up to which a Japanese word is an everyday one: 部屋, 今年, 酵素."""
FEW: Final = 3000
"""Up to which it is one of the plainest: year, new, school."""
_SCRIPTS: Final = re.compile("[ぁ-ゖ]+|[ァ-ヺー]+|[\u3400-\u9fff々]+|[a-z]+")
_STEMMER: Final = Stemmer.Stemmer("english")


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words and their places from frequent to rare, from 0; equal to itself alone."""

    places: Mapping[str, int] = field(default_factory=dict)
    everyday: frozenset[str] = frozenset()
    """Everyday words of English, in small letters."""

    @classmethod
    def read(cls, file: Path, everyday: Path) -> "Vocabulary":
        """From the `tokenizer.json` of a unigram tokenizer and a file of everyday English words.

        Raises OSError if one cannot be read and ValueError if the first is no such tokenizer.
        """
        try:
            pieces = json.loads(file.read_text("utf-8"))["model"]["vocab"]
            return cls(
                {piece: place for place, (piece, _) in enumerate(pieces)},
                frozenset(everyday.read_text("utf-8").split()),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"{file.name} is not a unigram tokenizer.") from error

    @cached_property
    def _stems(self) -> dict[str, int]:
        """Places of English stems: growers is in no list, but grower may be."""
        found: dict[str, int] = {}
        words = [word for word in self.places if word.isascii() and word.isalpha()]
        for word, stem in zip(words, _STEMMER.stemWords(words), strict=True):
            found.setdefault(stem, self.places[word])
        return found

    def place(self, word: str) -> int | None:
        """Where a word in small letters, or one of its inflections, stands; None if nowhere."""
        if word in self.places:
            return self.places[word]
        if word.isascii():
            return self._stems.get(_STEMMER.stemWord(word))
        return None

    def holds(self, word: str) -> bool:
        """True if a word in small letters is in it."""
        return self.place(word) is not None

    @cached_property
    def _everyday_stems(self) -> frozenset[str]:
        return frozenset(_STEMMER.stemWords(sorted(self.everyday)))

    def is_plain(self, word: str) -> bool:
        """True of one of the plainest words of English, which stays where it has a capital."""
        place = self.place(word)
        return place is not None and place < FEW

    def is_everyday(self, word: str) -> bool:
        """True of a frequent word in small letters."""
        if word.isascii():
            return word in self.everyday or _STEMMER.stemWord(word) in self._everyday_stems
        return self.places.get(word, EVERYDAY) < EVERYDAY

    def is_word(self, text: str) -> bool:
        """True if each stretch of one script in a text is in it."""
        parts = _SCRIPTS.findall(text.casefold())
        return bool(parts) and all(self.holds(part) for part in parts)

    def is_made_of_everyday(self, run: str) -> bool:
        """True if a run of Japanese is everyday words of two signs or more put together."""
        if self.is_everyday(run):
            return True
        return any(
            self.is_everyday(run[:cut]) and self.is_made_of_everyday(run[cut:])
            for cut in range(2, len(run) - 1)
        )


NOTHING: Final = Vocabulary()
"""Knows no word: everything is taken for a name that may be one."""
