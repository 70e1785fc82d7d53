"""Nested cross-validation of weights and calibration, and the fit on all queries.

Outer folds report: what is measured on a query comes from weights, pull and calibration that were
fitted and chosen on other queries. Inner folds, within the outer training part, choose the pull
and the kind of the curves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from matching.bootstrap import LEVELS, Estimate, Tally, estimates
from matching.calibrate import Calibration
from matching.calibration_fit import (
    Shown,
    expected_calibration_error,
    fit_calibration,
    places,
    show,
)
from matching.learn import (
    INNER_FOLDS,
    OUTER_FOLDS,
    PULLS,
    Example,
    choose_pull,
    default_weights,
    equal_weights,
    fit,
    folds_of,
    ranked,
)
from matching.metrics import RANKING_METRICS
from matching.signals import Signal

FloatArray = NDArray[np.float64]

POOLED: Final = "all sets"
"""The mean over the sets, each counting equally; the calibration measures over all lists."""
AUC_SAMPLES: Final = 500
DEFAULT, LEARNED = "default", "learned"


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far held-out probabilities can be trusted."""

    calibration_error: float
    """Expected calibration error of the places."""
    brier: float
    auc: Estimate
    """ROC AUC of the strength: lists as they are against the same without their true partners."""
    ceiling: float
    """½ + ½ P(a true partner is first): about what an oracle that saw only the first place got."""
    flagged: float
    """Share of lists as they are that are said to have no strong partner."""
    flagged_reached: float
    """The same of lists with a true partner among their first ten."""
    flagged_without: float
    """The same of lists whose true partners were removed."""


@dataclass(frozen=True, slots=True)
class Trained:
    """Weights and calibration fitted on all queries, and what they reach on held-out ones."""

    weights: tuple[float, ...]
    pull: float | None
    """None where the default weights were kept."""
    calibration: Calibration
    ranking: dict[str, dict[str, dict[str, Estimate]]]
    """`[set][metric][default or learned]`."""
    reliability: dict[str, Reliability]
    """By set."""


def steps(*, learn: bool) -> int:
    """How often `train` calls `step`."""
    return (OUTER_FOLDS + 1) * (len(PULLS) * INNER_FOLDS * learn + 1)


def train(
    examples: Sequence[Example],
    signals: Sequence[Signal],
    *,
    learn: bool = True,
    seed: int = 0,
    step: Callable[[], None] = lambda: None,
) -> Trained:
    """Fit and measure; without `learn` the default weights are kept and only calibrated.

    Raises ValueError with fewer different queries than folds, or none with a relevant candidate.
    """
    if not any((example.gains > 0).any() for example in examples):
        raise ValueError("no query has a right partner among its candidates: nothing to learn from")
    fold = folds_of(examples, number=OUTER_FOLDS, seed=seed)
    weights = np.zeros((len(examples), len(signals)))
    held: list[_Held | None] = [None] * len(examples)
    for number in range(OUTER_FOLDS):
        kept = [examples[i] for i in np.flatnonzero(fold != number).tolist()]
        found, _ = _weights(kept, signals, learn, seed, step)
        calibration = fit_calibration(kept, found, signals, seed=seed)
        for i in np.flatnonzero(fold == number).tolist():
            weights[i] = found
            held[i] = _Held.of(show(examples[i], found), calibration)
        step()
    final, pull = _weights(examples, signals, learn, seed, step)
    calibration = fit_calibration(examples, final, signals, seed=seed)
    step()
    return Trained(
        weights=tuple(map(float, final)),
        pull=pull,
        calibration=calibration,
        ranking=_ranking(examples, weights, signals),
        reliability=_reliability(examples, [each for each in held if each is not None]),
    )


