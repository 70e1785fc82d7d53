"""Aggregation against plain Python."""

from collections.abc import Sequence
from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.aggregate import best_mean, best_rows, group_maximum
from tests.matching.factories import repeatable

GROUPS = 4
pieces = st.lists(
    st.tuples(st.integers(0, GROUPS - 1), st.floats(-1, 1), st.booleans()), max_size=15
)
Pieces = list[tuple[int, float, bool]]


def allowed_of(found: Pieces, group: int) -> list[float]:
    return [value for owner, value, may in found if owner == group and may]


def arrays(found: Pieces) -> dict[str, np.ndarray]:
    return {
        "group": np.array([owner for owner, _, _ in found], np.int64),
        "values": np.array([value for _, value, _ in found], np.float64),
        "allowed": np.array([may for _, _, may in found], bool),
    }


@given(pieces, st.integers(1, 5))
@repeatable
def test_best_mean_is_the_mean_of_the_highest(found: Pieces, best: int) -> None:
    means = best_mean(**arrays(found), groups=GROUPS, best=best)
    for group, mean in enumerate(means):
        highest = sorted(allowed_of(found, group), reverse=True)[:best]
        expected = sum(highest) / len(highest) if highest else nan
        assert mean == pytest.approx(expected, nan_ok=True)


@given(pieces, st.integers(1, 5))
@repeatable
def test_best_rows_are_those_of_a_sort(found: Pieces, best: int) -> None:
    rows = best_rows(**arrays(found), best=best).tolist()
    expected = []
    for group in range(GROUPS):
        mine = [i for i, (owner, _, may) in enumerate(found) if owner == group and may]
        expected += sorted(mine, key=lambda i: -found[i][1])[:best]
    assert rows == expected


@given(pieces)
@repeatable
def test_group_maximum_is_the_maximum(found: Pieces) -> None:
    maxima = group_maximum(**arrays(found), groups=GROUPS)
    assert maxima.tolist() == [max(allowed_of(found, g), default=-inf) for g in range(GROUPS)]


def means(*groups: Sequence[float], best: int = 3) -> list[float]:
    found = [(group, value, True) for group, values in enumerate(groups) for value in values]
    found_means: list[float] = best_mean(**arrays(found), groups=len(groups), best=best).tolist()
    return found_means


def test_many_mediocre_values_do_not_beat_few_good_ones() -> None:
    good, many = means([0.8], [0.4] * 50)
    assert good > many


def test_weak_values_beyond_the_best_do_no_harm() -> None:
    few, more = means([0.9, 0.8], [0.9, 0.8, 0.1], best=2)
    assert few == more


def test_a_group_without_values_is_missing_and_not_zero() -> None:
    empty, zero = means([], [0.0])
    assert isnan(empty)
    assert zero == 0


def test_no_groups_at_all() -> None:
    assert means() == []
