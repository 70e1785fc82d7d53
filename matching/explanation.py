"""A match explained in full: what carried it, which facets it covers, what would change it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.corpus import Corpus, Evidence
from matching.counterfactual import (
    DIGITS,
    Change,
    additions,
    rank_of,
    removals,
    scores_without,
)
from matching.encoders.protocol import Vectors
from matching.explain import PASSAGES, EncodeSentences, Passage, nearest, passages
from matching.facets import coverage, covered
from matching.ranker import RankedPartner, Ranking
from matching.splitting import Facet

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LOOKED_AT: Final = 5
"""Pieces of evidence, those that fit best, among which the cited ones are sought."""
LEAST: Final = 2
"""Passages cited where there are as many, even if only one carried the match."""


@dataclass(frozen=True, slots=True)
class FacetAnswer:
    """How far a partner covers a facet of the need, and by which piece of evidence."""

    facet: int
    """Its position among the need's facets."""
    share: float
    """In [0, 1]."""
    is_covered: bool
    evidence: Evidence | None
    """The piece that covers it most; None where it is not covered."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a partner stands where it stands."""

    passages: tuple[Passage, ...]
    """Those without which the score falls most, the most needed first."""
    facets: tuple[FacetAnswer, ...]
    changes: tuple[Change, ...]
    ahead: float | None
    """Score less that of the next in the list; None for the last."""
    behind: float | None
    """Score of the one before less this one's; None for the first."""


def explanations(
    ranking: Ranking,
    matches: Sequence[RankedPartner],
    facets: Sequence[Facet],
    *,
    facet_vectors: Vectors | None = None,
    encode: EncodeSentences | None = None,
    vector: Vectors | None = None,
) -> list[Explanation]:
    """An explanation for each match.

    `facet_vectors` (wordings, d) belong to `wordings(facets)`; `encode` and `vector` are those of
    `passages`.
    """
    if not matches:
        return []
    cited = carriers(ranking, matches)
    shown = passages(ranking, matches, encode=encode, vector=vector, rows=cited)
    answers = facet_answers(ranking, matches, facets, facet_vectors)
    less, more = removals(ranking, matches, cited), additions(ranking, matches)
    order = [float(ranking.scores.values[i]) for i in ranking.scores.order]
    found = []
    for i, match in enumerate(matches):
        place = rank_of(ranking, match)
        before, after = order[: place - 1], order[place:]
        found.append(
            Explanation(
                passages=shown[i],
                facets=answers[i],
                changes=(*less[i], *more[i]),
                ahead=match.score - after[0] if after else None,
                behind=before[-1] - match.score if before else None,
            )
        )
    return found


def carriers(ranking: Ranking, matches: Sequence[RankedPartner]) -> list[list[int]]:
    """For each match the rows of two or three pieces of evidence that carried it.

    Found by leaving each of the best fitting pieces out in turn: those without which the score
    falls, the largest fall first. A piece that a match would be better without is cited only where
    there would be fewer than two.
    """
    looked_at = nearest(ranking, matches, LOOKED_AT)
    drops: list[list[float]] = [[] for _ in matches]
    for k in range(LOOKED_AT):
        values = scores_without(ranking, matches, [rows[k : k + 1] for rows in looked_at])
        for match, rows, drop, value in zip(matches, looked_at, drops, values, strict=True):
            if k < len(rows):
                # Nothing left: the whole score hangs on this piece.
                drop.append(match.score if np.isnan(value) else match.score - float(value))
    return [_chosen(rows, drop) for rows, drop in zip(looked_at, drops, strict=True)]


def facet_answers(
    ranking: Ranking,
    matches: Sequence[RankedPartner],
    facets: Sequence[Facet],
    vectors: Vectors | None,
) -> list[tuple[FacetAnswer, ...]]:
    """For each match how far it covers each facet, by its allowed evidence."""
    if not matches:
        return []
    corpus = ranking.context.corpus
    rows = [_allowed_rows(ranking, match) for match in matches]
    shares = coverage(facets, vectors, corpus, np.concatenate(rows))
    ends = np.cumsum([len(some) for some in rows])[:-1]
    return [
        tuple(_answer(number, line, some, corpus) for number, line in enumerate(part))
        for some, part in zip(rows, np.split(shares, ends, axis=1), strict=True)
    ]


def _allowed_rows(ranking: Ranking, match: RankedPartner) -> IntArray:
    allowed = ranking.context.allowed
    rows = np.arange(len(allowed))[ranking.context.corpus.rows_of(match.position)]
    return rows[allowed[rows]]


def _answer(facet: int, shares: FloatArray, rows: IntArray, corpus: Corpus) -> FacetAnswer:
    best = int(shares.argmax())
    reached = bool(covered(shares)[best])
    return FacetAnswer(
        facet=facet,
        share=float(shares[best]),
        is_covered=reached,
        evidence=corpus.evidence[rows[best]] if reached else None,
    )


def _chosen(rows: Sequence[int], drops: Sequence[float]) -> list[int]:
    order = sorted(range(len(rows)), key=lambda i: (-round(drops[i], DIGITS), i))
    carrying = [i for i in order if round(drops[i], DIGITS) > 0][:PASSAGES]
    return [rows[i] for i in (carrying if len(carrying) >= LEAST else order[:LEAST])]