def _weights(
    examples: Sequence[Example],
    signals: Sequence[Signal],
    learn: bool,
    seed: int,
    step: Callable[[], None],
) -> tuple[FloatArray, float | None]:
    default = default_weights(signals)
    if not learn:
        return default, None
    pull = choose_pull(examples, default, seed=seed, step=step)
    return fit(examples, default, pull=pull), pull


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """A held-out list with what the calibration of the other folds says of it."""

    shown: Shown
    places: FloatArray
    strength: float
    without: float
    threshold: float

    @classmethod
    def of(cls, shown: Shown, calibration: Calibration) -> "_Held":
        probability = np.minimum.accumulate(calibration.place.probability(shown.facts))
        facts = shown.facts[0] if len(shown.facts) else np.zeros_like(shown.without)
        strength, without = calibration.strength.probability(np.stack([facts, shown.without]))
        return cls(shown, probability, float(strength), float(without), calibration.threshold)


def _reliability(examples: Sequence[Example], held: Sequence[_Held]) -> dict[str, Reliability]:
    names = list(dict.fromkeys(example.set for example in examples))
    share = equal_weights([example.set for example in examples])
    found = {}
    for name in names:
        lists = [each for each, e in zip(held, examples, strict=True) if e.set == name]
        found[name] = _reliability_of(lists, np.ones(len(lists)))
    if len(names) > 1:
        found[POOLED] = _reliability_of(held, share)
    return found


def _reliability_of(held: Sequence[_Held], share: FloatArray) -> Reliability:
    sample = places([each.shown for each in held], share)
    probability = np.concatenate([each.places for each in held])
    strength = np.array([each.strength for each in held])
    without = np.array([each.without for each in held])
    threshold = np.array([each.threshold for each in held])
    reached = np.array([each.shown.reached for each in held])
    first = np.array([bool(each.shown.right[:1].any()) for each in held])
    return Reliability(
        calibration_error=expected_calibration_error(probability, sample.happened),
        brier=float(np.average((probability - sample.happened) ** 2, weights=sample.share)),
        auc=_auc(strength, without, share),
        ceiling=0.5 + 0.5 * float(np.average(first, weights=share)),
        flagged=float(np.average(strength < threshold, weights=share)),
        flagged_reached=(
            float(np.average((strength < threshold)[reached], weights=share[reached]))
            if reached.any()
            else 0.0
        ),
        flagged_without=float(np.average(without < threshold, weights=share)),
    )


def _auc(strength: FloatArray, without: FloatArray, share: FloatArray) -> Estimate:
    """ROC AUC with its 95% interval from a bootstrap over queries, both lists of one together."""
    there = np.repeat([1, 0], len(share))
    both = np.concatenate([strength, without])
    drawn = np.random.default_rng(0).multinomial(
        len(share), np.full(len(share), 1 / len(share)), AUC_SAMPLES
    )
    found = [
        float(roc_auc_score(there, both, sample_weight=np.tile(share * times, 2)))
        for times in (np.ones(len(share)), *drawn)
    ]
    low, high = np.percentile(found[1:], LEVELS)
    return Estimate(found[0], float(low), float(high))


def _ranking(
    examples: Sequence[Example], weights: FloatArray, signals: Sequence[Signal]
) -> dict[str, dict[str, dict[str, Estimate]]]:
    """The ranking metrics of each set on held-out queries, both weights on the same resamples."""
    default = default_weights(signals)
    orders = {
        DEFAULT: [_names(example, default) for example in examples],
        LEARNED: [_names(e, row) for e, row in zip(examples, weights, strict=True)],
    }
    return {
        name: {
            metric.name: estimates(
                {
                    ranker: _tally(
                        [
                            metric.measure(order, example.judged)
                            for order, example in zip(lists, examples, strict=True)
                            if example.set == name
                        ]
                    )
                    for ranker, lists in orders.items()
                },
                baseline=DEFAULT,
            )
            for metric in RANKING_METRICS
        }
        for name in dict.fromkeys(example.set for example in examples)
    }


def _names(example: Example, weights: FloatArray) -> list[str]:
    return [example.names[i] for i in ranked(example, weights)]


def _tally(values: Sequence[float]) -> Tally:
    got = np.array([values], np.float64)
    return Tally(got, np.ones_like(got))
