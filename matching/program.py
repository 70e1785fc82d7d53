"""The best set of pairs under the limits, as a linear program that HiGHS solves.

``maximise  sum value[p] x[p] + exposure * sum e[j]``,  ``0 <= x, e <= 1``, where the sum of x over
the pairs of a need, of an organisation, of a partner, and of an organisation with a partner is
limited, where each need with a floor has ``sum of x over its pairs of at least that value >= 1``,
and where ``e[j] <= sum of x over the pairs of partner j`` for those who are seldom suggested.

The sets that are limited form two laminar families (of any two sets one holds the other or they are
disjoint): pairs above a need's floor, pairs of a need, pairs of an organisation on one side; pairs
of an organisation with a partner, pairs of a partner on the other. Such a matrix is that of a
network, with `e` as a second arc out of a partner, so it is totally unimodular (Edmonds 1970;
Schrijver 2003, *Combinatorial Optimization*, theorem 41.11) and all vertices are integral (Hoffman
and Kruskal 1956). The simplex method ends in a vertex, so what it finds is a plan. This is checked,
and nothing is rounded that is not integral.

Most of the k pairs never matter. The program is solved on the best pairs of each need; the dual
values then price the others, those that are worth more than they cost are added, and it is solved
again until there is none: the optimum of all pairs (Dantzig and Wolfe 1960, column generation).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array

from matching.pairs import BoolArray, FloatArray, IntArray, Problem
from matching.pools import best_of_each, key_of

FIRST: Final = 12
"""Pairs of each need that the first program holds, more where a need may have more."""
ADDED: Final = 8
"""Pairs of each need and of each partner that are added at most in one round."""
WORTH: Final = 1e-7
"""A pair whose value exceeds its price by less is left out; the tolerance of HiGHS."""
NEAR: Final = 0.02
"""Pairs worth less than their price by no more are added along with the others: the dual values of
a plan are many, and the next ones may ask less for them."""
AT_ONCE: Final = 100_000
"""Pairs that are priced together."""
INTEGRAL: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Solution:
    """What the program chose."""

    chosen: IntArray
    """Positions in the problem, ascending."""
    bound: float
    """The optimum of the linear program: no set of pairs within the limits and floors has more."""
    rounds: int
    """How often it was solved."""
    columns: int
    """Pairs that the last program held."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of one kind: `at` (pairs,) is the row of each pair of the pool or -1."""

    at: IntArray
    right: FloatArray
    """(rows,)."""
    sign: float
    label: IntArray
    """(rows,) need, organisation, partner or key that the row is of."""


def solve(
    problem: Problem, *, floor: FloatArray, exposure: float = 0.0, must: IntArray | None = None
) -> Solution:
    """The optimum over all pairs.

    `floor` (n,) is what at least one pair of a need must be worth, NaN where nothing is asked.
    `must` are pairs that fulfil the floors within the limits; without them floors may be
    infeasible, which raises RuntimeError.
    """
    most = int(problem.limits.per_need.max(initial=0))
    pool = best_of_each(problem, max(FIRST, 2 * most))
    if must is not None:
        pool[must] = True
    if exposure > 0:
        pool |= _best_of_seldom(problem)
    rounds = 0
    while True:
        rounds += 1
        columns = np.flatnonzero(pool)
        if not len(columns):
            return Solution(columns, 0.0, rounds, 0)
        rows = _rows(problem, columns, floor)
        x, bound, price = _solve(problem, columns, rows, exposure)
        missing = _worth_adding(problem, pool, rows, price, floor, exposure)
        if not len(missing):
            return Solution(columns[x], bound, rounds, len(columns))
        pool[missing] = True


def _rows(problem: Problem, columns: IntArray, floor: FloatArray) -> list[_Rows]:
    """The limits that the pool could break, and the floors."""
    limits = problem.limits
    need, partner = problem.need[columns], problem.partner[columns]
    organisation = limits.organisation[need]
    together = key_of(organisation, partner, problem.partners)
    same = np.full(1, limits.per_organisation_and_partner)
    high = problem.value[columns] >= floor[need]  # false where the floor is NaN
    return [
        _limited(need, limits.per_need),
        _limited(organisation, limits.per_organisation),
        _limited(partner, limits.per_partner),
        _limited(together, same),
        _floors(need, high),
    ]


def _limited(label: IntArray, limit: IntArray) -> _Rows:
    """A row for each label that more pairs have than its limit; one limit holds for all."""
    names, inverse, number = np.unique(label, return_inverse=True, return_counts=True)
    bound = np.broadcast_to(limit, names.shape) if len(limit) == 1 else limit[names]
    tight = number > bound
    row = np.where(tight, np.cumsum(tight) - 1, -1)
    return _Rows(row[inverse], bound[tight].astype(np.float64), 1.0, names[tight])


def _floors(need: IntArray, high: BoolArray) -> _Rows:
    names, inverse = np.unique(need[high], return_inverse=True)
    at = np.full(len(need), -1)
    at[high] = inverse
    return _Rows(at, np.full(len(names), -1.0), -1.0, names)


