"""A plan, and the plain ways to make one: lists per need, and the greedy choice."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from matching.pairs import BoolArray, FloatArray, IntArray, Problem, Weights
from matching.pools import best_of_each, key_of

AT_ONCE: Final = 50_000
"""Pairs that are looked at together: most find no room any more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The pairs to suggest."""

    chosen: IntArray
    """(c,) positions among the pairs that were given, ascending."""
    value: float
    """Sum of their values."""
    levels: FloatArray
    """(n,) what each need gets at least where the worst-served are raised as far as possible; NaN
    where it can get nothing, or where this was not asked for."""
    solver: str
    rounds: int = 1
    """How often the program was solved."""
    columns: int = 0
    """Pairs that it held in the end."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a solver answers, in the positions of the problem."""

    chosen: IntArray
    levels: FloatArray
    rounds: int = 1
    columns: int = 0


def top(problem: Problem, weights: Weights) -> Choice:  # noqa: ARG001 - solvers are called alike
    """The best pairs of each need, then what breaks a limit is struck out, the least worth first.

    What a service does that makes a list per need: nobody takes the place of whom is struck out.
    It knows no fairness and no exposure.
    """
    listed = np.flatnonzero(listed_alone(problem))
    return _within_limits(problem, listed[np.lexsort((listed, -problem.value[listed]))])


def greedy(problem: Problem, weights: Weights) -> Choice:  # noqa: ARG001 - as above
    """All pairs by value, each taken if the limits still have room: at least half of the optimum
    without the limits of organisations. It knows no fairness and no exposure."""
    return _within_limits(problem, np.argsort(-problem.value, kind="stable"))


def listed_alone(problem: Problem) -> BoolArray:
    """Mask (k,) of the pairs of each need's own list, whatever becomes of the partners."""
    most = problem.limits.per_need
    found = best_of_each(problem, int(most.max(initial=0)))
    rows = np.flatnonzero(found)
    rows = rows[np.lexsort((rows, -problem.value[rows], problem.need[rows]))]
    need = problem.need[rows]
    rank = np.arange(len(rows)) - np.searchsorted(need, need)
    found[rows[rank >= most[need]]] = False
    return found


def _within_limits(problem: Problem, order: IntArray) -> Choice:
    """The pairs in that order, each taken if the limits still have room for it."""
    limits = problem.limits
    by_need, by_partner = limits.per_need.copy(), limits.per_partner.copy()
    by_organisation = limits.per_organisation.copy()
    together: dict[int, int] = {}
    chosen: list[int] = []
    for first in range(0, len(order), AT_ONCE):
        some = order[first : first + AT_ONCE]
        need, partner = problem.need[some], problem.partner[some]
        organisation = limits.organisation[need]
        room = (by_need[need] > 0) & (by_partner[partner] > 0) & (by_organisation[organisation] > 0)
        some = some[room]
        keys = key_of(organisation[room], partner[room], problem.partners)
        for pair, i, j, o, key in zip(
            *(row.tolist() for row in (some, need[room], partner[room], organisation[room], keys)),
            strict=True,
        ):
            held = together.get(key, 0)
            full = held >= limits.per_organisation_and_partner
            if full or not (by_need[i] and by_partner[j] and by_organisation[o]):
                continue
            by_need[i] -= 1
            by_partner[j] -= 1
            by_organisation[o] -= 1
            together[key] = held + 1
            chosen.append(pair)
    return Choice(np.array(sorted(chosen), np.int64), np.full(problem.needs, np.nan))
