"""What a random document would reach, and how far a value stands out from that.

A share of .2 is much for a need of many common words and little for one of three rare ones, and a
cosine of .4 is much among texts of many fields and little among texts of one. A share is therefore
judged by its distance from what chance gives this query in this corpus, and a cosine by its
distance from what two pieces of this corpus have, both in standard deviations. Nothing but the
query and the corpus goes in, so a pair has the same value whichever side asks and whoever else is
in the list.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

FULL: Final = 25.0
"""Standard deviations above chance that count as 1; few true pairs of the public sets reach 16."""
HALF: Final = 0.5
"""What a word adds, on average, to the documents that hold it, over the most it can add."""
LEAST_COSINE: Final = 0.05
"""Least standard deviation of a cosine: half of what corpora of one field have."""
DOUBT_OF_WORDS: Final = 0.02
DOUBT_OF_PHRASES: Final = 0.04
"""Standard deviation of what the assumption of independent terms leaves out, added to the share's
own: without it one rare phrase in a short need would outweigh all else (decision 9).
"""


@dataclass(frozen=True, slots=True)
class Chance:
    """Mean and standard deviation of a measure over random documents."""

    mean: float
    deviation: float

    def standing(self, values: FloatArray) -> FloatArray:
        """Of each value, in [0, 1]: the square root of its standard deviations above chance over
        `FULL`; 0 where the value is 0 or less, NaN where it is NaN.

        Below chance the deviations fade out (softplus) and do not break off, so that more is always
        better. The root keeps one extreme measure from deciding alone.
        """
        known = ~np.isnan(values)
        above = np.logaddexp(0.0, (values[known] - self.mean) / self.deviation)
        nothing = np.logaddexp(0.0, -self.mean / self.deviation)
        found = np.full(len(values), np.nan)
        found[known] = np.sqrt(np.clip(above - nothing, 0.0, FULL) / FULL)
        return found


UNKNOWN: Final = Chance(0.1, 0.1)
"""Of cosines where there are none to learn from: what texts of many fields have in MiniLM."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """What the cosines of n unit vectors follow from: their sum (d,) and that of ``xxᵀ`` (d, d)."""

    number: int
    total: NDArray[np.float64]
    second: NDArray[np.float64]

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> "Moments":
        """Of unit vectors (n, d)."""
        total = vectors.sum(axis=0, dtype=np.float64)
        return cls(len(vectors), total, (vectors.T @ vectors).astype(np.float64))

    def within(self) -> Chance:
        """Of the cosine of two of them, exactly.

        ``E[x·y] = |E[x]|²`` and ``E[(x·y)²] = |E[xxᵀ]|²`` over all pairs, from which the n pairs of
        a vector with itself are taken out. Of fewer than two, `UNKNOWN`.
        """
        n = self.number
        if n < 2:
            return UNKNOWN
        pairs = n * (n - 1)
        mean = (float(self.total @ self.total) - n) / pairs
        variance = (float((self.second**2).sum()) - n) / pairs - mean**2
        return Chance(mean, max(max(variance, 0.0) ** 0.5, LEAST_COSINE))

    def between(self, other: "Moments") -> Chance:
        """Of the cosine of one of them with one of others, exactly.

        ``E[x·y] = E[x]·E[y]`` and ``E[(x·y)²]`` is the sum over ``E[xxᵀ] * E[yyᵀ]``.
        """
        mean = float(self.total / self.number @ (other.total / other.number))
        second = float(((self.second / self.number) * (other.second / other.number)).sum())
        return Chance(mean, max(max(second - mean**2, 0.0) ** 0.5, LEAST_COSINE))


def of_cosines(vectors: NDArray[np.float32]) -> Chance:
    """Of the cosine of two random unit vectors among `vectors` (n, d), exactly."""
    return Moments.of(vectors).within()


def of_words(weight: FloatArray, frequency: FloatArray, documents: int, *, doubt: float) -> Chance:
    """Of the share of a query's words in one of `documents` random documents.

    `weight` (t,) is what each word counts for and `frequency` (t,) the number of documents that
    hold it. Words are taken as independent (Robertson and Zaragoza 2009 for the assumption): the
    share is then a sum of t scaled Bernoulli variables, whose variance adds to that of `doubt`.
    Rates are smoothed by half a document.
    """
    total = weight.sum()
    if total <= 0:
        return Chance(0.0, doubt)
    rate = (frequency + 0.5) / (documents + 1)
    part = HALF * weight / total
    variance = float((part**2 * rate * (1 - rate)).sum())
    return Chance(float((part * rate).sum()), (variance + doubt**2) ** 0.5)
