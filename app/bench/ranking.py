"""A whole request inside the engine: the hybrid ranking, and what it says of the first ten."""

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from app.bench.lexical import spelled
from app.bench.timing import OURS, Measured, Missing, Rows, in_turn, percentiles, timed
from matching.corpus import Corpus
from matching.counted import Counted
from matching.encoders import Vectors
from matching.explain import passages
from matching.lexical import K1, B
from matching.ranker import rank
from matching.synthetic import DIMENSION, Request
from matching.text import tokens

TOP: Final = 10
HYBRID: Final = "hybrid, ten partners"
EXPLAIN: Final = "explain ten partners"
PEER: Final = "NumPy and bm25s"
PEER_IS: Final = (
    "NumPy and bm25s do the core of the hybrid ranking as one would write it first: the product of "
    "all vectors with the question's, bm25s over passages and over whole profiles, the mean of "
    "each partner's three best passages by a sort, a sum, the ten best. It filters nobody, reads "
    "no other signal and picks no sentences."
)


def ranking(corpus: Corpus, terms: Counted, requests: Sequence[Request]) -> Rows:
    """Milliseconds of the ranking beside the plain way, and of the evidence alone."""
    engines: dict[str, Callable[[Request], object]] = {
        OURS: lambda request: ranked(corpus, request)
    }
    rows: Rows = []
    peer = plain_way(corpus, terms)
    if peer is None:
        rows.append(Missing(HYBRID, PEER, "needs bm25s: pip install 'enmusubi[bench]'"))
    else:
        engines[PEER] = peer
    times, _ = in_turn(engines, requests)
    for name, milliseconds in times.items():
        rows.append(Measured(HYBRID, name, len(corpus.evidence), "ms", *percentiles(milliseconds)))
    encode = _encoder_without_work(corpus.vectors.dimension)
    seconds = []
    for request in requests:
        found = ranked(corpus, request)
        spent, _ = timed(
            lambda: passages(
                found,  # noqa: B023
                found.matches,  # noqa: B023
                encode=encode,
                vector=request.vector,  # noqa: B023
            )
        )
        seconds.append(spent)
    explained = percentiles(np.array(seconds) * 1e3)
    rows.append(Measured(EXPLAIN, OURS, len(corpus.evidence), "ms", *explained))
    return rows


def ranked(corpus: Corpus, request: Request) -> Any:
    """The ranking of one request."""
    return rank(request.query, request.vector, corpus, filters=request.filters, top=TOP)


def _encoder_without_work(dimension: int = DIMENSION) -> Callable[[Sequence[str]], Vectors]:
    """Sentence vectors out of memory, as for evidence that has been shown before."""
    kept = np.random.default_rng(0).standard_normal((2_000, dimension), np.float32)
    kept /= np.linalg.norm(kept, axis=1, keepdims=True)
    return lambda texts: kept[np.arange(len(texts)) % len(kept)]


def plain_way(corpus: Corpus, terms: Counted) -> Callable[[Request], object] | None:
    """The plain way to rank the same corpus; None where bm25s is not installed."""
    if importlib.util.find_spec("bm25s") is None:
        return None
    import bm25s  # noqa: PLC0415 - of the extra `bench`

    words = spelled(terms)
    profiles: list[list[str]] = [[] for _ in corpus.partners]
    for owner, passage in zip(corpus.partner_of, words, strict=True):
        profiles[owner] += passage
    by_passage, by_profile = (bm25s.BM25(method="lucene", k1=K1, b=B) for _ in range(2))
    by_passage.index(words, show_progress=False)
    by_profile.index(profiles, show_progress=False)
    del words, profiles
    groups, group = len(corpus.partners), corpus.partner_of
    vectors = corpus.vectors.at(np.arange(len(corpus.evidence)))

    def top3(values: np.ndarray) -> np.ndarray:
        order = np.lexsort((-values, group))
        owner = group[order]
        place = np.arange(len(order)) - np.searchsorted(owner, np.arange(groups))[owner]
        kept = place < 3
        total = np.bincount(owner[kept], values[order[kept]], minlength=groups)
        return total / np.maximum(np.bincount(owner[kept], minlength=groups), 1)

    def ask(request: Request) -> np.ndarray:
        asked = list(dict.fromkeys(tokens(request.query.text)))
        meaning = top3(vectors @ request.vector)
        words = top3(by_passage.get_scores(asked))
        whole = by_profile.get_scores(asked)
        summed = meaning + words / max(words.max(), 1e-9) + whole / max(whole.max(), 1e-9)
        return np.argsort(-summed)[:TOP]

    return ask
