"""A small set of partners that together cover what one alone does not.

The value of a team is a facility location: each facet of the need is served by the member that
serves it best, ``f(S) = sum over facets of weight * max over S of benefit``. It is monotone and
submodular, so the greedy team of k reaches at least 1 - 1/e (63%) of the best possible team of k
(Nemhauser, Wolsey and Fisher 1978). For the team at hand a closer bound is computed too: no team
of k is worth more than this one and the k largest gains that are left (ibid.; Leskovec et al. 2007
call it the online bound).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import e
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.facets import covered

FloatArray = NDArray[np.float64]

SIZE: Final = 3
"""Members of a team unless told otherwise."""
LARGEST: Final = 6
FIT: Final = 0.2
"""Part of a benefit that the partner's own score makes up; the rest is its coverage."""
WORTH: Final = 0.08
"""A further member must raise the value by this part of it.

The guarantee stands although the greedy stops there: what is left to gain for a team of 6 is then
below 6 * 8% of its value, and 1 / 1.48 is above 1 - 1/e.
"""
GUARANTEE: Final = 1 - 1 / e
DIGITS: Final = 9
"""Gains that differ later than this are equal; the better rank wins, then the id."""


@dataclass(frozen=True, slots=True)
class Team:
    """A choice among c candidates, in the order in which they were chosen."""

    members: tuple[int, ...]
    """Positions among the candidates; those that must be in it come first."""
    gains: tuple[float, ...]
    """What each adds to the value; they add up to it."""
    value: float
    """In [0, 1]."""
    bound: float
    """In [0, 1]: no team of the size asked for, with those that must be in it, is worth more."""

    @property
    def share(self) -> float:
        """At least this part of the best possible value is reached."""
        return self.value / self.bound if self.bound > 0 else 1.0


def benefits(shares: FloatArray, fit: FloatArray) -> FloatArray:
    """(facets, c) in [0, 1]: what each candidate is worth for each facet.

    Coverage below the threshold of `facets.covered` serves nobody. `shares` is (facets, c), `fit`
    (c,) the candidates' scores.
    """
    serving = np.where(covered(shares), shares, 0.0)
    found: FloatArray = (1 - FIT) * serving + FIT * np.clip(fit, 0, 1)
    return found


def choose(
    benefit: FloatArray,
    weights: FloatArray,
    ids: Sequence[str],
    *,
    size: int = SIZE,
    include: Collection[int] = (),
) -> Team:
    """The greedy team of at most `size` candidates that holds those in `include`.

    `benefit` (facets, c) is that of `benefits`, `weights` (facets,) add up to 1, `ids` (c,) break
    ties after the candidates' own value, so that the order of the candidates changes nothing. It
    stops early when nobody adds `WORTH`. Each gain is computed for all candidates at once: at the
    few hundred that a ranking brings, lazy evaluation (Minoux 1978) would save nothing. Raises
    ValueError if more must be in it than fit.
    """
    if len(include) > size:
        raise ValueError(f"{len(include)} must be in a team of {size}.")
    served = np.zeros(len(weights))
    members: list[int] = []
    gains: list[float] = []
    alone = np.round(weights @ benefit, DIGITS)
    forced = sorted(set(include), key=lambda i: (-alone[i], ids[i]))
    bound = np.inf
    while True:
        gain = _gains(benefit, weights, served, members)
        if len(members) >= len(forced):
            left = np.sort(gain)[::-1][: size - len(forced)]
            bound = min(bound, float(sum(gains) + np.clip(left, 0, None).sum()))
        if len(members) == size or len(members) == len(ids):
            break
        if len(members) < len(forced):
            best = forced[len(members)]
        else:
            best = _first(np.round(gain, DIGITS), alone, ids)
            if members and gain[best] < WORTH * sum(gains):
                break
        members.append(best)
        gains.append(max(float(gain[best]), 0.0))
        served = np.maximum(served, benefit[:, best])
    value = float(sum(gains))
    return Team(tuple(members), tuple(gains), value, max(bound, value))


def _first(gain: FloatArray, alone: FloatArray, ids: Sequence[str]) -> int:
    """Who adds most; of equals who is worth more alone, then by id."""
    equal = np.flatnonzero(gain == gain.max())
    return int(min(equal.tolist(), key=lambda i: (-alone[i], ids[i])))


def _gains(
    benefit: FloatArray, weights: FloatArray, served: FloatArray, members: Sequence[int]
) -> FloatArray:
    """(c,) what each candidate would add; -1 for members."""
    gain: FloatArray = weights @ np.maximum(benefit - served[:, None], 0)
    gain[list(members)] = -1.0
    return gain
