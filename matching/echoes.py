"""Evidence that merely echoes a need: it does not speak for its partner where that need is asked.

Two things are echoes. A bare list of words that holds eight of the need's, these being at least
half of it: a list of keywords is no language, and this one was written for the need and not about
work done. And a copy of a need of some length, unless it is known to be older than the need. Other
prose is never touched, however much of the need it shares.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.counted import Counted
from matching.phrase_index import PhraseIndex
from matching.phrases import keys_of
from matching.strings import keys_of_all
from matching.term_counts import TermCounts

IntArray = NDArray[np.int64]

SHARED: Final = 8
"""Distinct words of the need that a bare list must hold to be an echo of it."""
PART: Final = 0.5
"""Part of the list's distinct words that these must be."""
FEWEST_PHRASES: Final = 60
"""Phrases of a need, a short paragraph, below which a copy is not told from a question in the same
words."""
COPIED: Final = 0.8
"""Part of the need's phrases that a copy holds."""


def copies(phrases: bytes, index: PhraseIndex, years: NDArray[np.float64], posted: int) -> IntArray:
    """Rows of the evidence that copies a need with these phrases, posted in that year.

    `years` (n,) are those of the evidence, NaN where unknown.
    """
    number = len(keys_of(phrases))
    if number < FEWEST_PHRASES:
        return np.zeros(0, np.int64)
    held = index.index.postings(index.known(phrases)).passage
    rows, shared = np.unique(held, return_counts=True)
    older = years[rows] < posted
    found: IntArray = rows[(shared >= COPIED * number) & ~older]
    return found


@dataclass(frozen=True, slots=True)
class BareLists:
    """The bare lists in a corpus: which pieces (r,) hold one, of how many words, and which."""

    rows: IntArray
    """Ascending."""
    sizes: IntArray
    """Distinct words of each list."""
    index: PhraseIndex
    """Of the lists (r,), by the keys of their words."""

    @classmethod
    def of(cls, passages: Counted, like: "BareLists | None" = None) -> "BareLists":
        """Those of passages, addressed by their position; `like` those that they will join."""
        rows = np.flatnonzero(passages.listed.sizes)
        held = passages.listed.take(rows)
        index = PhraseIndex.build(held, None if like is None else like.index)
        return cls(rows, held.sizes, index)

    def with_later(self, more: "BareLists", first: int) -> "BareLists":
        """These and those of passages that lie from row `first` on."""
        return BareLists(
            np.append(self.rows, first + more.rows),
            np.append(self.sizes, more.sizes),
            self.index.with_later(more.index),
        )

    def echoes(self, query: TermCounts) -> IntArray:
        """(e,) rows of the evidence that echoes the query."""
        if not len(self.rows):
            return np.zeros(0, np.int64)
        asked = keys_of_all(dict.fromkeys(query.terms), len(set(query.terms)))
        held = self.index.index.postings(self.index.known(asked.tobytes())).passage
        shared = np.bincount(held, minlength=len(self.rows))
        found: IntArray = self.rows[(shared >= SHARED) & (shared >= PART * self.sizes)]
        return found

    def select(self, passages: IntArray) -> "BareLists":
        """Those of some of the passages, renumbered in the order given."""
        order = np.argsort(passages)
        place = np.searchsorted(passages[order], self.rows)
        place = np.minimum(place, max(len(passages) - 1, 0))
        kept = np.flatnonzero(passages[order][place] == self.rows) if len(passages) else place[:0]
        renamed = order[place[kept]] if len(passages) else place[:0]
        kept, renamed = kept[np.argsort(renamed)], np.sort(renamed)
        return BareLists(renamed, self.sizes[kept], self.index.select(kept))
