"""What a signal is given and what it gives back."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matching.aggregate import rows_between
from matching.corpus import Corpus, Partner, Query

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence for people, in both languages of the service."""

    en: str
    ja: str


@dataclass(frozen=True)
class Context:
    """One question put to a corpus of m partners and n pieces of evidence."""

    query: Query
    corpus: Corpus
    allowed: BoolArray
    """(n,) evidence that may speak."""
    similarity: FloatArray | None
    """(n,) cosine of each piece with the query; None if the query has no vector."""
    passage_words: FloatArray
    """(n,) BM25 share of each piece."""
    profile_words: FloatArray
    """(m,) BM25 share of each partner's whole profile."""
    candidates: IntArray
    """(c,) positions of the partners to judge, in ascending order."""

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
    def fit(self) -> FloatArray:
        """(n,) how well each piece fits, to tell a partner's pieces apart: word share and cosine,
        at least 0.
        """
        if self.similarity is None:
            return self.passage_words
        return self.passage_words + np.clip(self.similarity, 0, None)

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
