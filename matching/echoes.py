"""Evidence that merely echoes a need: it does not speak for its partner where that need is asked.

Two things are echoes. A bare list of words that holds eight of the need's, these being at least
half of it: a list of keywords is no language, and this one was written for the need and not about
work done. And a copy of a need of some length, unless it is known to be older than the need. Other
prose is never touched, however much of the need it shares.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.lexical import TermCounts
from matching.phrase_index import PhraseIndex
from matching.phrases import keys_of

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
    """The bare lists in a corpus: `terms` of the list in the piece at each of `rows` (r,)."""

    rows: tuple[int, ...]
    terms: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, passages: Sequence[TermCounts]) -> "BareLists":
        """Those of passages, addressed by their position in the sequence."""
        found = [(row, frozenset(p.listed)) for row, p in enumerate(passages) if p.listed]
        return cls(tuple(row for row, _ in found), tuple(terms for _, terms in found))

    def echoes(self, query: TermCounts) -> IntArray:
        """(e,) rows of the evidence that echoes the query."""
        asked = frozenset(query.terms)
        return np.array(
            [
                row
                for row, terms in zip(self.rows, self.terms, strict=True)
                if len(shared := asked & terms) >= SHARED and len(shared) >= PART * len(terms)
            ],
            np.int64,
        )

    def select(self, passages: IntArray) -> "BareLists":
        """Those of some of the passages, renumbered in the order given."""
        place = {int(row): at for at, row in enumerate(passages)}
        kept = [(place[r], t) for r, t in zip(self.rows, self.terms, strict=True) if r in place]
        return BareLists(tuple(row for row, _ in kept), tuple(terms for _, terms in kept))
