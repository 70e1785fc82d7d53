"""What a signal is given and what it gives back."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matching.aggregate import rows_between
from matching.chance import DOUBT_OF_WORDS, Chance
from matching.corpus import Corpus, Partner, Query
from matching.lexical import KnownTerms, TermCounts
from matching.profiles import ProfileIndex
from matching.text import languages_of

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence for people, in both languages of the service."""

    en: str
    ja: str


@dataclass(frozen=True, slots=True)
class Shares:
    """BM25 shares of the query, and what a random document would have."""

    shares: FloatArray
    chance: Chance


@dataclass(frozen=True, slots=True)
class Words:
    """What the allowed evidence has of the query's words and phrases."""

    passages: Shares
    """(n,) of each piece by its words; 0 where it may not speak."""
    profiles: Shares
    """(m,) of each partner's whole profile by its words."""
    phrases: Shares
    """(m,) of each partner's whole profile by its phrases."""

    @classmethod
    def of(cls, query: TermCounts, corpus: Corpus, allowed: BoolArray) -> "Words":
        """Of the evidence in `allowed` (n,)."""
        words, phrases = corpus.lexical.known(query), corpus.phrases.known(query.phrases)
        pieces = np.multiply(corpus.passage_impacts.scores(words), allowed, dtype=np.float64)
        return cls(
            Shares(pieces, words.chance(corpus.passage_statistics, doubt=DOUBT_OF_WORDS)),
            _of_profiles(corpus, corpus.profile_words, words, allowed),
            _of_profiles(corpus, corpus.profile_phrases, phrases, allowed),
        )


def _of_profiles(
    corpus: Corpus, profiles: ProfileIndex, known: KnownTerms, allowed: BoolArray
) -> Shares:
    shares = profiles.shares(
        known, allowed=allowed, partner_of=corpus.partner_of, pieces=corpus.pieces
    )
    return Shares(shares, known.chance(profiles.statistics, doubt=profiles.shape.doubt))


@dataclass(frozen=True)
class Context:
    """One question put to a corpus of m partners and n pieces of evidence."""

    query: Query
    corpus: Corpus
    allowed: BoolArray
    """(n,) evidence that may speak."""
    similarity: FloatArray | None
    """(n,) cosine of each piece of the candidates with the query, levelled (`matching.levels`); 0
    for other pieces; None if the query has no vector."""
    cosine_chance: Chance | None
    """What a random piece's cosine would be; None with `similarity`."""
    words: Words
    candidates: IntArray
    """(c,) positions of the partners to judge, in ascending order."""

    @property
    def passage_words(self) -> FloatArray:
        """(n,) BM25 share of each piece; 0 where it may not speak."""
        return self.words.passages.shares

    @cached_property
    def rows(self) -> IntArray:
        """(r,) the candidates' evidence that may speak, candidate after candidate."""
        bounds = self.corpus.bounds
        rows = rows_between(bounds[self.candidates], bounds[self.candidates + 1])
        return rows[self.allowed[rows]]

    @cached_property
    def owner(self) -> IntArray:
        """(r,) place among the candidates of the one that each of `rows` belongs to."""
        return np.searchsorted(self.candidates, self.corpus.partner_of[self.rows])

    @cached_property
    def comparable(self) -> FloatArray:
        """(c,) share of each candidate's evidence in a language of the query: what words can be
        compared with. 1 if the query's language is not known.
        """
        spoken = languages_of(self.query.text)
        if not spoken:
            return np.ones(len(self.candidates))
        speaks = self.corpus.speech.any_of(spoken)[self.rows]
        number = np.bincount(self.owner, minlength=len(self.candidates))
        common = np.bincount(self.owner, weights=speaks, minlength=len(self.candidates))
        return np.where(number > 0, common / np.maximum(number, 1), 1.0)

    @cached_property
    def fit(self) -> FloatArray:
        """(r,) how well each of `rows` fits, to tell a partner's pieces apart: word share and
        cosine, at least 0.
        """
        words = self.passage_words[self.rows]
        if self.similarity is None:
            return words
        return words + np.clip(self.similarity[self.rows], 0, None)

    def partners(self) -> list[Partner]:
        """The candidates, in order."""
        return [self.corpus.partners[i] for i in self.candidates]


@dataclass(frozen=True, slots=True)
class Reading:
    """A signal's values (c,) in [0, 1], NaN where the data is missing, and a sentence for each."""

    values: FloatArray
    detail: Callable[[int], Sentence]
    """The sentence for the candidate at a position in `values`."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A visible line of the ranking: what is read, and how much it counts."""

    name: str
    read: Callable[[Context], Reading]
    weight: float
    neutral: float
    """Counted where the data is missing: what a typical partner would have."""
