"""Search by words: the fifty passages with the highest BM25, beside bm25s on the same words."""

import importlib.util
import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np

from app.bench.timing import OURS, Measured, Missing, Rows, in_turn, percentiles, timed
from matching.corpus import Corpus
from matching.counted import Counted
from matching.lexical import K1, B, TermCounts, count_terms
from matching.synthetic import Request
from matching.vectors import highest

NEAREST: Final = 50
TASK: Final = f"lexical, {NEAREST} texts"
PEER: Final = "bm25s"


def lexical(
    corpus: Corpus,
    terms: Counted,
    requests: Sequence[Request],
    build_seconds: float,
) -> Rows:
    """The best passages of each question; `terms` (n,) are those of the corpus's evidence.

    Both look up the words, add up the same postings in float32 and choose the best; bm25s orders
    them besides. Ours counts a term that the question repeats by the square root of its repeats,
    bm25s once.
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

        words = spelled(terms)
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


def spelled(terms: Counted) -> list[list[str]]:
    """The words of each passage, as often as they occur there: what bm25s reads."""
    words = np.array(terms.words, object)
    repeated = words[np.repeat(terms.term.flat.astype(np.int64), terms.count)].tolist()
    ends = np.cumsum([0, *terms.lengths.astype(np.int64)]).tolist()
    return [repeated[start:end] for start, end in itertools.pairwise(ends)]
