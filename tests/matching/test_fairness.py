"""The worst-served needs are raised as far as any plan can raise them."""

import numpy as np
import pytest
from hypothesis import given

from matching import fairness
from matching.assignment import assign
from matching.fairness import fair_levels
from matching.pairs import Weights, canonical
from tests.matching.factories import repeatable
from tests.matching.planning import (
    Instance,
    best_values,
    every_plan,
    fits,
    instances,
    make_limits,
    make_pairs,
    random_problem,
)


@repeatable
@given(instances(fairness=1.0))
def test_no_plan_is_better_in_the_leximin_order(instance: Instance) -> None:
    pairs, limits, weights = instance
    n = len(limits.per_need)
    fairest = max(sorted(best_values(pairs, n, chosen)) for chosen in every_plan(pairs, limits))

    problem = canonical(pairs, limits, weights)
    levels, promised = fair_levels(problem)
    plan = assign(pairs, limits, weights=weights)

    assert sorted(np.nan_to_num(levels)) == pytest.approx(fairest)
    assert sorted(best_values(pairs, n, plan.chosen)) == pytest.approx(fairest)
    assert fits(pairs, limits, problem.given[promised])
    kept = best_values(pairs, n, problem.given[promised])
    np.testing.assert_allclose(kept, np.nan_to_num(levels))


def test_a_need_with_one_chance_gets_it() -> None:
    """By value alone the partner goes to the need that has others."""
    pairs = make_pairs(np.array([[0.9, 0.8], [0.3, np.nan]]))
    limits = make_limits(2, 2, per_need=np.full(2, 1), per_partner=np.full(2, 1))
    by_value = make_pairs(np.array([[0.9, 0.2], [0.3, np.nan]]))

    def best(fair: float) -> list[float]:
        plan = assign(by_value, limits, weights=Weights(fairness=fair))
        return list(map(float, best_values(by_value, 2, plan.chosen)))

    assert best_values(pairs, 2, assign(pairs, limits).chosen).tolist() == [0.8, 0.3]
    assert best(0.0) == [0.9, 0.0]
    assert best(0.5) == [0.2, 0.3]
    assert best(1.0) == [0.2, 0.3]


def test_who_is_raised_is_chosen_by_how_far_that_goes() -> None:
    """One of two needs can have the better partner; it goes to the one whom it serves more."""
    pairs = make_pairs(np.array([[0.1, 0.2], [0.1, 0.7]]))
    limits = make_limits(2, 2, per_need=np.full(2, 1), per_partner=np.array([1, 1]))
    levels, _ = fair_levels(canonical(pairs, limits, Weights()))
    assert levels.tolist() == [0.1, 0.7]


def test_many_give_way_for_the_one_who_is_served_worst() -> None:
    """Three needs fall far so that a fourth rises a little: no sum of values would do that."""
    values = np.full((4, 5), np.nan)
    values[0, [4, 0]] = 0.1, 0.2
    values[1, [0, 1]] = 1.0, 0.3
    values[2, [1, 2]] = 0.9, 0.4
    values[3, [2, 3]] = 0.95, 0.5
    limits = make_limits(4, 5, per_need=np.full(4, 1), per_partner=np.full(5, 1))
    levels, _ = fair_levels(canonical(make_pairs(values), limits, Weights()))
    assert levels.tolist() == [0.2, 0.3, 0.4, 0.5]


def test_more_fairness_never_serves_the_worst_need_less() -> None:
    pairs, limits = random_problem(1)
    worst, value = [], []
    for weight in (0.0, 0.3, 0.6, 1.0):
        plan = assign(pairs, limits, weights=Weights(fairness=weight))
        worst.append(best_values(pairs, len(limits.per_need), plan.chosen).min())
        value.append(plan.value)
    assert worst == sorted(worst)
    assert worst[-1] > worst[0]
    assert value == sorted(value, reverse=True)


@pytest.mark.parametrize("seed", range(6))
def test_with_few_levels_the_worst_need_is_still_exact(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs, limits = random_problem(seed, needs=30, partners=12, share=0.3)
    problem = canonical(pairs, limits, Weights())
    monkeypatch.setattr(fairness, "LEVELS", 10_000)
    exact, _ = fair_levels(problem)
    monkeypatch.setattr(fairness, "LEVELS", 6)
    monkeypatch.setattr(fairness, "PROBED", 2)
    coarse, _ = fair_levels(problem)
    assert np.isnan(coarse).sum() == np.isnan(exact).sum()
    assert np.nanmin(coarse) == np.nanmin(exact)
