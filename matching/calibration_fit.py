"""Fits a calibration to judged queries, and measures how well it holds.

Each query is seen twice: as it is, and with all its true partners taken out of the list. The first
teaches which places are right, both teach what a list without a strong partner looks like. The
judgements say who did work together; other good partners exist and count as wrong here, so the
probabilities are low rather than high.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression

from matching.calibrate import FACTS, PLACES, Calibration, Curve, place_facts
from matching.learn import (
    INNER_FOLDS,
    Example,
    equal_weights,
    folds_of,
    ranked,
)
from matching.signals import Signal

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

STRENGTH_FACTS: Final = ("stand",)
"""What the strength of a list is read from."""
BINS: Final = 15
SHRINKAGE: Final = 1e-3
"""Of the slopes, on facts of unit variance: enough to keep separable data from infinity."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """The first places of a query's list, and of the same list without its true partners."""

    facts: FloatArray
    """(places, facts)."""
    right: BoolArray
    """(places,)."""
    without: FloatArray
    """(facts,) of the first place, true partners removed."""
    typical: FloatArray
    """(right places, signals) values of the true partners among the places."""

    @property
    def reached(self) -> bool:
        """True if a true partner is among the places."""
        return bool(self.right.any())


def show(example: Example, weights: FloatArray) -> Shown:
    """What a query's list shows under these weights, and what it would without its partners."""
    order = ranked(example, weights)
    right = example.gains > 0
    left = order[~right[order]]
    first = order[:PLACES]
    scores = example.values @ weights
    without = place_facts(example.values, weights, left, scores)
    return Shown(
        facts=place_facts(example.values, weights, order, scores)[:PLACES],
        right=right[first],
        without=without[0] if len(without) else np.zeros(len(FACTS)),
        typical=example.values[first[right[first]]],
    )


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What a curve is fitted to: facts (n, facts), what happened (n,), what each counts (n,)."""

    facts: FloatArray
    happened: FloatArray
    share: FloatArray
    query: IntArray
    """(n,) of which query each row tells."""

    def of(self, rows: BoolArray) -> "Sample":
        """Some of the rows."""
        return Sample(self.facts[rows], self.happened[rows], self.share[rows], self.query[rows])


def places(lists: Sequence[Shown], share: FloatArray) -> Sample:
    """Every place of every list: was its partner a true one?"""
    sizes = [len(shown.right) for shown in lists]
    query = np.repeat(np.arange(len(lists)), sizes)
    return Sample(
        facts=np.vstack([shown.facts for shown in lists]),
        happened=np.concatenate([shown.right for shown in lists]).astype(np.float64),
        share=share[query] / np.repeat(np.maximum(sizes, 1), sizes),
        query=query,
    )


def strengths(lists: Sequence[Shown], share: FloatArray) -> Sample:
    """Every list twice: is a true partner among its places?"""
    held = [shown for shown in range(len(lists)) if len(lists[shown].facts)]
    rows = np.array(held, np.int64)
    reached = np.array([lists[i].reached for i in held], np.float64)
    facts = np.array([lists[i].facts[0] for i in held] + [lists[i].without for i in held])
    return Sample(
        # A fact that is always 0 gets no slope.
        facts=facts * np.array([fact in STRENGTH_FACTS for fact in FACTS]),
        happened=np.concatenate([reached, np.zeros(len(held))]),
        share=np.tile(share[rows], 2),
        query=np.tile(rows, 2),
    )


def fit_calibration(
    examples: Sequence[Example], weights: FloatArray, signals: Sequence[Signal], *, seed: int = 0
) -> Calibration:
    """A calibration for scores made with these weights.

    The threshold is the median strength, judged out of fold, of lists whose true partners were
    removed: half of those are called weak. (The largest sum of lists rightly called weak and
    rightly kept, Youden 1950, would call four in five of all lists weak: who did not work together
    yet is no worse a partner for it.)
    """
    share = equal_weights([example.set for example in examples])
    lists = [show(example, weights) for example in examples]
    fold = folds_of(examples, number=INNER_FOLDS, seed=seed)
    place, _ = fit_curve(places(lists, share), fold)
    sample = strengths(lists, share)
    strength, held_out = held_out_logistic(sample, fold)
    return Calibration(
        place=place,
        strength=strength,
        threshold=_threshold(sample, held_out),
        typical=_typical(lists, share, signals),
    )


def _typical(
    lists: Sequence[Shown], share: FloatArray, signals: Sequence[Signal]
) -> dict[str, float]:
    total, mass = np.zeros(len(signals)), 0.0
    for shown, part in zip(lists, share, strict=True):
        if len(shown.typical):
            total += part * shown.typical.mean(axis=0)
            mass += part
    means = total / mass if mass else np.array([signal.neutral for signal in signals])
    return {signal.name: float(mean) for signal, mean in zip(signals, means, strict=True)}


def _threshold(sample: Sample, probability: FloatArray) -> float:
    half = len(sample.query) // 2  # the lists as they are, then the same without their partners
    without, share = probability[half:], sample.share[half:]
    if not share.sum():
        return 1.0
    order = np.argsort(without, kind="stable")
    below = np.cumsum(share[order]) / share.sum()
    return float(without[order][np.searchsorted(below, 0.5)])


def held_out_logistic(sample: Sample, fold: IntArray) -> tuple[Curve, FloatArray]:
    """The logistic curve, and its out-of-fold probabilities (n,); `fold` (queries,).

    For strengths: without the steps of an isotonic one, lists keep the order of their scores.
    """
    where = fold[sample.query]
    predicted = np.zeros(len(sample.query))
    for number in np.unique(where):
        held = where == number
        predicted[held] = logistic(sample.of(~held)).probability(sample.facts[held])
    return logistic(sample), predicted


def fit_curve(sample: Sample, fold: IntArray) -> tuple[Curve, FloatArray]:
    """The logistic or the isotonic curve, whichever predicts held-out queries better.

    `fold` (queries,). Compared by the Brier score. Also returns the out-of-fold probabilities
    (n,) of the one that was taken.
    """
    predicted = {kind: np.zeros(len(sample.query)) for kind in (logistic, isotonic)}
    where = fold[sample.query]
    for number in np.unique(where):
        for kind, values in predicted.items():
            held = where == number
            values[held] = kind(sample.of(~held)).probability(sample.facts[held])
    best = min(predicted, key=lambda kind: brier(sample, predicted[kind]))
    return best(sample), predicted[best]


def logistic(sample: Sample) -> Curve:
    """Logistic regression with slopes of at least 0 (Platt 1999), which SciPy fits in bounds."""
    middle, spread = sample.facts.mean(axis=0), sample.facts.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    facts = (sample.facts - middle) / spread
    share = sample.share / sample.share.sum()

    def loss(found: FloatArray) -> tuple[float, FloatArray]:
        logit = facts @ found[:-1] + found[-1]
        away = share * (1 / (1 + np.exp(-np.clip(logit, -500, 500))) - sample.happened)
        value = share @ (np.logaddexp(0, logit) - sample.happened * logit)
        slope = np.append(facts.T @ away + 2 * SHRINKAGE * found[:-1], away.sum())
        return float(value + SHRINKAGE * found[:-1] @ found[:-1]), slope

    bounds = [(0.0, None)] * len(middle) + [(-30.0, 30.0)]
    start = np.zeros(len(middle) + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    slopes = found[:-1] / spread
    return Curve(tuple(map(float, slopes)), float(found[-1] - slopes @ middle))


def isotonic(sample: Sample) -> Curve:
    """Isotonic regression on the logit of the logistic one, kept off 0 and 1."""
    curve = logistic(sample)
    if not any(curve.slopes):
        return curve
    regression = IsotonicRegression(y_min=0.001, y_max=0.999, out_of_bounds="clip")
    regression.fit(curve.logit(sample.facts), sample.happened, sample_weight=sample.share)
    knots = zip(regression.X_thresholds_, regression.y_thresholds_, strict=True)
    return Curve(curve.slopes, curve.intercept, tuple((float(x), float(y)) for x, y in knots))


def brier(sample: Sample, probability: FloatArray) -> float:
    """Mean squared distance of the probability to what happened (Brier 1950)."""
    return float(np.average((probability - sample.happened) ** 2, weights=sample.share))


def expected_calibration_error(probability: FloatArray, happened: FloatArray) -> float:
    """Mean |probability - frequency| over fifteen bins of equal mass (Guo et al. 2017)."""
    order = np.argsort(probability, kind="stable")
    bins = [rows for rows in np.array_split(order, BINS) if len(rows)]
    gaps = [len(rows) * abs(probability[rows].mean() - happened[rows].mean()) for rows in bins]
    return float(sum(gaps) / len(order)) if len(order) else 0.0