def _solve(
    problem: Problem, columns: IntArray, rows: list[_Rows], exposure: float
) -> tuple[BoolArray, float, list[FloatArray]]:
    """Chosen pairs of the pool (mask), the optimum, and the price of each row of each kind."""
    worth = problem.value[columns]
    rows = list(rows)
    extra = 0
    if exposure > 0:
        rows.append(_seldom_rows(problem, columns))
        extra = len(rows[-1].right)
    matrix, right = _matrix(rows, len(columns), extra)
    cost = -np.concatenate([worth, np.full(extra, exposure)])
    found = linprog(cost, A_ub=matrix, b_ub=right, bounds=(0, 1), method="highs-ds")
    if found.status != 0:
        raise RuntimeError(f"HiGHS found no plan: {found.message}")
    x = found.x
    if np.abs(x - np.round(x)).max(initial=0) > INTEGRAL:
        whole = milp(
            cost,
            constraints=LinearConstraint(matrix, -np.inf, right),
            bounds=Bounds(0, 1),
            integrality=np.ones(len(cost)),
        )
        if whole.x is None:
            raise RuntimeError(f"HiGHS found no plan: {whole.message}")
        x = whole.x
    price = np.maximum(-found.ineqlin.marginals, 0.0)
    ends = np.cumsum([len(kind.right) for kind in rows])[:-1]
    return x[: len(columns)] > 0.5, -float(found.fun), np.split(price, ends)


def _seldom_rows(problem: Problem, columns: IntArray) -> _Rows:
    partner = problem.partner[columns]
    seldom = problem.seldom[partner]
    names, inverse = np.unique(partner[seldom], return_inverse=True)
    at = np.full(len(columns), -1)
    at[seldom] = inverse
    return _Rows(at, np.zeros(len(names)), -1.0, names)


def _matrix(rows: list[_Rows], pairs: int, extra: int) -> tuple[csr_array, FloatArray]:
    """All rows over the pairs and, last, the `extra` columns of the partners seldom suggested."""
    lines, columns, signs = [], [], []
    before = 0
    for kind in rows:
        used = np.flatnonzero(kind.at >= 0)
        lines.append(before + kind.at[used])
        columns.append(used)
        signs.append(np.full(len(used), kind.sign))
        before += len(kind.right)
    lines.append(np.arange(before - extra, before))
    columns.append(np.arange(pairs, pairs + extra))
    signs.append(np.ones(extra))
    data = np.concatenate(signs), (np.concatenate(lines), np.concatenate(columns))
    matrix = csr_array(data, shape=(before, pairs + extra))
    return matrix, np.concatenate([kind.right for kind in rows])


def _worth_adding(
    problem: Problem,
    pool: BoolArray,
    rows: list[_Rows],
    price: list[FloatArray],
    floor: FloatArray,
    exposure: float,
) -> IntArray:
    """The pairs outside the pool that are worth more than the dual values ask for them."""
    limits = problem.limits
    by_need = _spread(rows[0], price[0], problem.needs)
    by_need += _spread(rows[1], price[1], len(limits.per_organisation))[limits.organisation]
    by_partner = _spread(rows[2], price[2], problem.partners)
    if exposure > 0:
        # The first pair of a seldom partner earns the whole reward where the pool has none, and
        # never more: a higher dual value only says that nobody has used what the pool has.
        reward = np.where(problem.seldom, exposure, 0.0)
        seldom = _seldom_rows(problem, np.flatnonzero(pool))
        reward[seldom.label] = np.minimum(price[5], exposure)
        by_partner -= reward
    by_floor = _spread(rows[4], price[4], problem.needs)
    open_pairs, above = _above_price(problem, pool, by_need, by_partner, by_floor, floor)
    if len(rows[3].label):
        key = key_of(
            problem.organisation[open_pairs], problem.partner[open_pairs], problem.partners
        )
        at = np.minimum(np.searchsorted(rows[3].label, key), len(rows[3].label) - 1)
        above -= np.where(rows[3].label[at] == key, price[3][at], 0.0)
    if not (above > WORTH).any():
        return open_pairs[:0]
    return _few_of_each(problem, open_pairs, above)


def _above_price(
    problem: Problem,
    pool: BoolArray,
    by_need: FloatArray,
    by_partner: FloatArray,
    by_floor: FloatArray,
    floor: FloatArray,
) -> tuple[IntArray, FloatArray]:
    """Pairs outside the pool that are worth their price or `NEAR` to it, and by how much."""
    found, above = [], []
    for first in range(0, len(problem), AT_ONCE):  # so that the rows stay in the cache
        some = slice(first, first + AT_ONCE)
        need, value = problem.need[some], problem.value[some]
        surplus = value - by_need[need] - by_partner[problem.partner[some]]
        surplus += np.where(value >= floor[need], by_floor[need], 0.0)
        surplus[pool[some]] = -np.inf
        near = np.flatnonzero(surplus > -NEAR)
        found.append(first + near)
        above.append(surplus[near])
    return np.concatenate(found), np.concatenate(above)


def _spread(kind: _Rows, price: FloatArray, size: int) -> FloatArray:
    """(size,) the price of each label, 0 where it has no row."""
    found = np.zeros(size)
    found[kind.label] = price
    return found


def _few_of_each(problem: Problem, pairs: IntArray, above: FloatArray) -> IntArray:
    """Those among the `ADDED` best of their need; the others may come in the next round."""
    need = problem.need[pairs]
    order = np.lexsort((pairs, -above, need))
    sorted_need = need[order]
    rank = np.arange(len(order)) - np.searchsorted(sorted_need, sorted_need)
    return pairs[order[rank < ADDED]]


def _best_of_seldom(problem: Problem) -> NDArray[np.bool_]:
    """Mask of the best pairs of each partner who is seldom suggested."""
    found = np.zeros(len(problem), bool)
    rows = np.flatnonzero(problem.seldom[problem.partner])
    rows = rows[np.lexsort((rows, -problem.value[rows], problem.partner[rows]))]
    partner = problem.partner[rows]
    rank = np.arange(len(rows)) - np.searchsorted(partner, partner)
    found[rows[rank < 2]] = True
    return found
