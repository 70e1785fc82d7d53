"""What an engineer would build first: the rankers that ours is measured against.

They read the same context as the signals, and none of them is part of the ranking.
"""

from typing import Final

import numpy as np

from matching.lexical import bm25, count_terms
from matching.signals.evidence_words import best_shares
from matching.signals.protocol import Context, FloatArray, Reading, Sentence, Signal
from matching.signals.topic import best_cosines


def _reading(values: FloatArray) -> Reading:
    return Reading(values, lambda _: Sentence("A baseline.", "比較用の値。"))


def popularity(context: Context) -> Reading:
    """Number of allowed pieces over the largest such number."""
    corpus = context.corpus
    number = np.bincount(corpus.partner_of[context.allowed], minlength=len(corpus.partners))
    return _reading(number[context.candidates] / max(int(number.max(initial=0)), 1))


def bm25_top3(context: Context) -> Reading:
    """Mean BM25 share of the three best pieces."""
    return _reading(best_shares(context))


def bm25_profile(context: Context) -> Reading:
    """BM25 share of all allowed evidence, concatenated."""
    corpus, rows = context.corpus, np.flatnonzero(context.allowed)
    partners = len(corpus.partners)
    lengths = np.bincount(corpus.partner_of[rows], corpus.lexical.lengths[rows], partners)
    shares = bm25(
        corpus.lexical.postings(
            corpus.lexical.known(count_terms(context.query.text)), allowed=context.allowed
        ),
        group=corpus.partner_of,
        lengths=lengths.astype(np.float64),
        statistics=corpus.joined_statistics,
    )
    return _reading(shares[context.candidates])


def dense_max(context: Context) -> Reading:
    """Cosine of the nearest piece, at least 0; missing if the query has no vector."""
    return _reading(np.clip(best_cosines(context, best=1), 0, 1))


def dense_top3(context: Context) -> Reading:
    """Mean cosine of the three nearest pieces, at least 0; missing if the query has no vector."""
    return _reading(np.clip(best_cosines(context, best=3), 0, 1))


BASELINES: Final = {
    "popularity": (Signal("popularity", popularity, 1.0, 0.0),),
    "bm25-top3": (Signal("bm25", bm25_top3, 1.0, 0.0),),
    "bm25-profile": (Signal("bm25", bm25_profile, 1.0, 0.0),),
    "dense-max": (Signal("cosine", dense_max, 1.0, 0.0),),
    "dense-top3": (Signal("cosine", dense_top3, 1.0, 0.0),),
}
"""By name: the signals that each ranks by. `dense-*` use the encoder that is set (MiniLM)."""
