"""How well each need can be served when the worst-served needs are raised as far as possible.

A need is as well served as its best pair. Of all plans the fair one has the fewest needs without
a pair, then the fewest at the lowest level, then the fewest at the next: the leximin order, with
levels instead of values (the fair matchings of Huang, Kavitha, Mehlhorn and Michail 2016; used for
reviewers by Stelmakh, Shah and Singh 2019 and Kobren, Saha and McCallum 2019, who raise the worst
paper).

A level is a range of values. At most `LEVELS` are chosen first, where needs have their best pairs;
with as few distinct values each has its own, and otherwise the range in which the worst-served need
falls is divided again until it holds one value. The number of needs that get anything and the
value of the worst-served of them are therefore exact, what lies above is so up to its level.
"""

from typing import Final

import numpy as np

from matching.augmenting import Network
from matching.pairs import FloatArray, IntArray, Problem
from matching.pools import best_of_each

LEVELS: Final = 64
MANY: Final = 100_000
PROBED: Final = 8
"""Pairs of each need whose values the levels are chosen from."""


def fair_levels(problem: Problem) -> tuple[FloatArray, IntArray]:
    """What each need (n,) can be promised, NaN where nothing, and pairs that keep the promise.

    The pairs are positions in the problem, one for each need that gets any, within all limits.
    """
    limits = problem.limits
    if not len(problem) or not limits.per_organisation_and_partner:
        return np.full(problem.needs, np.nan), np.zeros(0, np.int64)
    edges = _first_edges(problem)
    while True:
        served = Network(problem, edges).fill()
        pairs = served[served >= 0]
        if not len(pairs):
            return np.full(problem.needs, np.nan), pairs
        level = np.searchsorted(edges, problem.value[pairs], side="right") - 1
        finer = _divided(problem, edges, int(level.min()))
        if finer is None:
            break
        edges = finer
    levels = np.full(problem.needs, np.nan)
    levels[problem.need[pairs]] = edges[level]
    return levels, np.sort(pairs)


def _first_edges(problem: Problem) -> FloatArray:
    """Least value of each level, ascending; the first is that of all pairs."""
    probed = best_of_each(problem, PROBED)
    edges = np.unique(problem.value[probed])
    if not probed.all():
        edges = np.unique(np.append(edges, problem.value.min()))
    return _sample(edges, LEVELS)


def _divided(problem: Problem, edges: FloatArray, worst: int) -> FloatArray | None:
    """Levels of which the worst one is divided, or None if it holds one value."""
    low = edges[worst]
    high = edges[worst + 1] if worst + 1 < len(edges) else np.inf
    inside = problem.value[(problem.value > low) & (problem.value < high)]
    if not len(inside):
        return None
    # Of very many values some are enough to divide by; the next round takes the others.
    inside = np.unique(inside[:: len(inside) // MANY + 1])
    return np.concatenate(
        [np.unique([edges[0], low]), _sample(inside, LEVELS // 2), edges[worst + 1 :]]
    )


def _sample(values: FloatArray, number: int) -> FloatArray:
    """At most so many of the ascending values, evenly over their ranks, the first among them."""
    if len(values) <= number:
        return values
    return values[np.arange(number) * len(values) // number]
