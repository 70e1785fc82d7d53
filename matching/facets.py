"""How far evidence covers a need's facets."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.corpus import Corpus
from matching.encoders.protocol import Vectors, has_vector
from matching.lexical import KnownTerms, idf
from matching.splitting import Facet, telling_words, wordings

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

PRIOR: Final = 15.0
"""Added to a wording's idf mass: a share of one or two known words says little."""
COVERED: Final = 0.22
"""Coverage from which a facet counts as covered; how it was chosen: docs/decisions/0007."""
ASKED: Final = 2.0
"""A facet that asks for something weighs so many times one that tells of the circumstances."""

_ASKS: Final = re.compile(
    r"\b(?:want|need|wish|hope|seek|require|look(?:ing)? for|would like|would help"
    r"|how to|we must|must be|has to|should)\b"
    r"|たい|ほしい|欲しい|探して|求め|望み|望んで|必要(?!な)|助かり|条件|お願い|べき|課題|目指",
    re.IGNORECASE,
)


def coverage(
    facets: Sequence[Facet], vectors: Vectors | None, corpus: Corpus, rows: IntArray
) -> FloatArray:
    """(facets, rows) in [0, 1]: how far each piece of evidence covers each facet.

    `rows` (r,) are rows of the corpus; `vectors` (wordings, d) belong to `wordings(facets)`, a row
    of zeros where the encoder reads nothing, None if there are none. The mean of two shares: the
    idf mass of the wording's words that the piece holds, and the cosine, at least 0; the words
    alone where the wording has no vector; of two wordings the higher counts.
    """
    texts = wordings(facets)
    if not texts:
        return np.zeros((0, len(rows)))
    found = _word_shares(texts, corpus, rows)
    if vectors is not None:
        meaning = np.clip(vectors @ corpus.vectors.at(rows).T, 0, 1).astype(np.float64)
        found = np.where(has_vector(vectors)[:, None], (found + meaning) / 2, found)
    first = np.cumsum([0] + [len(facet.wordings) for facet in facets[:-1]])
    best: FloatArray = np.maximum.reduceat(found, first, axis=0)
    return best


def partner_coverage(shares: FloatArray, owner: IntArray, partners: IntArray) -> FloatArray:
    """(facets, partners) highest of `shares` (facets, r) for each of some partners (c,).

    `owner` (r,) is each row's partner, ascending as in the corpus; 0 for a partner without a row.
    """
    start, end = np.searchsorted(owner, partners), np.searchsorted(owner, partners, side="right")
    found = np.zeros((len(shares), len(partners)))
    some = end > start
    if some.any():
        edges = np.stack([start[some], end[some]], axis=1).ravel()
        # A last column of zeros, since an edge may lie behind the last row.
        padded = np.pad(shares, ((0, 0), (0, 1)))
        found[:, some] = np.maximum.reduceat(padded, edges, axis=1)[:, ::2]
    return found


def covered(shares: FloatArray) -> BoolArray:
    """Which shares of `coverage` reach `COVERED`, in the same shape."""
    return np.asarray(shares >= COVERED)


def weights(facets: Sequence[Facet], corpus: Corpus) -> FloatArray:
    """(facets,) share of the need that each is; they add up to 1.

    The root of the idf mass of its distinct words, the mean over its wordings, so that one long
    sentence is not the whole need; `ASKED` times that where it asks for something.
    """
    if not facets:
        return np.zeros(0)
    mass = np.array(
        [np.mean([_known(wording, corpus)[1].sum() for wording in f.wordings]) for f in facets]
    )
    asked = np.array([any(map(_ASKS.search, facet.wordings)) for facet in facets])
    root = np.sqrt(np.maximum(mass, 1e-9)) * np.where(asked, ASKED, 1.0)
    shares: FloatArray = root / root.sum()
    return shares


def _word_shares(texts: Sequence[str], corpus: Corpus, rows: IntArray) -> FloatArray:
    """(texts, r) share of each text's idf mass that each of some pieces of evidence holds.

    Words that no evidence knows are left out, as in BM25; `PRIOR` keeps what little is left of a
    wording from counting as the whole.
    """
    asked, place = np.unique(rows, return_inverse=True)
    shares = np.zeros((len(texts), len(asked)))
    for row, text in enumerate(texts):
        ids, mass = _known(text, corpus)
        known = KnownTerms(ids, mass / (mass.sum() + PRIOR))
        held = corpus.lexical.postings_of(known, asked)
        at = np.searchsorted(asked, held.passage)
        shares[row] = np.bincount(at, known.weight[held.term], minlength=len(asked))
    return shares[:, place]


def _known(text: str, corpus: Corpus) -> tuple[IntArray, FloatArray]:
    """The text's telling words (t,) that the corpus knows, and their idf (t,)."""
    ids = corpus.lexical.vocabulary.find(telling_words(text))
    ids = ids[ids >= 0]
    return ids, idf(corpus.passage_statistics, ids)
