"""Intervals that hold what they promise."""

import numpy as np
import pytest
from numpy.typing import NDArray

from matching.bootstrap import Tally, estimates


def mean_of(values: NDArray[np.float64]) -> Tally:
    return Tally(values[None, :], np.ones((1, len(values))))


def test_the_value_is_the_measure_of_the_data_itself() -> None:
    tally = Tally(np.array([[1.0, 0.0], [3.0, 1.0]]), np.array([[2.0, 2.0], [4.0, 4.0]]))
    # The mean over the variants of 1/4 and 4/8.
    assert estimates({"a": tally}, baseline="a")["a"].value == pytest.approx(0.375)


def test_the_interval_has_the_width_of_the_normal_approximation() -> None:
    values = np.random.default_rng(1).normal(0.5, 0.2, 400)
    found = estimates({"a": mean_of(values)}, baseline="a")["a"]
    expected = 2 * 1.96 * values.std() / np.sqrt(400)
    assert found.low < found.value < found.high
    assert found.high - found.low == pytest.approx(expected, rel=0.15)


def test_a_paired_difference_is_narrower_than_the_intervals() -> None:
    random = np.random.default_rng(2)
    base = random.uniform(size=300)
    better = base + 0.02 + random.normal(0, 0.01, 300)
    found = estimates({"base": mean_of(base), "better": mean_of(better)}, baseline="base")
    assert found["base"].above is None
    above = found["better"].above
    assert above is not None
    assert 0 < above[1] < above[0] < above[2]
    assert above[2] - above[1] < (found["base"].high - found["base"].low) / 5


def test_the_same_data_gives_the_same_interval() -> None:
    tallies = {"a": mean_of(np.arange(50.0)), "b": mean_of(np.arange(50.0)[::-1].copy())}
    assert estimates(tallies, baseline="a") == estimates(tallies, baseline="a")


def test_no_units_at_all() -> None:
    nothing = Tally(np.zeros((1, 0)), np.zeros((1, 0)))
    assert estimates({"a": nothing}, baseline="a")["a"].value == 0
