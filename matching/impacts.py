"""BM25 of a fixed collection with all that does not depend on the query worked out ahead.

What a term adds to a document, but for the weight that the query gives the term, is called its
impact (Anh and Moffat 2005); to score is then to add up stored numbers.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.lexical import (
    K1,
    B,
    LexicalIndex,
    Statistics,
    TermCounts,
    cells_of,
    idf,
    saturation,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Impacts:
    """Documents and impacts in term order: term t's lie at `indptr[t]:indptr[t + 1]`."""

    index: LexicalIndex
    statistics: Statistics
    documents: int
    indptr: IntArray
    document: IntArray
    impact: FloatArray

    @classmethod
    def build(
        cls,
        index: LexicalIndex,
        *,
        group: IntArray,
        lengths: FloatArray,
        statistics: Statistics,
        k1: float = K1,
        b: float = B,
    ) -> "Impacts":
        """Of documents made of the index's passages; the arguments are those of `bm25`."""
        term = np.repeat(np.arange(len(index.vocabulary)), np.diff(index.indptr))
        cells = cells_of(term, group[index.passage], index.count, len(lengths))
        # Where each passage is a document of its own, the large array is there already.
        alike = np.array_equal(cells.document, index.passage)
        return cls(
            index=index,
            statistics=statistics,
            documents=len(lengths),
            indptr=np.searchsorted(cells.term, np.arange(len(index.vocabulary) + 1)),
            document=index.passage if alike else cells.document,
            impact=saturation(cells, lengths, statistics, k1=k1, b=b),
        )

    def shares(self, query: TermCounts) -> FloatArray:
        """BM25 (documents,) over its ceiling, in [0, 1], as `bm25` gives it."""
        known = self.index.known(query)
        values = known.weight * idf(self.statistics, known.term_id)
        scores = np.zeros(self.documents)
        if values.sum() <= 0:
            return scores
        for term, value in zip(known.term_id, values / values.sum(), strict=True):
            place = slice(self.indptr[term], self.indptr[term + 1])
            # A document comes once per term, so that nothing is lost in adding by position.
            scores[self.document[place]] += value * self.impact[place]
        return scores
