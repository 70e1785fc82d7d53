"""The nightly job's scoring: the dense part against the machine's GEMM rate, and all of it."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from app.bench.limits import MachineLimits
from app.bench.timing import OURS, Measured, Rows, timed
from matching.batched import nearest_each
from matching.corpus import Corpus
from matching.products import TILE
from matching.ranker import CANDIDATES
from matching.score_matrix import Question, score_matrix
from matching.synthetic import Request
from matching.vectors import Among, Asked, VectorIndex

BLOCK: Final = "nightly, dense part"
WHOLE: Final = "nightly, all signals"
QUESTIONS: Final = 256
"""Of the dense part."""
ROUNDS: Final = 3
"""Of which the fastest counts, as where the limits are measured."""


def nightly(corpus: Corpus, requests: Sequence[Request], limits: MachineLimits) -> Rows:
    """Needs scored a second, all cores.

    The dense part is the cosines of a block of needs with all texts and the nearest partners of
    each; the rest of the job reads the signals of the candidates.
    """
    n, width = len(corpus.evidence), corpus.vectors.dimension
    questions = [Question(each.query, each.vector, each.filters) for each in requests]
    seconds, _ = timed(lambda: score_matrix(questions, corpus))
    rows: Rows = [Measured(WHOLE, OURS, n, "per second", len(questions) / seconds)]
    return [*_dense_part(corpus, requests, limits, 2.0 * n * width), *rows]


def _dense_part(
    corpus: Corpus, requests: Sequence[Request], limits: MachineLimits, flops: float
) -> Rows:
    """Ours, and the product without which nobody can know all cosines, in turn; the best of each.

    `flops` are those of one question.
    """
    n = len(corpus.evidence)
    block = [requests[i % len(requests)].vector for i in range(QUESTIONS)]
    across = np.ascontiguousarray(np.stack(block).T)
    vectors = corpus.vectors.at(np.arange(n))
    index = VectorIndex(vectors)
    everyone = np.ones(n, bool)
    among = Among(corpus.speech.codes, corpus.partner_of, len(corpus.partners), everyone)
    kinds = len(corpus.speech.kinds)
    asked = [Asked(vector, np.ones(kinds), np.zeros(kinds)) for vector in block]
    room = np.empty((TILE, QUESTIONS), np.float32)

    def product() -> None:
        for start in range(0, n, TILE):
            tile = vectors[start : start + TILE]
            np.matmul(tile, across, out=room[: len(tile)])

    engines = {
        OURS: lambda: nearest_each(index, asked, [among] * QUESTIONS, CANDIDATES),
        "NumPy product, nothing kept": product,
    }
    best = dict.fromkeys(engines, np.inf)
    for _ in range(ROUNDS):
        for name, work in engines.items():
            best[name] = min(best[name], timed(work)[0])
    return [
        Measured(
            BLOCK,
            name,
            n,
            "per second",
            QUESTIONS / seconds,
            share_of_limit=QUESTIONS / seconds * flops / limits.gemm_flops_all_cores,
            limit="GEMM rate",
        )
        for name, seconds in best.items()
    ]
