"""The nightly job's scoring: the dense part against the machine's GEMM rate, and all of it.

The rate is that of float32. A processor that multiplies bfloat16 faster may show more than all of
it, since what counts is what had to be multiplied: 2 x texts x questions x dimensions.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from app.bench.limits import SIDE, MachineLimits
from app.bench.timing import OURS, Measured, Rows, timed
from matching.batched import nearest_each
from matching.corpus import Corpus
from matching.products import TILE, makers
from matching.ranker import CANDIDATES
from matching.score_matrix import Question, score_matrix
from matching.synthetic import Request
from matching.vectors import Among, Asked, VectorIndex

Engines = Mapping[str, Callable[[], object]]

BLOCK: Final = "nightly, dense part"
PROCESSOR: Final = "nightly, dense part, of processor time"
WHOLE: Final = "nightly, all signals"
QUESTIONS: Final = 256
"""Of the dense part."""
SQUARE: Final = "square"
ROUNDS: Final = 3
"""Of which the fastest counts, as where the limits are measured."""


def nightly(corpus: Corpus, requests: Sequence[Request], limits: MachineLimits) -> Rows:
    """Needs scored a second, by the clock on all cores and by the processor's time on one thread.

    The dense part is the cosines of a block of needs with all texts and the nearest partners of
    each; the rest of the job reads the signals of the candidates.
    """
    n, width = len(corpus.evidence), corpus.vectors.dimension
    questions = [Question(each.query, each.vector, each.filters) for each in requests]
    seconds, _ = timed(lambda: score_matrix(questions, corpus))
    engines = _dense_part(corpus, requests)
    flops = 2.0 * n * width * QUESTIONS
    clock = _best(engines, time.perf_counter)
    return [
        *_shares(BLOCK, n, clock, flops / limits.gemm_flops_all_cores),
        *_of_processor(n, engines, flops),
        Measured(WHOLE, OURS, n, "per second", len(questions) / seconds),
    ]


def _dense_part(corpus: Corpus, requests: Sequence[Request]) -> Engines:
    """Ours, and the products without which nobody can know all cosines."""
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
    multiply = makers()[0](np.stack(block))

    def product() -> None:
        for start in range(0, n, TILE):
            tile = vectors[start : start + TILE]
            np.matmul(tile, across, out=room[: len(tile)])

    def own_product() -> None:
        for start in range(0, n, TILE):
            tile = vectors[start : start + TILE]
            multiply(tile, room[: len(tile)])

    return {
        OURS: lambda: nearest_each(index, asked, [among] * QUESTIONS, CANDIDATES),
        "NumPy product, nothing kept": product,
        "our product, nothing kept": own_product,
    }


def _of_processor(n: int, engines: Engines, flops: float) -> Rows:
    """By the processor's time, BLAS on one thread: other work on the machine hardly changes it."""
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - only the bench needs it

    square = np.ones((SIDE, SIDE), np.float32)
    with threadpool_limits(1):
        best = _best({**engines, SQUARE: lambda: square @ square}, time.process_time)
    rate = 2 * SIDE**3 / best.pop(SQUARE)
    return _shares(PROCESSOR, n, best, flops / rate)


def _best(engines: Engines, now: Callable[[], float]) -> dict[str, float]:
    """Seconds of each in turn, the best of a few rounds."""
    best = dict.fromkeys(engines, np.inf)
    for _ in range(ROUNDS):
        for name, work in engines.items():
            start = now()
            work()
            best[name] = min(best[name], now() - start)
    return best


def _shares(task: str, n: int, seconds: Mapping[str, float], least: float) -> Rows:
    """Rows of engines that took so many seconds, at the GEMM rate `least`."""
    return [
        Measured(
            task,
            name,
            n,
            "per second",
            QUESTIONS / each,
            share_of_limit=least / each,
            limit="GEMM rate",
        )
        for name, each in seconds.items()
    ]
