"""Metrics as values: each is a name, a cutoff and a function of one query's ranking.

A ranking is a list of candidate ids, the best first; judgements are gains by candidate id. A judged
query that a ranker does not answer has an empty ranking and scores 0: it is never dropped.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from math import log2
from typing import Final

Gains = Mapping[str, float]
Ranked = Sequence[str]


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure of one query; its mean over all judged queries is the measure of a ranker."""

    name: str
    measure: Callable[[Ranked, Gains], float]

    def __str__(self) -> str:
        return self.name


def ndcg(ranked: Ranked, gains: Gains, *, cutoff: int) -> float:
    """Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002), linear gains, log2."""
    ideal = sorted((gain for gain in gains.values() if gain > 0), reverse=True)[:cutoff]
    best = sum(gain / log2(place + 1) for place, gain in enumerate(ideal, 1))
    got = sum(
        gains.get(candidate, 0.0) / log2(place + 1)
        for place, candidate in enumerate(ranked[:cutoff], 1)
    )
    return got / best if best else 0.0


def reciprocal_rank(ranked: Ranked, gains: Gains) -> float:
    """1 / place of the first relevant candidate in the whole list, 0 if there is none."""
    places = (place for place, candidate in enumerate(ranked, 1) if gains.get(candidate, 0) > 0)
    first = next(places, None)
    return 0.0 if first is None else 1 / first


def recall(ranked: Ranked, gains: Gains, *, cutoff: int) -> float:
    """Share of the relevant candidates that are among the first `cutoff`."""
    relevant = {candidate for candidate, gain in gains.items() if gain > 0}
    return len(relevant & set(ranked[:cutoff])) / len(relevant) if relevant else 0.0


def only(gains: Gains, subset: Collection[str]) -> Gains:
    """The gains of a subset of the relevant candidates.

    The other relevant candidates stay in the list and count there as non-relevant ones: finding
    whom the asker knows already earns nothing and costs the places it takes. (Taking them out of
    the list gives figures a little higher; of the two readings, this one is nearer to the
    published baselines of acl-people in all three rankers compared: dense-top3 .095 against .095
    published, dense-max .115 against .112, bm25-top3 .139 against .117.)
    """
    return {
        candidate: gain for candidate, gain in gains.items() if gain > 0 and candidate in subset
    }


RANKING_METRICS: Final = (
    Metric("nDCG@10", partial(ndcg, cutoff=10)),
    Metric("MRR", reciprocal_rank),
    Metric("R@10", partial(recall, cutoff=10)),
    Metric("R@100", partial(recall, cutoff=100)),
)
NEW_PARTNER_METRIC: Final = Metric("new nDCG@10", partial(ndcg, cutoff=10))
"""Of the right partners who are new to the asker, over the queries that have any (see `only`)."""


@dataclass(frozen=True, slots=True)
class ExpertiseTally:
    """What one person adds to the official measures of reviewer-gold, each as (got, possible)."""

    loss: tuple[float, float]
    """Cost of pairs of papers ordered wrongly, over the |differences| of their ratings."""
    easy: tuple[float, float]
    """Pairs ordered right, over pairs, with one rating ≥ 4 and the other ≤ 2."""
    hard: tuple[float, float]
    """Pairs ordered right, over pairs, with two different ratings ≥ 4."""


def expertise_tally(rated: Gains, predicted: Mapping[str, float]) -> ExpertiseTally:
    """One person's part in the official loss (Stelmakh, Wieting, Neubig and Shah 2023).

    `rated` and `predicted` are by paper. For each pair of papers rated differently the cost is
    |difference of ratings| if the predicted order is wrong and half of it at a tie. A paper
    without a prediction has score 0. The loss is the sum of all people's costs over the sum of
    all |differences|.
    """
    cost = total = 0.0
    easy: list[float] = []
    hard: list[float] = []
    for one, other in combinations(sorted(rated), 2):
        difference = rated[one] - rated[other]
        if difference == 0:
            continue
        wrong = _wrongness(difference, predicted.get(one, 0.0) - predicted.get(other, 0.0))
        cost += abs(difference) * wrong
        total += abs(difference)
        high, low = max(rated[one], rated[other]), min(rated[one], rated[other])
        if high >= 4 and low <= 2:
            easy.append(1 - wrong)
        elif low >= 4:
            hard.append(1 - wrong)
    return ExpertiseTally((cost, total), (sum(easy), len(easy)), (sum(hard), len(hard)))


def _wrongness(wanted: float, predicted: float) -> float:
    """1 for the wrong order, ½ for a tie, 0 for the right order."""
    if predicted == 0:
        return 0.5
    return 1.0 if (wanted > 0) != (predicted > 0) else 0.0


def matched_accuracy(
    scores: Mapping[str, float],
    gains: Gains,
    volume: Mapping[str, int],
    *,
    low: float = 0.75,
    high: float = 1.34,
    minimum: int = 3,
) -> list[float]:
    """Popularity-matched accuracy of one query, a value for each relevant candidate.

    Each is the share of the non-relevant candidates with `low` to `high` times as many pieces of
    allowed evidence that score lower, ties half. A relevant candidate with fewer than `minimum`
    such candidates is left out. A candidate without a score has the lowest; where nobody has one,
    the query was not answered and each value is 0. Volume alone gets a little more than half (.54
    on sbir-university, .58 on cordis-agri), since small profiles are the more numerous ones.
    """
    values = []
    lowest = min(scores.values(), default=0.0) - 1
    for candidate, gain in gains.items():
        size = volume.get(candidate, 0)
        if gain <= 0 or not size:
            continue
        rivals = [
            other
            for other, amount in volume.items()
            if low * size <= amount <= high * size and gains.get(other, 0) <= 0
        ]
        if len(rivals) < minimum:
            continue
        mine = scores.get(candidate, lowest)
        theirs = [scores.get(rival, lowest) for rival in rivals]
        beaten = [1.0 if mine > s else 0.5 if mine == s else 0.0 for s in theirs]
        values.append(_mean(beaten) if scores else 0.0)
    return values


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
