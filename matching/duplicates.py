"""Near-duplicates among a partner's evidence: they count once."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from matching.lexical import TermCounts

IntArray = NDArray[np.int64]

SIMILAR: Final = 0.8
"""Jaccard similarity of two pieces' words from which on they are the same work."""
FEWEST: Final = 8
"""Distinct words below which only an equal set of words is the same work: of two short titles,
one different word may be the one that matters."""


def originals(passages: Sequence[TermCounts], partner_of: IntArray) -> IntArray:
    """(n,) for each passage the first one of the same partner that says the same, or itself.

    `partner_of` (n,) is ascending. A passage without words is like no other.
    """
    numbering: dict[str, int] = {}
    sizes = np.fromiter((len(p.terms) for p in passages), np.int64, len(passages))
    terms = np.fromiter(
        (numbering.setdefault(t, len(numbering)) for p in passages for t in p.terms),
        np.int64,
        sizes.sum(),
    )
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    bounds = np.flatnonzero(np.diff(partner_of, prepend=-1, append=-2))
    found = np.arange(len(passages))
    for first, last in pairwise(bounds.tolist()):
        if last - first > 1:
            held = csr_array(
                (
                    np.ones(starts[last] - starts[first], np.int32),
                    terms[starts[first] : starts[last]],
                    starts[first : last + 1] - starts[first],
                ),
                shape=(last - first, len(numbering)),
            )
            found[first:last] = first + _originals_within(held, sizes[first:last])
    return found


def _originals_within(held: "csr_array[np.int32]", sizes: IntArray) -> IntArray:
    """Of one partner's passages (k,) with their terms (k, t)."""
    shared = (held @ held.T).tocoo()
    one, other = shared.coords
    union = sizes[one] + sizes[other] - shared.data
    short = np.minimum(sizes[one], sizes[other]) < FEWEST
    same = (other < one) & (shared.data >= np.where(short, 1.0, SIMILAR) * union)
    found = np.arange(len(sizes))
    np.minimum.at(found, one[same], other[same])
    for row in np.unique(one[same]):  # ascending, so that the earlier ones are settled
        found[row] = found[found[row]]
    return found
