"""What a plan is worth, beside the plans that one would make first and the best there could be."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from matching.assignment import SOLVERS
from matching.pairs import FloatArray, IntArray, Limits, Pairs, Problem, Weights, canonical
from matching.plans import Plan, listed_alone
from matching.program import solve

ALONE: Final = "lists alone"
"""Each need's best pairs whatever becomes of the partners: what a list per need does."""
COMPARED: Final = {"top": "lists cut", "greedy": "greedy"}
MOST: Final = "most value"
"""The optimum without fairness and exposure, which is the bound itself."""
PLAN: Final = "this plan"
HEADER: Final = (
    "plan",
    "pairs",
    "value",
    "of bound",
    "worst",
    "served",
    "load",
    "over",
    "seen",
    "Gini",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """One way to plan, in numbers."""

    name: str
    pairs: int
    value: float
    of_bound: float
    """Share of the bound; above 1 only where limits are broken."""
    worst: float
    """Value of the best pair of the need that is served worst, 0 if one has none."""
    served: int
    """Needs with at least one pair."""
    heaviest: int
    """Most pairs of one partner."""
    over: int
    """Partners with more pairs than they can bear."""
    seen: float
    """Share of the partners who could be suggested that are."""
    gini: float
    """Of the pairs per partner who could be suggested: 0 if all have as many, 1 if one has all."""


@dataclass(frozen=True, slots=True)
class PlanReport:
    """The plan beside the others under the same limits."""

    needs: int
    """With at least one pair that could be suggested; the others can't be served by any plan."""
    partners: int
    """With at least one pair that could be suggested."""
    pairs: int
    bound: float
    """Value of the best plan there is, the optimum of the linear program."""
    promised_worst: float | None
    """What the worst-served of the needs that get anything can be promised at most; None where
    the plan wasn't asked for fairness."""
    figures: tuple[Figures, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)

    def lines(self) -> list[list[str]]:
        """A header and a line for each way to plan."""
        rows = [list(HEADER)]
        rows.extend(
            [
                each.name,
                str(each.pairs),
                f"{each.value:.2f}",
                f"{each.of_bound:.1%}",
                f"{each.worst:.4f}",
                str(each.served),
                str(each.heaviest),
                str(each.over),
                f"{each.seen:.1%}",
                f"{each.gini:.3f}",
            ]
            for each in self.figures
        )
        return rows


def report(
    pairs: Pairs, limits: Limits, plan: Plan, *, weights: Weights | None = None
) -> PlanReport:
    """The figures of the plan, of lists made alone, and of the other solvers."""
    problem = canonical(pairs, limits, weights or Weights())
    nothing = np.full(problem.needs, np.nan)
    most = solve(problem, floor=nothing)
    chosen = {
        ALONE: np.flatnonzero(listed_alone(problem)),
        **{name: SOLVERS[solver](problem, Weights()).chosen for solver, name in COMPARED.items()},
        MOST: most.chosen,
        PLAN: np.flatnonzero(np.isin(problem.given, plan.chosen)),
    }
    levels = plan.levels[~np.isnan(plan.levels)]
    return PlanReport(
        needs=len(np.unique(problem.need)),
        partners=len(np.unique(problem.partner)),
        pairs=len(problem),
        bound=most.bound,
        promised_worst=float(levels.min()) if len(levels) else None,
        figures=tuple(_figures(name, problem, found, most.bound) for name, found in chosen.items()),
    )


def _figures(name: str, problem: Problem, chosen: IntArray, bound: float) -> Figures:
    load = np.bincount(problem.partner[chosen], minlength=problem.partners)
    known = np.unique(problem.partner)
    best = np.zeros(problem.needs)
    np.maximum.at(best, problem.need[chosen], problem.value[chosen])
    best = best[np.unique(problem.need)]
    value = float(problem.value[chosen].sum())
    return Figures(
        name=name,
        pairs=len(chosen),
        value=value,
        of_bound=value / bound if bound > 0 else 1.0,
        worst=float(best.min(initial=np.inf)) if len(best) else 0.0,
        served=int((best > 0).sum()),
        heaviest=int(load.max(initial=0)),
        over=int((load > problem.limits.per_partner).sum()),
        seen=float((load[known] > 0).mean()) if len(known) else 0.0,
        gini=gini(load[known].astype(np.float64)),
    )


def gini(values: Sequence[float] | FloatArray) -> float:
    """Of values (k,) of at least 0: half the mean difference of two of them over their mean."""
    ordered = np.sort(np.asarray(values, np.float64))
    total = ordered.sum()
    if total <= 0:
        return 0.0
    k = len(ordered)
    return float(2 * (np.arange(1, k + 1) * ordered).sum() / (k * total) - (k + 1) / k)
