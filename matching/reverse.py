"""Needs for a partner: the scores of the needs' own lists, put into an order of its own.

A need that is worded broadly has high scores for everybody; by the bare score it would be
suggested to everybody. What the other partners have is therefore taken off: the order is by the
score less a share of the need's *appeal*, the mean of its highest scores. This is the local
scaling CSLS (Conneau, Lample, Ranzato, Denoyer and Jégou 2018), of which only the need's side
matters where one partner asks. The pair's score and its contributions stay as they are.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.corpus import Corpus, Query
from matching.encoders.protocol import Vectors
from matching.filters import Filters
from matching.ranker import RankedPartner, Ranking, prepare, rank, score
from matching.signals import SIGNALS, Sentence, Signal

NEIGHBOURS: Final = 10
"""Highest scores of a need whose mean is its appeal."""
SHARE: Final = 0.75
"""Of the appeal that is taken off; CSLS as published amounts to 0.5 (see decision 0006)."""
LEVEL: Final = 0.9
"""Two scores are level if the lower one is at least this share of the higher one."""
FEW: Final = 10
"""Up to so many partners stand out together."""


@dataclass(frozen=True, slots=True)
class NeedScores:
    """A need's own list of c partners, reduced to what the other direction asks of it."""

    partners: NDArray[np.int64]
    """(c,) positions in the corpus, the best first."""
    scores: NDArray[np.float64]
    """(c,) in the same order."""
    eligible: int
    """Partners with evidence whom no hard constraint rules out, listed or not."""

    @property
    def appeal(self) -> float:
        """Mean of the highest scores: what anybody near to the need has; 0 for an empty list."""
        return float(self.scores[:NEIGHBOURS].mean()) if len(self.scores) else 0.0


@dataclass(frozen=True, slots=True)
class AskedNeed:
    """A need with its vector and the scores of its own list."""

    query: Query
    vector: Vectors
    listed: NeedScores


@dataclass(frozen=True, slots=True)
class Standing:
    """How a partner stands among all partners for a need."""

    place: int | None
    """In the need's own list; None if it is too far down to be listed there."""
    eligible: int
    """Partners among whom the place is."""
    appeal: float
    margin: float
    """Score less `SHARE` of the appeal: what the partner's list is ordered by."""
    reason: Sentence


@dataclass(frozen=True, slots=True)
class RankedNeed:
    """A need's place in a partner's list."""

    position: int
    """Among the needs asked about."""
    match: RankedPartner
    """The pair as it is in the need's own list."""
    ranking: Ranking
    """Of this partner alone; for the evidence passages."""
    vector: Vectors
    """The need's."""
    standing: Standing


def need_scores(
    query: Query,
    vector: Vectors | None,
    corpus: Corpus,
    *,
    filters: Filters | None = None,
    signals: Sequence[Signal] = SIGNALS,
) -> NeedScores:
    """The scores of all partners in a need's own list, as `rank` orders them."""
    context, _ = prepare(query, vector, corpus, filters=filters)
    scores = score(context, signals)
    order = np.array(scores.order, np.int64)
    speaking = np.bincount(corpus.partner_of[context.allowed], minlength=len(corpus.partners))
    return NeedScores(
        partners=context.candidates[order],
        scores=scores.values[order],
        eligible=int((speaking > 0).sum()),
    )


def rank_needs(
    needs: Sequence[AskedNeed],
    corpus: Corpus,
    partner: str,
    *,
    filters: Filters | None = None,
    top: int | None = None,
    signals: Sequence[Signal] = SIGNALS,
) -> tuple[list[RankedNeed], dict[str, int]]:
    """The needs that fit a partner, the best first, and how many each hard constraint cost.

    Each need's `listed` scores are of the same corpus and filters. Needs whose own lists hold the
    partner come first; the others follow only where `top` leaves room. Equal margins keep the
    order of `needs`.
    """
    alone = corpus.only([partner])
    if not alone.partners:
        return [], {}
    place = corpus.position[partner]
    listed, unlisted, blocked = [], [], Counter[str]()
    for position, need in enumerate(needs):
        found = np.flatnonzero(need.listed.partners == place)
        if len(found):
            mine = float(need.listed.scores[found[0]])
            listed.append((position, standing(need.listed, mine, place=int(found[0]) + 1)))
            continue
        context, reasons = prepare(need.query, need.vector, alone, filters=filters)
        blocked.update(reasons)
        if len(context.candidates) and (top is None or len(listed) < top):
            mine = float(score(context, signals).values[0])
            unlisted.append((position, standing(need.listed, mine, place=None)))
    shown = [*sorted(listed, key=_order), *sorted(unlisted, key=_order)][:top]
    return [_ranked(needs, alone, filters, signals, *pair) for pair in shown], dict(blocked)


def standing(listed: NeedScores, mine: float, *, place: int | None) -> Standing:
    """How a partner with the score `mine` stands for a need."""
    return Standing(
        place=place,
        eligible=listed.eligible,
        appeal=listed.appeal,
        margin=mine - SHARE * listed.appeal,
        reason=_reason(listed, mine, place),
    )


def _order(pair: tuple[int, Standing]) -> float:
    return -round(pair[1].margin, 6)  # rounded as in a need's own list; sorting is stable


def _ranked(
    needs: Sequence[AskedNeed],
    alone: Corpus,
    filters: Filters | None,
    signals: Sequence[Signal],
    position: int,
    where: Standing,
) -> RankedNeed:
    need = needs[position]
    ranking = rank(need.query, need.vector, alone, filters=filters, signals=signals)
    return RankedNeed(position, ranking.matches[0], ranking, need.vector, where)


def _reason(listed: NeedScores, mine: float, place: int | None) -> Sentence:
    total = listed.eligible
    if place is None:
        count = len(listed.scores)
        return Sentence(
            f"Others fit this need better: not among the first {count} of {total} partners.",
            f"このニーズにはより合う候補がいます：{total}者中、上位{count}者に入りません。",
        )
    if total == 1:
        return Sentence(
            "No other partner could be suggested for this need.",
            "このニーズに提案できる候補はほかにいません。",
        )
    better = int((listed.scores * LEVEL > mine).sum())
    level = int((listed.scores >= mine * LEVEL).sum())
    if level <= min(FEW, total / 2):
        return Sentence(
            f"Stands out for this need: place {place} of {total} partners.",
            f"このニーズで際立っています：{total}者中{place}位。",
        )
    if better < FEW:
        return Sentence(
            f"This need fits many partners about equally well: place {place} of {total}.",
            f"このニーズは多くの候補に同程度に合います：{total}者中{place}位。",
        )
    return Sentence(
        f"Others fit this need better: place {place} of {total} partners.",
        f"このニーズにはより合う候補がいます：{total}者中{place}位。",
    )
