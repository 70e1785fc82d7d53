"""The nightly job's scoring: the dense part against the machine's GEMM rate, and all of it."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from app.bench.limits import MachineLimits
from app.bench.timing import OURS, Measured, Rows, timed
from matching.corpus import Corpus
from matching.score_matrix import Question, score_matrix
from matching.synthetic import Request

BLOCK: Final = "nightly, dense part"
WHOLE: Final = "nightly, all signals"
QUESTIONS: Final = 256
"""Of the dense part."""


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
    n = len(corpus.evidence)
    block = np.stack([requests[i % len(requests)].vector for i in range(QUESTIONS)])
    vectors = corpus.vectors.at(np.arange(n))
    timed(lambda: block @ vectors[: n // 10].T)
    seconds, _ = timed(lambda: [block @ vectors[i : i + 65536].T for i in range(0, n, 65536)])
    rate = QUESTIONS / seconds
    return [
        Measured(
            BLOCK,
            "NumPy product, nothing kept",
            n,
            "per second",
            rate,
            share_of_limit=rate * flops / limits.gemm_flops_all_cores,
            limit="GEMM rate",
        )
    ]
