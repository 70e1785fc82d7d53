"""Inverted files in compressed sparse arrays, in parts that are searched as one.

Part of a corpus may be built later than the rest, and a corpus may be a part of another. A posting
file therefore numbers its own documents from 0 and knows where they lie in the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from matching.aggregate import rows_between

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

MOST_AT_ONCE: Final = 1 << 31
"""Places of postings must be below it for SciPy to take them as they lie, in 32 bits."""


@dataclass(frozen=True, slots=True)
class Found:
    """Postings (p,) of some terms: the term's position among those asked for, the document's
    number in the whole, and the posting's value."""

    term: IntArray
    document: IntArray
    value: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """Documents (d) and values in term order, documents ascending within a term."""

    indptr: NDArray[np.integer[Any]]
    """(terms + 1,): those of term t lie at `indptr[t]:indptr[t + 1]`."""
    document: NDArray[np.int32]
    value: NDArray[Any] | None
    """(p,) of each posting over `scale`; None if all are 1."""
    documents: int
    """d."""
    scale: float = 1.0
    held: IntArray | None = None
    """(terms,) ascending numbers of the terms; None if term t has the number t."""
    chosen: IntArray | None = None
    """Ascending numbers of the documents that are looked at; None: all."""
    target: IntArray | None = None
    """Where each document (that is looked at) lies in the whole, -1 for none; None: from `first`
    on."""
    first: int = 0

    @property
    def nbytes(self) -> int:
        """Of the arrays."""
        value = 0 if self.value is None else self.value.nbytes
        return self.indptr.nbytes + self.document.nbytes + value

    @property
    def is_whole(self) -> bool:
        """True if its documents have the same numbers in the whole, and are not chosen from."""
        return self.chosen is None and self.target is None and self.first == 0

    def bounds(self, term_id: IntArray) -> tuple[IntArray, IntArray]:
        """Where the postings of terms (t,) begin and end."""
        terms = len(self.indptr) - 1
        if not terms:
            return np.zeros(len(term_id), np.int64), np.zeros(len(term_id), np.int64)
        if self.held is None:
            known, place = term_id < terms, np.minimum(term_id, terms - 1)
        else:
            place = np.minimum(np.searchsorted(self.held, term_id), terms - 1)
            known = self.held[place] == term_id
        start: IntArray = self.indptr[place].astype(np.int64)
        after: IntArray = self.indptr[place + 1].astype(np.int64)
        return start, np.where(known, after, start)

    def frequency_from(self, first: int) -> IntArray:
        """Number of documents that hold each of the terms held here from number `first` on."""
        place = first if self.held is None else int(np.searchsorted(self.held, first))
        borders = self.indptr[place:].astype(np.int64)
        return borders[1:] - borders[:-1]

    def find(self, term_id: IntArray) -> Found:
        """All postings of terms (t,), term after term."""
        if self.chosen is not None:
            return self._found(*self._search(term_id, self.chosen))
        start, end = self.bounds(term_id)
        return self._found(
            np.repeat(np.arange(len(term_id)), end - start), rows_between(start, end)
        )

    def find_in(self, term_id: IntArray, wanted: IntArray) -> Found:
        """Those of some documents, `wanted` (w,) being their ascending numbers in the whole."""
        return self._found(*self._search(term_id, self._own(wanted)))

    def totals(self, term_id: IntArray, weight: FloatArray) -> NDArray[np.float32]:
        """What terms (t,) weigh in each of the documents (d,) held here, wherever they lie in the
        whole."""
        return _product(self, *self.bounds(term_id), weight * self.scale)

    def add(self, scores: FloatArray, term_id: IntArray, weight: FloatArray) -> None:
        """Add to the `scores` of the whole's documents what terms (t,) weigh in each."""
        if self.chosen is not None:
            found = self.find(term_id)
            gain = weight[found.term] * found.value
            scores += np.bincount(found.document, gain, minlength=len(scores))
        elif self.target is None:
            scores[self.first : self.first + self.documents] += self.totals(term_id, weight)
        else:
            living = self.target >= 0
            scores[self.target[living]] += self.totals(term_id, weight)[living]

    def select(self, wanted: IntArray, target: IntArray) -> "Postings":
        """Those of the documents `wanted` (w,) alone, which then are called `target` (w,).

        `wanted` are ascending numbers in the whole; those that lie elsewhere are left out.
        """
        inside, own = self._inside(wanted)
        order = np.argsort(own)
        return replace(self, chosen=own[order], target=target[inside][order], first=0)

    def _inside(self, wanted: IntArray) -> tuple[IntArray, IntArray]:
        """Which of `wanted` lie here, and their numbers here."""
        if self.target is None:
            inside = np.flatnonzero((wanted >= self.first) & (wanted < self.first + self.documents))
            return inside, wanted[inside] - self.first
        own = np.arange(self.documents) if self.chosen is None else self.chosen
        if not len(own) or not len(wanted):
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        order = np.argsort(self.target, kind="stable")
        place = np.minimum(np.searchsorted(self.target[order], wanted), len(own) - 1)
        inside = np.flatnonzero(self.target[order][place] == wanted)
        return inside, own[order[place[inside]]]

    def _own(self, wanted: IntArray) -> IntArray:
        return np.sort(self._inside(wanted)[1])

    def _search(self, term_id: IntArray, own: IntArray) -> tuple[IntArray, IntArray]:
        """Positions of the terms and places of their postings in own documents, ascending."""
        found = [np.zeros((2, 0), np.int64)]
        # Numbers of one type are compared without a copy of the long list.
        narrow = own.astype(self.document.dtype)
        for term, (start, end) in enumerate(zip(*self.bounds(term_id), strict=True)):
            listed = self.document[start:end]
            if not len(listed) or not len(narrow):
                continue
            at = np.minimum(np.searchsorted(listed, narrow), len(listed) - 1)
            at = at[listed[at] == narrow]
            found.append(np.stack([np.full(len(at), term), start + at]))
        term_of, where = np.concatenate(found, axis=1)
        return term_of, where

    def _found(self, term: IntArray, where: IntArray) -> Found:
        document = self.document[where].astype(np.int64)
        if self.value is None:
            value = np.full(len(where), self.scale)
        else:
            value = self.value[where].astype(np.float64) * self.scale
        if self.target is None:
            return Found(term, document + self.first, value)
        if self.chosen is not None:
            document = np.searchsorted(self.chosen, document)
        document = self.target[document]
        living = document >= 0
        return Found(term[living], document[living], value[living])


