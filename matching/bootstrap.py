"""Confidence intervals by the bootstrap (Efron and Tibshirani 1993), paired across rankers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SAMPLES: Final = 1000
LEVELS: Final = (2.5, 97.5)
"""Percentiles that bound the 95% interval."""


@dataclass(frozen=True, slots=True)
class Tally:
    """A measure as a ratio of sums over units (queries or people), for v variants of the data.

    `got` and `possible` are (v, units); the measure is the mean over the variants of
    ``got.sum() / possible.sum()``.
    """

    got: FloatArray
    possible: FloatArray

    def measure(self, weights: FloatArray) -> FloatArray:
        """The measure (s,) under each row of `weights` (s, units)."""
        got, possible = weights @ self.got.T, weights @ self.possible.T
        ratios = np.divide(got, possible, out=np.zeros_like(got), where=possible > 0)
        mean: FloatArray = ratios.mean(axis=1)
        return mean


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure with its 95% interval, and how far it lies above a baseline's."""

    value: float
    low: float
    high: float
    above: tuple[float, float, float] | None = None
    """Difference to the baseline, its low and its high end; None for the baseline itself."""


def estimates(tallies: Mapping[str, Tally], *, baseline: str, seed: int = 0) -> dict[str, Estimate]:
    """By ranker, the measure with its interval and its paired difference to the baseline's.

    All rankers are measured on the same resampled units, so that the difference is paired.
    """
    units = next(iter(tallies.values())).got.shape[1]
    if units == 0:
        return {name: Estimate(0.0, 0.0, 0.0) for name in tallies}
    drawn = np.random.default_rng(seed).multinomial(units, [1 / units] * units, SAMPLES)
    weights = np.vstack([np.ones(units), drawn])  # the first row is the data as it is
    found = {name: tally.measure(weights) for name, tally in tallies.items()}
    return {
        name: Estimate(
            *_interval(values),
            above=None if name == baseline else _interval(values - found[baseline]),
        )
        for name, values in found.items()
    }


def _interval(values: FloatArray) -> tuple[float, float, float]:
    low, high = np.percentile(values[1:], LEVELS)
    return float(values[0]), float(low), float(high)
