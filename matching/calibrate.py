"""From scores to probabilities, and from a list to "is there a strong partner at all?".

The probability of a place is read from three facts:

- `score`: how far the partner stands above chance, for this need in this corpus;
- `stand`: how far it stands out from the others of the list, as the weighted mean of the signals'
  z-scores by the mean and the spread of places 21 to 100 (the first twenty are what is judged, so
  they are no part of the yardstick);
- `lead`: its `stand` less the highest of the others.

All are without a unit and nearly independent of the size of the corpus. Whether a list has a strong
partner at all is read from the `stand` of its first place alone: within one corpus the `score`
tells a little better, but one threshold on it does not serve two corpora (docs/decisions/0008 has
the table of what was tried).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.ranker import Scores

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FACTS: Final = ("score", "stand", "lead")
YARDSTICK: Final = slice(20, 100)
"""The places whose mean and spread are the measure."""
LEAST_SPREAD: Final = 0.25
"""Of the spread of the first hundred: where places 21 to 100 are all alike, as when only a few
candidates share a word with the need, those few stand out far, but not without end."""
FEWEST: Final = 40
"""With fewer candidates nothing can be said: there is nothing to stand out from."""
PLACES: Final = 10
"""Places that the fit looks at: those which people look at."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A probability that never falls with any fact.

    The logit is `intercept` plus `slopes` (facts,), at least 0, times the facts. Without `knots`
    the probability is its logistic function (Platt 1999); with them it is interpolated between
    the knots (logit, probability) of an isotonic regression (Zadrozny and Elkan 2002).
    """

    slopes: tuple[float, ...]
    intercept: float
    knots: tuple[tuple[float, float], ...] = ()

    def logit(self, facts: FloatArray) -> FloatArray:
        """(n,) of facts (n, facts)."""
        found: FloatArray = facts @ np.array(self.slopes) + self.intercept
        return found

    def probability(self, facts: FloatArray) -> FloatArray:
        """(n,) in [0, 1] of facts (n, facts)."""
        logit = self.logit(facts)
        if self.knots:
            at, probability = np.array(self.knots).T
            return np.asarray(np.interp(logit, at, probability), np.float64)
        found: FloatArray = 1 / (1 + np.exp(-np.clip(logit, -500, 500)))
        return found


@dataclass(frozen=True, slots=True)
class Calibration:
    """How scores of one set of weights become probabilities."""

    place: Curve
    """That the partner in a place is a true one."""
    strength: Curve
    """That a true one is among the first ten, if every other need had none; of the first place."""
    threshold: float
    """A list of less strength names no strong partner."""
    typical: Mapping[str, float]
    """By signal, the mean value of true partners among the first ten."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a calibration says of one list."""

    probabilities: tuple[float, ...]
    """Of each place, never rising down the list."""
    strength: float
    strong: bool


def judge(scores: Scores, weights: FloatArray, calibration: Calibration) -> Verdict | None:
    """The verdict on a list; None with fewer than `FEWEST` candidates.

    `weights` (signals,) are those that the scores were made with.
    """
    order = np.asarray(scores.order, np.int64)
    if len(order) < FEWEST:
        return None
    facts = place_facts(scores.contributions.T, weights / weights.sum(), order, scores.values)
    strength = float(calibration.strength.probability(facts[:1])[0])
    return Verdict(
        probabilities=tuple(falling(calibration.place.probability(facts)).tolist()),
        strength=strength,
        strong=strength >= calibration.threshold,
    )


def place_facts(
    values: FloatArray, weights: FloatArray, order: IntArray, scores: FloatArray
) -> FloatArray:
    """The facts (c, 3) of each place, the first place first.

    `values` (c, signals) may have any scale per signal, so contributions serve as well; `order`
    (c,) are the candidates, the best first, and `scores` (c,) theirs. A signal that all share says
    nothing. With fewer than `FEWEST` candidates all of them are the yardstick.
    """
    if len(order) < 2:
        alone = np.zeros((len(order), len(FACTS)))
        alone[:, 0] = scores[order]
        return alone
    around = values[order[YARDSTICK] if len(order) >= FEWEST else order]
    every = values[order[: YARDSTICK.stop]].std(axis=0)
    spread = np.maximum(around.std(axis=0), LEAST_SPREAD * every)
    known = spread > 1e-9
    scaled = (values[order] - around.mean(axis=0)) / np.where(known, spread, 1.0)
    stand = np.where(known, scaled, 0.0) @ weights
    second, first = np.sort(stand)[-2:]
    others = np.where(np.arange(len(stand)) == np.argmax(stand), second, first)
    return np.stack([scores[order], stand, stand - others], axis=1)


def falling(probabilities: FloatArray) -> FloatArray:
    """No place is surer than the one above it: the list's order is the score's."""
    found: FloatArray = np.minimum.accumulate(probabilities)
    return found
