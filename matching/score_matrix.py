"""All questions against all partners: what `rank` and `Model.judge` say of each, as one table.

Hard constraints come first and fail closed as in a request. Whom a block of questions means is one
search (`matching.batched`), which reads the vectors once a block instead of once a question; all
else is done question by question by the same code as a request. Nothing is approximated: the table
is the same whatever the size of the blocks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from matching.batched import nearest_each
from matching.corpus import Corpus, Query
from matching.encoders.protocol import Vectors
from matching.filters import Filters
from matching.model import Model
from matching.pairs import BoolArray, FloatArray, IntArray, Pairs
from matching.ranker import CANDIDATES, Opening, admit, gather, score

BLOCK: Final = 256
"""Questions that search together: a product with as many runs at the machine's full rate."""
ROOM: Final = 1 << 29
"""Bytes: each question of a block holds one for each piece of evidence meanwhile."""


@dataclass(frozen=True, slots=True)
class Question:
    """A need as the engine gets it."""

    query: Query
    vector: Vectors | None
    """(d,); None, or all zeros, if the encoder could not read it."""
    filters: Filters


@dataclass(frozen=True, slots=True)
class ScoreMatrix:
    """The k pairs that have a score, question after question, each question's best first."""

    need: IntArray
    """(k,) position among the n questions."""
    partner: IntArray
    """(k,) position in the corpus."""
    score: FloatArray
    """(k,)."""
    probability: FloatArray
    """(k,) in [0, 1]; NaN in lists of which the calibration says nothing."""
    strength: FloatArray
    """(n,) of each list; NaN where the calibration says nothing of it."""
    strong: tuple[bool | None, ...]
    """(n,) whether a strong partner is known; None where that can't be said; False without any."""
    blocked: tuple[dict[str, int], ...]
    """(n,) how many partners each hard constraint ruled out."""

    def pairs(self, *, by_score: bool = False, allowed: BoolArray | None = None) -> Pairs:
        """The pairs for a plan, worth their probability; the mask `allowed` (k,) keeps some.

        A pair without a probability is left out: what can't be judged is not suggested by itself.
        Where nothing is calibrated, `by_score` takes the scores instead, for all pairs alike, since
        the two are not of one scale.
        """
        value = np.clip(self.score, 0.0, 1.0) if by_score else self.probability
        kept = ~np.isnan(value)
        if allowed is not None:
            kept &= allowed
        return Pairs(self.need[kept], self.partner[kept], value[kept])


def score_matrix(
    questions: Sequence[Question],
    corpus: Corpus,
    *,
    model: Model | None = None,
    block: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> ScoreMatrix:
    """The table of n questions; `progress` is told how many more are done.

    Holds ``block * len(corpus.evidence)`` bytes beside the result; without a `block`, so many
    questions at once as `BLOCK` and `ROOM` allow. A score that is not a number makes no pair.
    """
    model = model or Model()
    block = block or max(1, min(BLOCK, ROOM // max(1, len(corpus.evidence))))
    found = []
    for first in range(0, len(questions), block):
        some = questions[first : first + block]
        openings = [admit(q.query, q.vector, corpus, filters=q.filters) for q in some]
        found += [
            _scored(opening, corpus, model, nearest)
            for opening, nearest in zip(openings, _nearest(openings, corpus), strict=True)
        ]
        progress(len(some))
    sizes = [len(each.partner) for each in found]
    return ScoreMatrix(
        need=np.repeat(np.arange(len(found)), sizes),
        partner=_joined([each.partner for each in found], np.int64),
        score=_joined([each.score for each in found], np.float64),
        probability=_joined([each.probability for each in found], np.float64),
        strength=np.array([each.strength for each in found], np.float64),
        strong=tuple(each.strong for each in found),
        blocked=tuple(each.blocked for each in found),
    )


@dataclass(frozen=True, slots=True)
class _Scored:
    partner: IntArray
    score: FloatArray
    probability: FloatArray
    strength: float
    strong: bool | None
    blocked: dict[str, int]


def _nearest(openings: Sequence[Opening], corpus: Corpus) -> list[IntArray | None]:
    """The partners that each question means; None without a vector."""
    asking = [opening.by_meaning(corpus) for opening in openings]
    readable = [question for question in asking if question is not None]
    found = iter(
        nearest_each(
            corpus.vectors,
            [asked for asked, _ in readable],
            [among for _, among in readable],
            CANDIDATES,
        )
    )
    return [None if question is None else next(found) for question in asking]


def _scored(opening: Opening, corpus: Corpus, model: Model, nearest: IntArray | None) -> _Scored:
    context = gather(opening, corpus, nearest=nearest)
    scores = score(context, model.signals)
    verdict = model.judge(scores)
    order = np.array(scores.order, np.int64)
    values = scores.values[order]
    probability = np.full(len(order), np.nan)
    if verdict is not None:
        probability[:] = verdict.probabilities
    known = np.isfinite(values)
    return _Scored(
        partner=context.candidates[order][known],
        score=values[known],
        probability=probability[known],
        strength=verdict.strength if verdict else np.nan,
        strong=verdict.strong if verdict else None if len(order) else False,
        blocked=opening.blocked,
    )


def _joined(parts: Sequence[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, kind)
