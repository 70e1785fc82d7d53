"""What a random document would reach, and how far a value stands out from that.

A share of .2 is much for a need of many common words and little for one of three rare ones, and a
cosine of .4 is much among texts of many fields and little among texts of one. A value is therefore
judged by its distance from what chance gives this query in this corpus, in standard deviations.
Nothing but the query and the corpus goes in, so a pair has the same value whichever side asks and
whoever else is in the list.
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


@dataclass(frozen=True, slots=True)
class Directions:
    """How the unit vectors of a corpus are spread."""

    mean: FloatArray
    """(d,)"""
    covariance: FloatArray
    """(d, d)"""

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> "Directions":
        """Of vectors (n, d); from fewer than two nothing is learnt."""
        dimension = vectors.shape[1]
        if len(vectors) < 2:
            return cls(np.zeros(dimension), np.zeros((dimension, dimension)))
        mean = vectors.mean(axis=0, dtype=np.float64)
        spread = vectors - mean.astype(np.float32)
        return cls(mean, (spread.T @ spread).astype(np.float64) / (len(vectors) - 1))

    def chance(self, vector: NDArray[np.float32]) -> Chance:
        """Of the cosine of a query's `vector` (d,) with a random vector of the corpus."""
        variance = float(vector @ self.covariance @ vector)
        return Chance(float(self.mean @ vector), max(variance**0.5, LEAST_COSINE))


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
