"""Which pairs are worth a person's time tonight: the best set of introductions under limits.

A list per need is not enough: where one partner fits many needs, all lists name the same one, who
cannot answer them all, while others who fit nearly as well are never asked. `assign` chooses all
pairs together.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from matching.fairness import fair_levels
from matching.pairs import IntArray, Limits, Pairs, Problem, Weights, canonical
from matching.plans import Choice, Plan, greedy, top
from matching.program import solve


def highs(problem: Problem, weights: Weights) -> Choice:
    """The most valuable plan there is with the fairness and exposure asked for, by HiGHS."""
    nothing = np.full(problem.needs, np.nan)
    if weights.fairness <= 0:
        found = solve(problem, floor=nothing, exposure=weights.exposure)
        return Choice(found.chosen, nothing, found.rounds, found.columns)
    levels, promised = fair_levels(problem)
    found = solve(
        problem, floor=weights.fairness * levels, exposure=weights.exposure, must=promised
    )
    return Choice(found.chosen, levels, found.rounds, found.columns)


SOLVERS: Final[Mapping[str, Callable[[Problem, Weights], Choice]]] = {
    "highs": highs,
    "greedy": greedy,
    "top": top,
}
"""By name; all but the first are for comparison, and weigh neither fairness nor exposure."""


def assign(
    pairs: Pairs,
    limits: Limits,
    *,
    weights: Weights | None = None,
    solver: str = "highs",
    need_order: IntArray | None = None,
    partner_order: IntArray | None = None,
) -> Plan:
    """The plan; the same whatever the order in which needs, partners and pairs are given.

    For that, `need_order` (n,) and `partner_order` (m,) must give the place of each among all by
    its id, as `Corpus.id_order` does; without them their positions settle ties. Raises ValueError
    for an unknown solver and for input that `canonical` refuses.
    """
    if solver not in SOLVERS:
        raise ValueError(f"{solver!r} is no solver; choose one of {', '.join(SOLVERS)}.")
    weights = weights or Weights()
    problem = canonical(pairs, limits, weights, need_order=need_order, partner_order=partner_order)
    choice = SOLVERS[solver](problem, weights)
    chosen = np.sort(problem.given[choice.chosen])
    return Plan(
        chosen=chosen,
        value=float(pairs.value[chosen].sum()),
        levels=choice.levels if need_order is None else choice.levels[need_order],
        solver=solver,
        rounds=choice.rounds,
        columns=choice.columns,
    )
