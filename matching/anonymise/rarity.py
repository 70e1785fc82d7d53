"""How many partners of a region have evidence that holds a term: rare terms tell who asks.

English words are counted as the index has them, by their stems. A Japanese term is a run of kanji
or katakana, which pairs of characters cannot stand for: partners count whose evidence holds the
run as it is. Its pairs find the evidence that may hold it, so that only little of it is read.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.anonymise.vocabulary import NOTHING, Vocabulary
from matching.corpus import Corpus
from matching.text import BIGRAMS, ENGLISH_STOPWORDS, Language, normalise, tokens, words_id
from matching.variants import fold

IntArray = NDArray[np.int64]
CountPartners = Callable[[str, Language], int]
"""In the evidence of how many partners a term of a language occurs."""

K: Final = 5
"""What fewer partners than this have in their evidence is rare: groups are as large elsewhere."""

_RUN: Final = re.compile(
    "(?<![0-9])[\u3400-\u9fff々]+(?:[りみしきけえちび][\u3400-\u9fff々]+)*|[ァ-ヺー]{3,}"
    "|[A-Za-z][A-Za-z'’]*[A-Za-z]"
)
_HIRAGANA: Final = "りみしきけえちび"
_INFLECTED: Final = re.compile("(?![のをがはにでとやもへかなまよだ])[\u3041-\u3096]")
"""Kana that goes on with the kanji before it: the last kanji of 仕込み is no term."""
_EDGES: Final = re.compile("^[各全約数毎本同当]+(?=..)|(?<=..)[後前中内時用的性等]+$")
"""What is put in front of a term or behind it."""
_KANJI: Final = re.compile("[\u3400-\u9fff々]")
_JAPANESE: Final = re.compile("[ァ-ヺー\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class RareTerm:
    """A term of a draft that few partners of the region have in their evidence."""

    term: str
    language: Language
    start: int
    end: int
    """`draft[start:end]`."""
    partners: int
    """How many have it, of `of`."""
    of: int


@dataclass(frozen=True, slots=True)
class Region:
    """What a region writes about."""

    partners: int
    count: CountPartners

    @classmethod
    def of(cls, corpus: Corpus) -> "Region":
        """The region whose partners a corpus holds; counts are read when they are asked for."""
        return cls(len(corpus.partners), lambda term, _: count_partners(corpus, term))

    def is_known(self, term: str, language: Language) -> bool:
        """True if any partner has the term."""
        return self.count(term, language) > 0


def count_partners(corpus: Corpus, term: str) -> int:
    """In the evidence of how many partners of the corpus a term occurs.

    Latin words are compared by their stems, Japanese as it is written once variants are folded.
    """
    term = normalise(term)
    words = dict.fromkeys(tokens(term))
    if not _JAPANESE.search(term):
        return _partners_of(corpus, _passages_with(corpus, list(words))) if words else 0
    wanted = fold(term)
    rows = corpus.living
    if words_id().endswith(BIGRAMS.id) and words:
        rows = _passages_with(corpus, list(words))
        if list(words) == [wanted]:
            return _partners_of(corpus, rows)
    held = [row for row in rows if _holds(corpus.evidence[int(row)].text, term, wanted)]
    return _partners_of(corpus, np.array(held, np.int64))


def _holds(text: str, term: str, folded: str) -> bool:
    return term in text or folded in fold(normalise(text))


def _passages_with(corpus: Corpus, words: Sequence[str]) -> IntArray:
    """The rows of the evidence that holds all of some words of the index."""
    places = corpus.lexical.vocabulary.find(words)
    if (places < 0).any():
        return np.zeros(0, np.int64)
    found = [corpus.lexical.passages_with(place) for place in places.tolist()]
    found.sort(key=len)
    rows = reduce(lambda a, b: np.intersect1d(a, b, assume_unique=True), found)
    return rows[corpus.alive[rows]]


def _partners_of(corpus: Corpus, rows: IntArray) -> int:
    return len(np.unique(corpus.partner_of[rows]))


def rare_terms(
    draft: str,
    region: Region,
    *,
    vocabulary: Vocabulary = NOTHING,
    skip: Sequence[tuple[int, int]] = (),
) -> list[RareTerm]:
    """The terms of a draft that fewer than `K` partners have, each where it first occurs.

    Everyday words of the vocabulary and what lies in `skip`, the places of replacements, are left
    out. The rarest come first, then in the order of the draft.
    """
    found: dict[str, RareTerm] = {}
    for start, end in _candidates(draft, skip):
        term = draft[start:end]
        language: Language = "ja" if _JAPANESE.search(term) else "en"
        key = " ".join(tokens(term)) if language == "en" else term
        if key in found or _is_everyday(term, language, vocabulary):
            continue
        partners = region.count(term, language)
        if partners < K:
            found[key] = RareTerm(term, language, start, end, partners, region.partners)
    return sorted(found.values(), key=lambda term: (term.partners, term.start))


def _candidates(draft: str, skip: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    ordered = sorted(skip)
    starts, ends = [one for one, _ in ordered], [one for _, one in ordered]
    for match in _RUN.finditer(draft):
        start, end = match.span()
        if (place := bisect_left(ends, start + 1)) < len(skip) and starts[place] < end:
            continue
        if _KANJI.match(draft[end - 1]):
            if _INFLECTED.match(draft, end):
                end = start + len(draft[start : end - 1].rstrip(_HIRAGANA))
            start, end = _trimmed(draft, start, end)
        if end - start >= 2:
            yield start, end


def _trimmed(draft: str, start: int, end: int) -> tuple[int, int]:
    while edge := _EDGES.search(draft[start:end]):
        if edge.start() == 0:
            start += edge.end()
        else:
            end = start + edge.start()
    return start, end


def _is_everyday(term: str, language: Language, vocabulary: Vocabulary) -> bool:
    if language == "ja":
        return vocabulary.is_made_of_everyday(normalise(term))
    small = term.casefold()
    return len(small) < 3 or small in ENGLISH_STOPWORDS or vocabulary.is_everyday(small)
