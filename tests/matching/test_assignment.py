"""A plan keeps all limits and is worth as much as any plan can be."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import program
from matching.assignment import SOLVERS, assign
from matching.pairs import IntArray, Limits, Pairs, Weights
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
    worth_of,
)

STAR = np.array([[0.9, 0.5, np.nan, 0.2], [0.8, 0.6, 0.5, np.nan], [0.7, np.nan, 0.6, 0.5]])
"""Three needs; the first partner is the best for all of them."""


@pytest.mark.parametrize("solver", SOLVERS)
@repeatable
@given(instance=instances())
def test_no_limit_is_ever_broken(solver: str, instance: Instance) -> None:
    pairs, limits, weights = instance
    plan = assign(pairs, limits, weights=weights, solver=solver)
    assert fits(pairs, limits, plan.chosen)
    assert plan.value == pytest.approx(pairs.value[plan.chosen].sum())
    assert (pairs.value[plan.chosen] > 0).all()


@repeatable
@given(instances(fairness=0.0))
def test_no_plan_within_the_limits_is_worth_more(instance: Instance) -> None:
    pairs, limits, weights = instance
    plan = assign(pairs, limits, weights=weights)
    best = max(worth_of(pairs, weights, chosen) for chosen in every_plan(pairs, limits))
    assert worth_of(pairs, weights, plan.chosen) == pytest.approx(best)


@repeatable
@given(instances())
def test_of_the_plans_that_keep_the_promises_none_is_worth_more(instance: Instance) -> None:
    pairs, limits, weights = instance
    n = len(limits.per_need)
    plans = [(chosen, best_values(pairs, n, chosen)) for chosen in every_plan(pairs, limits)]
    plan = assign(pairs, limits, weights=weights)
    least = np.nan_to_num(weights.fairness * plan.levels)
    kept = [chosen for chosen, best in plans if (best >= least - 1e-9).all()]
    assert (best_values(pairs, n, plan.chosen) >= least - 1e-9).all()
    best = max(worth_of(pairs, weights, chosen) for chosen in kept)
    assert worth_of(pairs, weights, plan.chosen) == pytest.approx(best)


@repeatable
@given(instances(), st.randoms(use_true_random=False))
def test_who_is_given_first_changes_nothing(instance: Instance, random: object) -> None:
    pairs, limits, weights = instance
    seed = np.random.default_rng(random.randrange(1000))  # type: ignore[attr-defined]
    plan = assign(pairs, limits, weights=weights)
    # Need i is now at place own[i], and the plan is told who it is.
    own, theirs = (seed.permutation(len(x)) for x in (limits.per_need, limits.per_partner))
    companies = seed.permutation(len(limits.per_organisation))
    order = seed.permutation(len(pairs))
    moved = Pairs(own[pairs.need][order], theirs[pairs.partner][order], pairs.value[order])
    back, forth, home = np.argsort(own), np.argsort(theirs), np.argsort(companies)
    again = assign(
        moved,
        Limits(
            limits.per_need[back],
            limits.per_partner[forth],
            companies[limits.organisation[back]],
            limits.per_organisation[home],
            limits.per_organisation_and_partner,
        ),
        weights=replace(weights, seldom=None if weights.seldom is None else weights.seldom[forth]),
        need_order=back,
        partner_order=forth,
    )
    assert sorted(order[again.chosen]) == plan.chosen.tolist()
    np.testing.assert_array_equal(again.levels[own], plan.levels)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("fairness", [0.0, 1.0])
def test_adding_pairs_by_their_price_gives_the_plan_of_all_pairs(
    seed: int, fairness: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs, limits = random_problem(seed)
    limits = replace(limits, per_need=np.full(len(limits.per_need), 1))
    seldom = np.arange(len(limits.per_partner)) % 2 == 0
    weights = Weights(fairness=fairness, exposure=0.5, seldom=seldom)
    monkeypatch.setattr(program, "FIRST", 1)
    monkeypatch.setattr(program, "ADDED", 2)
    monkeypatch.setattr(program, "NEAR", 0.0)
    few = assign(pairs, limits, weights=weights)
    monkeypatch.setattr(program, "FIRST", len(pairs))
    all_of_them = assign(pairs, limits, weights=weights)
    possible = (limits.per_partner[pairs.partner] > 0) & (pairs.value > 0)
    assert few.rounds > 1
    assert few.columns < all_of_them.columns == possible.sum()
    assert all_of_them.rounds == 1
    assert worth_of(pairs, weights, few.chosen) == pytest.approx(
        worth_of(pairs, weights, all_of_them.chosen), abs=1e-6
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_plan_is_worth_more_than_the_greedy_one_and_than_lists(seed: int) -> None:
    pairs, limits = random_problem(seed)
    best, greedy, top = (assign(pairs, limits, solver=name).value for name in SOLVERS)
    assert best > greedy > top


def test_a_star_gets_as_many_requests_as_he_can_answer() -> None:
    pairs = make_pairs(STAR)
    limits = make_limits(3, 4, per_need=np.full(3, 1), per_partner=np.full(4, 1))

    lists = assign(pairs, limits, solver="top")
    plan = assign(pairs, limits)

    assert named(pairs, lists.chosen) == [(0, 0)]  # the other two are struck out
    assert named(pairs, plan.chosen) == [(0, 0), (1, 1), (2, 2)]


def test_one_company_does_not_flood_a_partner() -> None:
    pairs = make_pairs(np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.1]]))
    limits = make_limits(
        3,
        2,
        per_partner=np.full(2, 9),
        organisation=np.array([0, 0, 1]),
        per_organisation=np.full(2, 9),
        per_organisation_and_partner=1,
    )
    plan = assign(pairs, limits)
    assert named(pairs, plan.chosen) == [(0, 0), (1, 1), (2, 0), (2, 1)]


def test_a_digest_holds_no_more_than_its_size() -> None:
    pairs = make_pairs(np.array([[0.9, 0.3], [0.8, 0.4]]))
    limits = make_limits(2, 2, organisation=np.zeros(2, np.int64), per_organisation=np.full(1, 3))
    assert named(pairs, assign(pairs, limits).chosen) == [(0, 0), (1, 0), (1, 1)]


def test_who_is_seldom_suggested_is_seen_for_a_price() -> None:
    pairs = make_pairs(np.array([[0.9, 0.8]]))
    limits = make_limits(1, 2, per_need=np.full(1, 1))
    seldom = np.array([False, True])

    def seen(exposure: float) -> list[tuple[int, int]]:
        weights = Weights(exposure=exposure, seldom=seldom)
        return named(pairs, assign(pairs, limits, weights=weights).chosen)

    assert seen(0.05) == [(0, 0)]
    assert seen(0.15) == [(0, 1)]


def test_without_room_or_worth_there_is_no_pair() -> None:
    nothing = make_pairs(np.full((2, 2), np.nan))
    worthless = make_pairs(np.zeros((2, 2)))
    good = make_pairs(np.full((2, 2), 0.5))
    for weights in (Weights(), Weights(fairness=1.0, exposure=1.0, seldom=np.ones(2, bool))):
        for pairs in (nothing, worthless):
            assert not len(assign(pairs, make_limits(2, 2), weights=weights).chosen)
        for limit in ("per_need", "per_partner", "per_organisation"):
            limits = make_limits(2, 2, **{limit: np.zeros(2, np.int64)})
            assert not len(assign(good, limits, weights=weights).chosen)
        nobody = make_limits(0, 0)
        assert not len(assign(make_pairs(np.zeros((0, 0))), nobody).chosen)


def test_an_unknown_solver_is_an_error_that_lists_the_choices() -> None:
    with pytest.raises(ValueError, match="'magic' is no solver; choose one of highs, greedy, top"):
        assign(make_pairs(STAR), make_limits(3, 4), solver="magic")


PAIR = Pairs(np.array([0]), np.array([0]), np.array([0.5]))


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        (replace(PAIR, value=np.array([np.nan])), "NaN or lies outside"),
        (replace(PAIR, value=np.array([1.1])), "NaN or lies outside"),
        (replace(PAIR, value=np.array([-0.1])), "NaN or lies outside"),
        (replace(PAIR, need=np.array([2])), "names a need that is none of the 2"),
        (replace(PAIR, partner=np.array([-1])), "names a partner that is none of the 2"),
        (replace(PAIR, partner=np.array([0, 1])), "same length"),
        (replace(PAIR, need=np.array([0.0])), "must hold positions"),
        (Pairs(np.zeros(2, np.int64), np.zeros(2, np.int64), np.full(2, 0.5)), "comes twice"),
    ],
    ids=["nan", "high", "low", "need", "partner", "length", "kind", "twice"],
)
def test_pairs_that_make_no_sense_are_refused(pairs: Pairs, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        assign(pairs, make_limits(2, 2))


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (make_limits(2, 2, per_need=np.array([1, -1])), "per_need holds a negative"),
        (make_limits(2, 2, per_partner=np.array([0.5, 1])), "per_partner must be a row of whole"),
        (make_limits(2, 2, organisation=np.array([0])), "1 organisations are named for 2 needs"),
        (make_limits(2, 2, organisation=np.array([0, 7])), "none of the 2"),
        (make_limits(2, 2, per_organisation_and_partner=-1), "is negative"),
    ],
    ids=["negative", "fraction", "length", "organisation", "together"],
)
def test_limits_that_make_no_sense_are_refused(limits: Limits, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        assign(PAIR, limits)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        (Weights(fairness=1.5), "fairness must lie"),
        (Weights(fairness=np.nan), "fairness must lie"),
        (Weights(exposure=-1.0), "exposure must be"),
        (Weights(exposure=np.inf), "exposure must be"),
        (Weights(seldom=np.ones(3, bool)), "mask of the 2 partners"),
    ],
    ids=["fairness", "fairness-nan", "exposure", "exposure-infinite", "seldom"],
)
def test_weights_that_make_no_sense_are_refused(weights: Weights, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        assign(PAIR, make_limits(2, 2), weights=weights)


def test_an_order_that_misses_somebody_is_refused() -> None:
    with pytest.raises(ValueError, match="need_order must hold each place from 0 to 1 once"):
        assign(PAIR, make_limits(2, 2), need_order=np.array([1, 1]))


def named(pairs: Pairs, chosen: IntArray) -> list[tuple[int, int]]:
    return list(zip(pairs.need[chosen].tolist(), pairs.partner[chosen].tolist(), strict=True))
