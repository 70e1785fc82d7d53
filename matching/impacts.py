"""BM25 of a fixed collection with all that does not depend on the query worked out ahead.

What a term adds to a document, but for the weight that the query gives the term, is called its
impact (Anh and Moffat 2005); to score is then to add up stored numbers. They are kept in float32:
an impact is below 1, so that a score is wrong by less than 1e-7.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.lexical import K1, B, KnownTerms, LexicalIndex, Statistics, idf
from matching.postings import Postings, narrowed

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

AT_ONCE: Final = 4_000_000
"""Postings worked on at a time: what is held beside the result stays some 100 MB."""


@dataclass(frozen=True, slots=True)
class Impacts:
    """Documents and impacts in term order, in one or more parts."""

    statistics: Statistics
    documents: int
    parts: tuple[Postings, ...]

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
        """Of documents made of the passages of an index in one part; the arguments are those of
        `bm25`."""
        (part,) = index.parts
        norm = k1 * (1 - b + b * lengths / statistics.mean_length)
        return cls(statistics, len(lengths), (impacts_of(part, group, norm),))

    def with_later(
        self, more: "Impacts", statistics: Statistics, *, target: IntArray | None, documents: int
    ) -> "Impacts":
        """These and `more`, whose documents lie behind, all judged by those statistics.

        `target` (d,) says where the documents held so far lie then, -1 if nowhere; None: where they
        lay. `documents` is how many there are then.
        """
        (kept,), (later,) = self.parts, more.parts
        return Impacts(
            statistics,
            documents,
            (replace(kept, target=target), replace(later, first=documents - more.documents)),
        )

    def select(self, documents: IntArray) -> "Impacts":
        """Those of some of the documents, renumbered in the order given."""
        order = np.argsort(documents)
        parts = tuple(part.select(documents[order], order) for part in self.parts)
        return Impacts(self.statistics, len(documents), parts)

    def shares(self, known: KnownTerms) -> FloatArray:
        """BM25 (documents,) over its ceiling, in [0, 1], as `bm25` gives it."""
        return self.scores(known).astype(np.float64, copy=False)

    def scores(self, known: KnownTerms) -> NDArray[np.floating[Any]]:
        """As `shares`, in float32 where they are worked out in it."""
        values = known.weight * idf(self.statistics, known.term_id)
        total = values.sum()
        if not total > 0:
            return np.zeros(self.documents, np.float32)
        if len(self.parts) == 1 and self.parts[0].is_whole:
            return self.parts[0].totals(known.term_id, values / total)
        scores = np.zeros(self.documents)
        for part in self.parts:
            part.add(scores, known.term_id, values / total)
        return scores


def impacts_of(part: Postings, group: IntArray, norm: FloatArray) -> Postings:
    """Postings of documents with impacts, from those of passages with counts.

    `group` (passages,) names the document of each passage and `norm` (documents,) is what a count
    is compared with.
    """
    alike = len(group) == len(norm) and np.array_equal(group, np.arange(len(norm)))
    found: list[NDArray[np.int32]] = []
    impacts: list[NDArray[np.float32]] = []
    sizes = np.zeros(len(part.indptr), np.int64)
    for first, last in _spans(part.indptr):
        start, end = int(part.indptr[first]), int(part.indptr[last])
        held = part.document[start:end]
        document: IntArray = held.astype(np.int64) if alike else group[held]
        count = (
            np.full(end - start, part.scale)
            if part.value is None
            else part.value[start:end].astype(np.float64) * part.scale
        )
        if not alike:
            term = np.repeat(np.arange(first, last), np.diff(part.indptr[first : last + 1]))
            term, document, count = _cells(term, document, count)
            sizes[first + 1 : last + 1] = np.bincount(term - first, minlength=last - first)
            found.append(document.astype(np.int32))
        impacts.append((count / (count + norm[document])).astype(np.float32))
    return replace(
        part,
        indptr=part.indptr if alike else narrowed(np.cumsum(sizes)),
        document=part.document if alike else _joined(found, np.int32),
        value=_joined(impacts, np.float32),
        documents=len(norm),
        scale=1.0,
    )


def _cells(
    term: IntArray, document: IntArray, count: FloatArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """Postings in term order, those of one term and one document added up."""
    turn = term[1:] != term[:-1]
    if ((document[1:] < document[:-1]) & ~turn).any():  # its passages do not lie together
        order = np.lexsort((document, term))
        term, document, count = term[order], document[order], count[order]
    begins = np.ones(len(term), bool)
    begins[1:] = turn | (document[1:] != document[:-1])
    first = np.flatnonzero(begins)
    if len(first) == len(term):
        return term, document, count
    return term[first], document[first], np.add.reduceat(count, first)


def _spans(indptr: NDArray[np.integer[Any]]) -> Iterator[tuple[int, int]]:
    """Ranges of terms with some `AT_ONCE` postings each."""
    first, terms = 0, len(indptr) - 1
    while first < terms:
        last = int(np.searchsorted(indptr, int(indptr[first]) + AT_ONCE, side="right")) - 1
        last = min(max(last, first + 1), terms)
        yield first, last
        first = last


def _joined(parts: list[NDArray[Any]], kind: type) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)
