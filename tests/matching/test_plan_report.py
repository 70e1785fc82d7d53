"""The report says of each way to plan what it does to needs and to partners."""

import json

import numpy as np
import pytest

from matching.assignment import assign
from matching.pairs import Weights
from matching.plan_report import ALONE, COMPARED, MOST, PLAN, gini, report
from tests.matching.planning import make_limits, make_pairs, random_problem

# Sixteen needs; one professor fits all of them best, sixteen others nearly as well.
VALUES = np.column_stack([np.full(16, 0.9), np.full((16, 16), 0.2) + 0.6 * np.eye(16)])
STAR_LIMITS = make_limits(16, 17, per_need=np.full(16, 1), per_partner=np.full(17, 4))


def test_lists_send_a_star_all_requests_and_a_plan_what_he_can_bear() -> None:
    pairs = make_pairs(VALUES)
    plan = assign(pairs, STAR_LIMITS)
    figures = {each.name: each for each in report(pairs, STAR_LIMITS, plan).figures}

    alone, cut, ours = figures[ALONE], figures[COMPARED["top"]], figures[PLAN]
    assert (alone.heaviest, alone.over, alone.served) == (16, 1, 16)
    assert (cut.heaviest, cut.served, cut.worst) == (4, 4, 0.0)
    assert (ours.heaviest, ours.over, ours.served) == (4, 0, 16)
    assert ours.worst == pytest.approx(0.8)
    assert ours.seen == pytest.approx(13 / 17)
    assert ours.value == pytest.approx(4 * 0.9 + 12 * 0.8)
    assert ours.gini < alone.gini


@pytest.mark.parametrize("seed", range(3))
def test_no_plan_within_the_limits_passes_the_bound(seed: int) -> None:
    pairs, limits = random_problem(seed)
    weights = Weights(fairness=1.0)
    plan = assign(pairs, limits, weights=weights)
    found = report(pairs, limits, plan, weights=weights)
    figures = {each.name: each for each in found.figures}

    assert figures[MOST].of_bound == pytest.approx(1.0)
    for name in (*COMPARED.values(), PLAN):
        assert 0 < figures[name].of_bound <= 1 + 1e-9
        assert figures[name].over == 0
    assert figures[PLAN].value == pytest.approx(plan.value)
    assert found.promised_worst is not None
    assert figures[PLAN].served >= figures[MOST].served
    if figures[PLAN].served == found.needs:
        assert figures[PLAN].worst >= found.promised_worst


def test_it_is_shown_as_a_table_and_as_json() -> None:
    pairs = make_pairs(VALUES)
    found = report(pairs, STAR_LIMITS, assign(pairs, STAR_LIMITS))
    header, *rows = found.lines()
    assert [row[0] for row in rows] == [ALONE, *COMPARED.values(), MOST, PLAN]
    assert all(len(row) == len(header) for row in rows)
    assert json.loads(json.dumps(found.as_dict()))["needs"] == 16


def test_of_nothing_there_is_a_report_too() -> None:
    pairs = make_pairs(np.full((2, 2), np.nan))
    limits = make_limits(2, 2)
    found = report(pairs, limits, assign(pairs, limits))
    assert (found.needs, found.partners, found.bound) == (0, 0, 0.0)
    assert all(each.value == each.worst == each.heaviest == 0 for each in found.figures)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1, 1, 1, 1], 0.0), ([0, 0, 0, 4], 0.75), ([1, 3], 0.25), ([], 0.0), ([0, 0], 0.0)],
    ids=["equal", "one", "two", "none", "zeros"],
)
def test_gini(values: list[float], expected: float) -> None:
    assert gini(values) == pytest.approx(expected)
