import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from matching.calibrate import Curve
from matching.calibration_fit import (
    Sample,
    brier,
    expected_calibration_error,
    fit_calibration,
    fit_curve,
    isotonic,
    logistic,
    show,
)
from matching.learn import default_weights
from tests.matching.factories import repeatable
from tests.matching.judged import make_examples, signals_of

SIGNALS = signals_of(1, 1)
WEIGHTS = default_weights(SIGNALS)


def sample(number: int = 2000, seed: int = 0, slope: float = 1.0) -> Sample:
    """Events whose logit is `slope` times the first fact; the second says nothing."""
    random = np.random.default_rng(seed)
    facts = random.standard_normal((number, 2))
    happened = random.random(number) < 1 / (1 + np.exp(-slope * facts[:, 0]))
    return Sample(facts, happened.astype(float), np.ones(number), np.arange(number) // 2)


def test_the_logistic_curve_finds_the_slope() -> None:
    curve = logistic(sample())

    assert abs(curve.slopes[0] - 1) < 0.2
    assert abs(curve.slopes[1]) < 0.1


def test_a_fact_that_speaks_against_has_no_slope() -> None:
    """More of a fact may never make a match less likely."""
    assert logistic(sample(slope=-1.0)).slopes[0] == 0.0


@repeatable
@given(st.integers(0, 50), st.integers(10, 60))
def test_both_curves_never_fall(seed: int, number: int) -> None:
    given_sample = sample(number, seed)
    grid = np.column_stack([np.linspace(-3, 3, 20), np.zeros(20)])

    for kind in (logistic, isotonic):
        probability = kind(given_sample).probability(grid)
        assert (np.diff(probability) >= -1e-9).all()
        assert ((probability >= 0) & (probability <= 1)).all()


def test_the_curve_that_predicts_better_is_taken() -> None:
    """A step is no logistic function: the isotonic curve finds it."""
    random = np.random.default_rng(0)
    facts = np.column_stack([random.uniform(-3, 3, 4000), np.zeros(4000)])
    happened = random.random(4000) < np.where(facts[:, 0] > 2, 0.9, 0.1)
    step = Sample(facts, happened.astype(float), np.ones(4000), np.arange(4000))
    fold = np.arange(4000) % 4

    curve, held_out = fit_curve(step, fold)

    assert curve.knots
    assert brier(step, held_out) < brier(step, logistic(step).probability(facts))


def test_the_calibration_error_of_honest_and_of_boastful_probabilities() -> None:
    known = sample()
    honest = Curve((1.0, 0.0), 0.0).probability(known.facts)
    boastful = Curve((4.0, 0.0), 1.0).probability(known.facts)

    assert expected_calibration_error(honest, known.happened) < 0.05
    assert expected_calibration_error(boastful, known.happened) > 0.1
    assert expected_calibration_error(np.zeros(0), np.zeros(0)) == 0.0


def test_a_list_without_its_partner_is_judged_without_it() -> None:
    (example,) = make_examples((1, 1), number=1, noise=0.0)
    example.values[int(np.argmax(example.gains))] = 3.0

    shown = show(example, WEIGHTS)

    assert shown.reached
    assert shown.right[0]
    assert shown.without[0] < shown.facts[0, 0]


def test_half_of_the_lists_without_a_partner_are_weak_and_few_with_one() -> None:
    examples = make_examples((1, 1), number=60, noise=0.0)
    for example in examples[:40]:
        example.values[int(np.argmax(example.gains))] = 2.0

    calibration = fit_calibration(examples, WEIGHTS, SIGNALS)

    lists = [show(example, WEIGHTS) for example in examples[:40]]
    kept = calibration.strength.probability(np.array([shown.facts[0] for shown in lists]))
    without = calibration.strength.probability(np.array([shown.without for shown in lists]))
    assert np.mean(kept >= calibration.threshold) > 0.9
    assert 0.3 < np.mean(without < calibration.threshold) < 0.7
    assert set(calibration.typical) == {"s0", "s1"}
    assert min(calibration.typical.values()) > 1.0
