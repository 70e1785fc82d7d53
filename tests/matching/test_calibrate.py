import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from matching.calibrate import FEWEST, Calibration, Curve, judge, place_facts
from matching.model import Model
from matching.ranker import Scores
from tests.matching.factories import ask, corpus_of, repeatable

WEIGHTS = np.array([0.6, 0.4])
CALIBRATION = Calibration(
    place=Curve((0.0, 1.0, 0.3), -3.0),
    strength=Curve((8.0, 0.0, 0.0), -4.0),
    threshold=0.5,
    typical={"s0": 0.5, "s1": 0.5},
)


def scores(values: np.ndarray) -> Scores:
    """What the ranker makes of signals (c, 2)."""
    contributions = (values * WEIGHTS).T
    total = contributions.sum(axis=0)
    return Scores((), contributions, total, np.argsort(-total, kind="stable").tolist())


def crowd(number: int = 120, seed: int = 0) -> np.ndarray:
    return 0.2 + 0.1 * np.random.default_rng(seed).random((number, 2))


def test_a_first_that_stands_out_is_strong_and_one_of_many_is_not() -> None:
    alike, outstanding = crowd(), crowd()
    outstanding[7] = 0.9

    strong, weak = (judge(scores(values), WEIGHTS, CALIBRATION) for values in (outstanding, alike))

    assert strong is not None
    assert weak is not None
    assert strong.strong
    assert not weak.strong
    assert strong.strength > weak.strength
    assert strong.probabilities[0] > weak.probabilities[0]


def test_too_few_candidates_cannot_be_judged() -> None:
    assert judge(scores(crowd(FEWEST - 1)), WEIGHTS, CALIBRATION) is None
    assert judge(scores(crowd(FEWEST)), WEIGHTS, CALIBRATION) is not None
    assert judge(scores(crowd(0)), WEIGHTS, CALIBRATION) is None


@repeatable
@given(st.integers(FEWEST, 150), st.integers(0, 100))
def test_probabilities_never_rise_down_the_list(number: int, seed: int) -> None:
    verdict = judge(scores(crowd(number, seed)), WEIGHTS, CALIBRATION)

    assert verdict is not None
    assert len(verdict.probabilities) == number
    assert list(verdict.probabilities) == sorted(verdict.probabilities, reverse=True)
    assert all(0 <= p <= 1 for p in (*verdict.probabilities, verdict.strength))


def facts_of(
    values: NDArray[np.float64], weights: NDArray[np.float64], order: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The facts of a list whose scores are all alike."""
    return place_facts(values, weights, order, np.full(len(values), 0.4))


def test_facts_do_not_depend_on_the_scale_of_a_signal_nor_on_one_that_all_share() -> None:
    values = crowd()
    order = np.argsort(-(values @ WEIGHTS), kind="stable")
    scaled = values * [3.0, 0.5] + [0.1, 0.2]

    assert np.allclose(facts_of(values, WEIGHTS, order), facts_of(scaled, WEIGHTS, order))
    shared = np.column_stack([values, np.full(len(values), 0.7)])
    weights = np.append(WEIGHTS, 5.0)
    assert np.allclose(facts_of(values, WEIGHTS, order), facts_of(shared, weights, order))


def test_who_alone_shares_a_word_stands_out_far() -> None:
    values = crowd()
    values[:, 1] = 0.0
    order = np.argsort(-(values @ WEIGHTS), kind="stable")
    before = facts_of(values, WEIGHTS, order)[0]
    values[order[0], 1] = 0.5

    after = facts_of(values, WEIGHTS, order)[0]

    assert after[1] > before[1] + 1
    assert np.isfinite(after).all()


def test_a_larger_crowd_of_the_same_kind_hardly_changes_the_facts_of_the_first() -> None:
    small, large = crowd(120), np.vstack([crowd(120), crowd(2000, 1) - 0.2])
    facts = []
    for values in (small, large):
        values[3] = 0.6
        order = np.argsort(-(values @ WEIGHTS), kind="stable")
        facts.append(facts_of(values, WEIGHTS, order)[0])

    assert np.allclose(facts[0], facts[1], rtol=0.3)


def test_an_isotonic_curve_interpolates_between_its_knots() -> None:
    curve = Curve((1.0, 0.0, 0.0), 0.0, knots=((-1.0, 0.1), (1.0, 0.5)))

    found = curve.probability(np.array([[-9.0, 0, 0], [0.0, 0, 0], [9.0, 0, 0]]))

    assert np.allclose(found, [0.1, 0.3, 0.5])


def test_a_model_without_calibration_says_nothing() -> None:
    ranking = ask(corpus_of({"a": ["koji brewing"]}), "koji")

    assert Model().judge(ranking.scores) is None
