"""Search by words: the fifty passages with the highest BM25, beside bm25s on the same words."""

import importlib.util
from collections.abc import Sequence
from typing import Final

import numpy as np

from app.bench.timing import OURS, Measured, Missing, Rows, in_turn, percentiles, timed
from matching.corpus import Corpus
from matching.lexical import K1, B, TermCounts, count_terms
from matching.synthetic import Request
from matching.vectors import highest

NEAREST: Final = 50
TASK: Final = f"lexical, {NEAREST} texts"
PEER: Final = "bm25s"


def lexical(
    corpus: Corpus,
    terms: Sequence[TermCounts],
    requests: Sequence[Request],
    build_seconds: float,
) -> Rows:
    """The best passages of each question; `terms` (n,) are those of the corpus's evidence.

    Ours counts a term that the question repeats by the square root of its repeats, bm25s once; both
    add up the same postings.
    """
    asked = [count_terms(request.query.text) for request in requests]
    asked = [question for question in asked if len(corpus.lexical.known(question).term_id)]

    def ours(question: TermCounts) -> np.ndarray:
        return highest(corpus.passage_impacts.scores(corpus.lexical.known(question)), NEAREST)

    engines = {OURS: ours}
    build = {OURS: build_seconds}
    rows: Rows = []
    if importlib.util.find_spec(PEER) is None:
        rows.append(Missing(TASK, PEER, "is not installed: pip install 'enmusubi[bench]'"))
    else:
        import bm25s  # noqa: PLC0415 - of the extra `bench`

        words = [
            [t for t, c in zip(p.terms, p.counts, strict=True) for _ in range(c)] for p in terms
        ]
        peer = bm25s.BM25(method="lucene", k1=K1, b=B)
        build[PEER], _ = timed(lambda: peer.index(words, show_progress=False))
        del words

        def theirs(question: TermCounts) -> np.ndarray:
            found = peer.retrieve(
                [list(question.terms)], k=NEAREST, show_progress=False, n_threads=0
            )
            best: np.ndarray = found.documents[0]
            return best

        engines[PEER] = theirs
    times, _ = in_turn(engines, asked)
    rows += [
        Measured(
            TASK,
            name,
            len(corpus.evidence),
            "ms",
            *percentiles(milliseconds),
            build_seconds=build[name],
            note="with all indexes of the corpus" if name == OURS else "",
        )
        for name, milliseconds in times.items()
    ]
    return rows
