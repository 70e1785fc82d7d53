"""All questions against all partners: what `rank` and `Model.judge` say of each, as one table.

Hard constraints come first and fail closed as in a request. The cosines of a block of questions are
one matrix product, which reads the vectors once a block instead of once a question; all else is
done question by question by the same code as a request. Nothing is approximated: the product of a
block differs from that of a single question in the seventh decimal, as the products of two machines
do, and with blocks of one the table is the same to the last bit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from matching.corpus import Corpus, Query
from matching.encoders.protocol import Vectors
from matching.filters import Filters
from matching.model import Model
from matching.pairs import BoolArray, FloatArray, IntArray, Pairs
from matching.ranker import prepare, score

BLOCK: Final = 64
"""Questions whose cosines are held at once: 26 MB for 100,000 pieces of evidence."""


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
    block: int = BLOCK,
    progress: Callable[[int], None] = lambda _: None,
) -> ScoreMatrix:
    """The table of n questions; `progress` is told how many more are done.

    Holds ``block * len(corpus.evidence)`` float32 beside the result. A score that is not a
    number makes no pair.
    """
    model = model or Model()
    found = []
    for first in range(0, len(questions), block):
        some = questions[first : first + block]
        products = _products(some, corpus)
        found += [
            _scored(question, corpus, model, cosines)
            for question, cosines in zip(some, products, strict=True)
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


def _products(questions: Sequence[Question], corpus: Corpus) -> Sequence[Vectors | None]:
    """For each question (n,) cosines, or None without a vector."""
    readable = [_readable(question) for question in questions]
    if len(questions) == 1 or not any(readable):
        return [None] * len(questions)  # a single product is the request's own business
    whole = corpus.vectors.at(np.arange(len(corpus.evidence)))
    empty = np.zeros(whole.shape[1], np.float32)
    rows = [empty if question.vector is None else question.vector for question in questions]
    products = np.stack(rows) @ whole.T
    return [row if can else None for row, can in zip(products, readable, strict=True)]


def _readable(question: Question) -> bool:
    return question.vector is not None and bool(question.vector.any())


def _scored(question: Question, corpus: Corpus, model: Model, cosines: Vectors | None) -> _Scored:
    context, blocked = prepare(
        question.query, question.vector, corpus, filters=question.filters, cosines=cosines
    )
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
        blocked=blocked,
    )


def _joined(parts: Sequence[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, kind)
