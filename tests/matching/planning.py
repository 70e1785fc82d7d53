"""Small planning problems, and every plan that their limits allow."""

from collections.abc import Iterator
from itertools import product

import numpy as np
from hypothesis import strategies as st

from matching.pairs import FloatArray, IntArray, Limits, Pairs, Weights

CELLS = (0.0, 0.1, 0.25, 0.4, 0.4, 0.7, 1.0)
Instance = tuple[Pairs, Limits, Weights]


def make_limits(needs: int, partners: int, **fields: object) -> Limits:
    """Three pairs a need, two a partner, each need of its own company, unless said otherwise."""
    return Limits(
        **{
            "per_need": np.full(needs, 3),
            "per_partner": np.full(partners, 2),
            "organisation": np.arange(needs),
            "per_organisation": np.full(needs, 10),
            "per_organisation_and_partner": 2,
            **fields,
        }  # type: ignore[arg-type]
    )


def make_pairs(values: FloatArray) -> Pairs:
    """The pairs of a matrix (needs, partners) where it isn't NaN."""
    need, partner = np.nonzero(~np.isnan(values))
    return Pairs(need, partner, values[need, partner])


@st.composite
def instances(draw: st.DrawFn, fairness: float | None = None) -> Instance:
    """Up to four needs, four partners and nine pairs: few enough to try every plan."""
    n, m = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    places = st.tuples(st.integers(0, n - 1), st.integers(0, m - 1))
    found = draw(st.lists(places, unique=True, max_size=9))
    need, partner = np.array(found, np.int64).reshape(-1, 2).T
    value = np.array([draw(st.sampled_from(CELLS)) for _ in found], np.float64)
    companies = draw(st.integers(1, n))

    def limit(size: int, most: int) -> IntArray:
        return np.array([draw(st.integers(0, most)) for _ in range(size)], np.int64)

    return (
        Pairs(need, partner, value),
        Limits(
            per_need=limit(n, 3),
            per_partner=limit(m, 3),
            organisation=np.array([draw(st.integers(0, companies - 1)) for _ in range(n)]),
            per_organisation=limit(companies, 4),
            per_organisation_and_partner=draw(st.integers(0, 2)),
        ),
        Weights(
            fairness=draw(st.sampled_from([0.0, 0.5, 1.0])) if fairness is None else fairness,
            exposure=draw(st.sampled_from([0.0, 0.3])),
            seldom=np.array([draw(st.booleans()) for _ in range(m)]),
        ),
    )


def fits(pairs: Pairs, limits: Limits, chosen: IntArray) -> bool:
    """True if these pairs break no limit."""
    need, partner = pairs.need[chosen], pairs.partner[chosen]
    company = limits.organisation[need]
    together = np.unique(np.stack([company, partner]), axis=1, return_counts=True)[1]
    return bool(
        (np.bincount(need, minlength=len(limits.per_need)) <= limits.per_need).all()
        and (np.bincount(partner, minlength=len(limits.per_partner)) <= limits.per_partner).all()
        and (
            np.bincount(company, minlength=len(limits.per_organisation)) <= limits.per_organisation
        ).all()
        and (together <= limits.per_organisation_and_partner).all()
    )


def every_plan(pairs: Pairs, limits: Limits) -> Iterator[IntArray]:
    """All sets of pairs within the limits, of those that are worth anything."""
    worth = np.flatnonzero(pairs.value > 0)
    for taken in product([False, True], repeat=len(worth)):
        chosen = worth[list(taken)]
        if fits(pairs, limits, chosen):
            yield chosen


def best_values(pairs: Pairs, needs: int, chosen: IntArray) -> FloatArray:
    """(needs,) value of the best chosen pair of each need, 0 without one."""
    best = np.zeros(needs)
    np.maximum.at(best, pairs.need[chosen], pairs.value[chosen])
    return best


def worth_of(pairs: Pairs, weights: Weights, chosen: IntArray) -> float:
    """Value of the pairs and reward for the seldom partners among them."""
    seen = np.unique(pairs.partner[chosen])
    extra = 0 if weights.seldom is None else int(weights.seldom[seen].sum())
    return float(pairs.value[chosen].sum()) + weights.exposure * extra


def random_problem(
    seed: int, *, needs: int = 40, partners: int = 25, share: float = 0.6
) -> tuple[Pairs, Limits]:
    """A problem with stars, too large to try every plan, small enough to solve whole."""
    random = np.random.default_rng(seed)
    values = random.random((needs, partners)) ** 3 + random.random(partners) ** 2
    values = np.round(values / 2, 3)
    values[random.random((needs, partners)) > share] = np.nan
    return make_pairs(values), make_limits(
        needs,
        partners,
        per_partner=random.choice([0, 2, 4], size=partners),
        organisation=random.integers(needs // 3, size=needs),
        per_organisation=np.full(needs // 3, 5),
        per_organisation_and_partner=1,
    )
