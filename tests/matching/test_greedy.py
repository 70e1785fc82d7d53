"""Greedy teams are worth nearly the best there is, whoever is asked first."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from matching.facets import COVERED
from matching.greedy import GUARANTEE, benefits, choose
from tests.matching.factories import repeatable

FloatArray = NDArray[np.float64]
Instance = tuple[FloatArray, FloatArray, list[str], int]


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    """Benefits (facets, candidates), weights, ids, size; small enough to try every team."""
    facets, candidates = draw(st.integers(1, 5)), draw(st.integers(1, 8))
    cells = st.sampled_from([0.0, 0.1, 0.25, 0.25, 0.4, 0.7, 1.0])
    shares = [[draw(cells) for _ in range(candidates)] for _ in range(facets)]
    raw = np.array([draw(st.integers(1, 5)) for _ in range(facets)], np.float64)
    fit = np.array([draw(cells) for _ in range(candidates)])
    benefit = benefits(np.array(shares), fit)
    return benefit, raw / raw.sum(), [f"p{i}" for i in range(candidates)], draw(st.integers(1, 6))


def value(benefit: FloatArray, weights: FloatArray, team: Sequence[int]) -> float:
    return float(weights @ benefit[:, list(team)].max(axis=1)) if team else 0.0


def best(benefit: FloatArray, weights: FloatArray, size: int, include: Sequence[int] = ()) -> float:
    people = range(benefit.shape[1])
    teams = combinations(people, min(size, len(people)))
    return max(value(benefit, weights, team) for team in teams if set(include) <= set(team))


@given(instances())
@repeatable
def test_greedy_keeps_its_guarantee_and_its_bound(instance: Instance) -> None:
    benefit, weights, names, size = instance
    team = choose(benefit, weights, names, size=size)
    optimum = best(benefit, weights, size)
    assert team.value == pytest.approx(value(benefit, weights, team.members))
    assert team.value >= GUARANTEE * optimum - 1e-9
    assert team.bound >= optimum - 1e-9
    assert team.share * optimum <= team.value + 1e-9
    assert 1 <= len(team.members) <= size
    assert len(set(team.members)) == len(team.members)
    assert list(team.gains) == sorted(team.gains, reverse=True)


@given(instances(), st.data())
@repeatable
def test_who_must_be_in_it_is(instance: Instance, data: st.DataObject) -> None:
    benefit, weights, names, size = instance
    include = data.draw(
        st.lists(st.integers(0, len(names) - 1), unique=True, max_size=min(size, len(names)))
    )
    team = choose(benefit, weights, names, size=size, include=include)
    assert set(include) <= set(team.members)
    optimum = best(benefit, weights, size, include)
    assert team.bound >= optimum - 1e-9
    assert team.value >= GUARANTEE * optimum - 1e-9


@given(instances(), st.randoms(use_true_random=False))
@repeatable
def test_the_order_of_the_candidates_changes_nothing(instance: Instance, random: object) -> None:
    benefit, weights, names, size = instance
    order = list(range(len(names)))
    random.shuffle(order)  # type: ignore[attr-defined]
    team = choose(benefit, weights, names, size=size)
    other = choose(benefit[:, order], weights, [names[i] for i in order], size=size)
    assert [names[order[i]] for i in other.members] == [names[i] for i in team.members]
    assert choose(benefit, weights, names, size=size) == team


def test_more_than_fit_cannot_be_in_it() -> None:
    with pytest.raises(ValueError, match="team of 1"):
        choose(np.ones((1, 3)), np.ones(1), ["a", "b", "c"], size=1, include=[0, 1])


def test_nobody_makes_an_empty_team() -> None:
    team = choose(np.zeros((2, 0)), np.array([0.5, 0.5]), [], size=3)
    assert team.members == ()
    assert team.value == team.bound == 0
    assert team.share == 1


def test_weak_coverage_serves_nobody() -> None:
    found = benefits(np.array([[COVERED - 0.01, COVERED]]), np.zeros(2))
    assert found[0, 0] == 0
    assert found[0, 1] > 0