def postings_from(
    number: NDArray[np.int32],
    value: NDArray[Any] | None,
    ends: IntArray,
    terms: int,
    *,
    held: IntArray | None = None,
) -> Postings:
    """From documents (d) with their terms: those of document i are `number[ends[i]:ends[i + 1]]`,
    each of them once."""
    documents = len(ends) - 1
    data = np.ones(len(number), np.uint8) if value is None else value
    # To turn rows into columns takes linear time, and leaves the rows of a column in their order.
    turned = csr_array((data, number, ends), shape=(documents, terms)).tocsc()
    return Postings(
        indptr=narrowed(turned.indptr),
        document=turned.indices.astype(np.int32, copy=False),
        value=None if value is None else turned.data,
        documents=documents,
        held=held,
    )


def find_all(parts: Sequence[Postings], term_id: IntArray, wanted: IntArray | None = None) -> Found:
    """Postings of all parts, term after term, documents ascending within a term."""
    each = [
        part.find(term_id) if wanted is None else part.find_in(term_id, wanted) for part in parts
    ]
    if not each:
        return Found(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    found = Found(
        np.concatenate([one.term for one in each]),
        np.concatenate([one.document for one in each]),
        np.concatenate([one.value for one in each]),
    )
    later = found.term[1:] > found.term[:-1]
    same = (found.term[1:] == found.term[:-1]) & (found.document[1:] > found.document[:-1])
    if (later | same).all():
        return found
    order = np.lexsort((found.document, found.term))
    return Found(found.term[order], found.document[order], found.value[order])


def narrowed(numbers: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """Numbers of at least 0 in the narrower of uint32 and int64 that holds them."""
    fits = not len(numbers) or int(numbers[-1]) < 1 << 32
    return numbers.astype(np.uint32 if fits else np.int64, copy=False)


def _product(
    part: Postings, start: IntArray, end: IntArray, weight: FloatArray
) -> NDArray[np.float32]:
    """(d,) sum of the values of terms (t,), whose postings lie at `start` to `end`, by weight.

    In float32, as the impacts are: a share of some hundred words is wrong by less than 1e-7.
    """
    document, value = part.document, part.value
    if value is None or value.dtype != np.float32 or end.max(initial=0) >= MOST_AT_ONCE:
        pieces = [slice(*each) for each in zip(start.tolist(), end.tolist(), strict=True)]
        document = np.concatenate([document[:0], *(document[piece] for piece in pieces)])
        value = np.concatenate([np.zeros(0, np.float32), *_values(value, pieces)])
        start, end = np.cumsum(end - start) - (end - start), np.cumsum(end - start)
    # The terms' columns where they lie, the last one first: what would be between two of them ends
    # before it begins, and so is empty. Nothing is copied, which halves the time.
    order = np.argsort(-start)
    narrow = np.int32 if end.max(initial=0) < MOST_AT_ONCE else np.int64
    borders = np.zeros(max(2 * len(order), 1), narrow)
    borders[0 : 2 * len(order) : 2], borders[1::2] = start[order], end[order]
    weights = np.zeros(len(borders) - 1, np.float32)
    weights[::2] = weight[order]
    columns = csc_array((part.documents, len(weights)), dtype=np.float32)
    columns.indptr, columns.indices, columns.data = borders, document, value
    total: NDArray[np.float32] = columns @ weights
    return total


def _values(value: NDArray[Any] | None, pieces: Sequence[slice]) -> list[NDArray[np.float32]]:
    if value is None:
        return [np.ones(piece.stop - piece.start, np.float32) for piece in pieces]
    return [value[piece].astype(np.float32) for piece in pieces]
