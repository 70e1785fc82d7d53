"""Drafts of a teaser: a text of a need without what tells who asks, for a person to finish.

The draft proposes, a coordinator decides: what is taken out is listed with its place in the
original, and rare terms are pointed out and left.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from matching.anonymise.kinds import RANK, WORDS, Kind
from matching.anonymise.known import KnownNames
from matching.anonymise.numbers import numbers
from matching.anonymise.patterns import by_shape
from matching.anonymise.rarity import RareTerm, Region, rare_terms
from matching.anonymise.reading import Reading
from matching.anonymise.safe_words import SAFE
from matching.anonymise.vocabulary import NOTHING, Vocabulary
from matching.text import Language

_PLACEHOLDER: Final = re.compile(
    "|".join(re.escape(w) for kind in WORDS.values() for w in kind.values())
)
_CAPITALISED: Final = re.compile(r"(?<![\w'’.-])[A-Z][A-Za-z]*[A-Za-z0-9]*(?:[-'’][A-Za-z]+)*")
_LINE: Final = re.compile("[^\n]+")
_KATAKANA: Final = re.compile("[ァ-ヺー]{3,}")
_STARTS_SENTENCE: Final = re.compile('(?:^|[.!?:\n"“「(•]|\\d\\.)\\s*["“(「]?$')


CERTAIN: Final = frozenset({Kind.COMPANY, Kind.INSTITUTION, Kind.PERSON, Kind.CONTACT, Kind.PLACE})
"""What no released text may hold unless somebody says that it may."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What was taken out of a text."""

    kind: Kind
    start: int
    end: int
    """`original[start:end]`."""
    replacement: str
    """What stands there in the draft."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A text of a teaser before a coordinator has read it."""

    text: str
    removals: tuple[Removal, ...]
    """In the order of the text; they do not overlap."""
    rare: tuple[RareTerm, ...]
    """The rarest first."""


@dataclass(frozen=True, slots=True)
class Anonymiser:
    """What is known when a text is made anonymous: make it once for many texts."""

    known: KnownNames
    region: Region
    vocabulary: Vocabulary = field(default=NOTHING)

    def draft(self, text: str, language: Language) -> Draft:
        """A draft of a text, with neutral words in the language given.

        Outside its removals the draft is the original, sign for sign.
        """
        reading = Reading.of(text)
        removals = tuple(_merged(self._found(reading, language), language))
        drafted, written = _replaced(text, removals)
        skip = [*written, *(match.span() for match in _PLACEHOLDER.finditer(drafted))]
        rare = rare_terms(drafted, self.region, vocabulary=self.vocabulary, skip=skip)
        return Draft(drafted, removals, tuple(rare))

    def names_in(self, text: str) -> tuple[Removal, ...]:
        """The names, contacts and people that a text still holds, however it was written.

        For a text that a coordinator has edited: before it is released.
        """
        reading = Reading.of(text)
        found = [
            one
            for one in self._named(reading)
            if one[2] in CERTAIN and not _PLACEHOLDER.fullmatch(reading.plain[one[0] : one[1]])
        ]
        spans = ((*reading.span(start, end), kind, None) for start, end, kind in found)
        return tuple(_merged(spans, "ja"))

    def _named(self, reading: Reading) -> Iterator[tuple[int, int, Kind]]:
        yield from self.known.places_in(reading)
        yield from by_shape(reading.plain, self._is_plain)

    def _found(
        self, reading: Reading, language: Language
    ) -> Iterator[tuple[int, int, Kind, str | None]]:
        """Everything that is to be taken out, as places in the original."""
        for start, end, kind in self._named(reading):
            yield *reading.span(start, end), kind, None
        for start, end in self._unknown_words(reading.plain):
            yield *reading.span(start, end), Kind.NAME, None
        for one in numbers(reading.plain, language):
            yield *reading.span(one.start, one.end), one.kind, one.replacement

    def _unknown_words(self, plain: str) -> Iterator[tuple[int, int]]:
        """Capitalised words within a sentence, and katakana, that neither the region nor the
        language knows."""
        for line in _LINE.finditer(plain):
            in_heading = _is_heading(line[0])
            for match in _CAPITALISED.finditer(plain, *line.span()):
                start, end = match.span()
                starts = _STARTS_SENTENCE.search(plain[max(0, start - 4) : start])
                if starts or self._is_known_latin(match[0]):
                    continue
                if not (in_heading and self._is_language(match[0])):
                    yield start, end
        for match in _KATAKANA.finditer(plain):
            if not self._is_plain(match[0]) and not self.region.is_known(match[0], "ja"):
                yield match.span()

    def _is_known_latin(self, word: str) -> bool:
        small = re.sub("['’]s?$", "", word.casefold())
        if len(small) < 2 or small in SAFE or self.vocabulary.is_plain(small):
            return True
        if "-" in small:
            return all(self._is_known_latin(part) for part in small.split("-") if part)
        return self.region.is_known(small, "en")

    def _is_language(self, word: str) -> bool:
        """True if a word is a frequent one; well-known names may be among them."""
        parts = re.split("[-'’]", word.casefold())
        return all(len(part) < 2 or self.vocabulary.is_everyday(part) for part in parts)

    def _is_plain(self, text: str) -> bool:
        """True of words of the language, as against names."""
        if text.isascii():
            words = text.casefold().split()
            return all(self.vocabulary.is_everyday(word) or word in SAFE for word in words)
        return self.vocabulary.is_word(text)


def _is_heading(line: str) -> bool:
    """True of Titles Written Like This."""
    words = re.findall(r"[A-Za-z][\w'’-]*", line)
    capitals = sum(word[0].isupper() for word in words)
    return len(words) >= 3 and capitals >= 0.6 * len(words)


def _merged(
    found: Iterator[tuple[int, int, Kind, str | None]], language: Language
) -> Iterator[Removal]:
    """Overlapping finds become one, of the kind that says most; so no part of a name is left."""
    current: tuple[int, int, Kind, str | None] | None = None
    for start, end, kind, written in sorted(found, key=lambda one: (one[0], -one[1], RANK[one[2]])):
        if current is not None and start < current[1]:
            # An address of the company stays an address; 「…」 around its name names the company.
            says_enough = current[2] in CERTAIN or RANK[kind] >= RANK[current[2]]
            if end > current[1] or not says_enough:
                wider = max(end, current[1])
                chosen = min(kind, current[2], key=RANK.__getitem__)
                current = (current[0], wider, chosen, None)
            continue
        if current is not None:
            yield _removal(current, language)
        current = (start, end, kind, written)
    if current is not None:
        yield _removal(current, language)


def _removal(one: tuple[int, int, Kind, str | None], language: Language) -> Removal:
    start, end, kind, written = one
    return Removal(kind, start, end, written or WORDS[kind][language])


def _replaced(text: str, removals: Sequence[Removal]) -> tuple[str, list[tuple[int, int]]]:
    """The text with its replacements, and where these stand in it."""
    pieces: list[str] = []
    written: list[tuple[int, int]] = []
    length = position = 0
    for removal in removals:
        kept = text[position : removal.start]
        length += len(kept)
        pieces += [kept, removal.replacement]
        written.append((length, length + len(removal.replacement)))
        length += len(removal.replacement)
        position = removal.end
    return "".join([*pieces, text[position:]]), written
