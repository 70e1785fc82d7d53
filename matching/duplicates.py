"""Near-duplicates among a partner's evidence: they count once."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from matching.counted import Counted

IntArray = NDArray[np.int64]

SIMILAR: Final = 0.8
"""Jaccard similarity of two pieces' words from which on they are the same work."""
FEWEST: Final = 8
"""Distinct words below which only an equal set of words is the same work: of two short titles,
one different word may be the one that matters."""
AT_ONCE: Final = 500_000
"""Words of passages compared at a time, unless one partner has more."""


def originals(passages: Counted, partner_of: IntArray) -> IntArray:
    """(n,) for each passage the first one of the same partner that says the same, or itself.

    `partner_of` (n,) is ascending. A passage without words is like no other.
    """
    found = np.arange(len(passages))
    terms = passages.term.flat.astype(np.int32, copy=False)
    for first, last in _spans(passages.term.ends, partner_of):
        found[first:last] = first + _originals_within(
            terms[passages.term.ends[first] : passages.term.ends[last]],
            passages.term.sizes[first:last],
            partner_of[first:last],
            len(passages.words),
        )
    return found


def _spans(ends: IntArray, partner_of: IntArray) -> Iterator[tuple[int, int]]:
    """Ranges of passages of whole partners, with some `AT_ONCE` words each."""
    borders = np.append(np.flatnonzero(np.diff(partner_of, prepend=-1)), len(partner_of))
    words = ends[borders]
    first = 0
    while first < len(borders) - 1:
        last = int(np.searchsorted(words, words[first] + AT_ONCE, side="right")) - 1
        last = max(last, first + 1)
        yield int(borders[first]), int(borders[last])
        first = last


def _originals_within(
    term: NDArray[np.int32], sizes: IntArray, partner_of: IntArray, words: int
) -> IntArray:
    """Of the passages (k,) of some partners, with their terms one passage after the other."""
    # A word of two partners is two words here, so that no product compares them; and one that a
    # partner has in one passage only is shared by none.
    owned = np.repeat(partner_of, sizes) * max(words, 1) + term
    _, number, often = np.unique(owned, return_inverse=True, return_counts=True)
    shared_words = often[number] > 1
    rows = np.repeat(np.arange(len(sizes)), sizes)[shared_words]
    held = csr_array(
        (np.ones(len(rows), np.int32), (rows, number[shared_words])),
        shape=(len(sizes), len(often)),
    )
    shared = (held @ held.T).tocoo()
    one, other = shared.coords
    earlier = other < one
    one, other, both = one[earlier], other[earlier], shared.data[earlier]
    union = sizes[one] + sizes[other] - both
    short = np.minimum(sizes[one], sizes[other]) < FEWEST
    same = both >= np.where(short, 1.0, SIMILAR) * union
    found = np.arange(len(sizes))
    np.minimum.at(found, one[same], other[same])
    for row in np.unique(one[same]):  # ascending, so that the earlier ones are settled
        found[row] = found[found[row]]
    return found
