"""BM25 over an inverted index in compressed sparse arrays (NumPy).

The score is Robertson and Zaragoza's BM25 (2009) with the idf of Lucene,
``log(1 + (N - df + 0.5) / (df + 0.5))``, which is never negative.
"""

import itertools
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.aggregate import rows_between
from matching.text import normalise, sentences, tokens

K1: Final = 1.2
B: Final = 0.75

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TermCounts:
    """The words of one passage: distinct terms and how often each occurs."""

    terms: tuple[str, ...]
    counts: tuple[int, ...]

    @property
    def length(self) -> int:
        """Number of words, repeats counted."""
        return sum(self.counts)


def count_terms(text: str) -> TermCounts:
    """Counts of the words of `text`, in order of first occurrence.

    A sentence that is repeated word for word counts once: repeating it wins nothing.
    """
    distinct = dict.fromkeys(sentence.text for sentence in sentences(normalise(text)))
    counted = Counter(word for sentence in distinct for word in tokens(sentence))
    # The same few words occur in all texts of a corpus: each is held in memory once.
    return TermCounts(tuple(map(sys.intern, counted)), tuple(counted.values()))


@dataclass(frozen=True, slots=True)
class Statistics:
    """What BM25 knows of a collection of documents.

    `frequency` (vocabulary,) is the number of documents that hold each term.
    """

    frequency: IntArray
    documents: int
    mean_length: float


@dataclass(frozen=True, slots=True)
class KnownTerms:
    """A query's terms (t,) that the index knows, and what each counts for."""

    term_id: IntArray
    weight: FloatArray


@dataclass(frozen=True, slots=True)
class QueryPostings:
    """The postings of one query's terms, concatenated.

    `term_id` (t,) names the query's known terms and `weight` (t,) what each counts for; `term`
    (p,) is a posting's position in those, `passage` (p,) its row, `count` (p,) the term's count
    there.
    """

    term_id: IntArray
    weight: FloatArray
    term: IntArray
    passage: IntArray
    count: FloatArray


@dataclass(frozen=True, slots=True)
class LexicalIndex:
    """Postings of passages in term order: term t's lie at `indptr[t]:indptr[t + 1]`.

    Within a term they lie in ascending order of the passages.
    """

    vocabulary: dict[str, int]
    indptr: IntArray
    passage: IntArray
    count: FloatArray
    lengths: FloatArray
    """(passages,) in words, repeats counted."""

    @classmethod
    def build(cls, passages: Sequence[TermCounts]) -> "LexicalIndex":
        """Index of passages, addressed by their position in the sequence."""
        sizes = np.fromiter((len(p.terms) for p in passages), np.int64, len(passages))
        numbering: dict[str, int] = defaultdict(
            itertools.count().__next__
        )  # a new term gets the next one
        numbers = map(
            numbering.__getitem__, itertools.chain.from_iterable(p.terms for p in passages)
        )
        term_ids = np.fromiter(numbers, np.int64, sizes.sum())
        vocabulary = dict(numbering)
        rows = np.repeat(np.arange(len(passages), dtype=np.int64), sizes)
        counts = itertools.chain.from_iterable(p.counts for p in passages)
        # A passage holds a term once: the keys differ, and any sort of them is the same.
        order = np.argsort(term_ids * max(len(passages), 1) + rows)
        return cls(
            vocabulary=vocabulary,
            indptr=_indptr(term_ids, len(vocabulary)),
            passage=rows[order],
            count=np.fromiter(counts, np.float64, sizes.sum())[order],
            lengths=np.fromiter((p.length for p in passages), np.float64, len(passages)),
        )

    def select(self, passages: IntArray) -> "LexicalIndex":
        """The same vocabulary over some of the passages, renumbered in the order given."""
        place = np.full(len(self.lengths), -1, np.int64)
        place[passages] = np.arange(len(passages))
        chosen = place >= 0
        kept = np.flatnonzero(chosen[self.passage])
        term_ids = np.searchsorted(self.indptr, kept, side="right") - 1
        kept = kept[np.lexsort((place[self.passage[kept]], term_ids))]
        return LexicalIndex(
            vocabulary=self.vocabulary,
            indptr=_indptr(term_ids, len(self.vocabulary)),
            passage=place[self.passage[kept]],
            count=self.count[kept],
            lengths=self.lengths[passages],
        )

    def statistics(self, group: IntArray, documents: int) -> Statistics:
        """Statistics of documents made of passages, `group` (passages,) naming each one's."""
        term = np.repeat(np.arange(len(self.vocabulary)), np.diff(self.indptr))
        cells = cells_of(term, group[self.passage], self.count, documents)
        lengths = np.bincount(group, self.lengths, minlength=documents)
        filled = lengths > 0
        return Statistics(
            frequency=np.bincount(cells.term, minlength=len(self.vocabulary)),
            documents=int(filled.sum()),
            mean_length=float(lengths[filled].mean()) if filled.any() else 1.0,
        )

    def known(self, query: TermCounts) -> KnownTerms:
        """The query's terms that some passage holds.

        A term repeated in the query counts by the square root of its repeats.
        """
        found = [
            (self.vocabulary[term], count)
            for term, count in zip(query.terms, query.counts, strict=True)
            if term in self.vocabulary
        ]
        return KnownTerms(
            term_id=np.array([term for term, _ in found], np.int64),
            weight=np.sqrt(np.array([count for _, count in found], np.float64)),
        )

    def postings(self, query: TermCounts, *, allowed: BoolArray | None = None) -> QueryPostings:
        """Postings of the query's terms in the passages that `allowed` (n,) leaves in."""
        known = self.known(query)
        where = rows_between(self.indptr[known.term_id], self.indptr[known.term_id + 1])
        sizes = self.indptr[known.term_id + 1] - self.indptr[known.term_id]
        term = np.repeat(np.arange(len(sizes)), sizes)
        if allowed is not None:
            keep = allowed[self.passage[where]]
            where, term = where[keep], term[keep]
        return self._postings(known, term, where)

    def postings_of(self, query: TermCounts, rows: IntArray) -> QueryPostings:
        """Postings of the query's terms in a few passages, `rows` in ascending order."""
        known = self.known(query)
        found = [np.zeros((2, 0), np.int64)]
        for term, term_id in enumerate(known.term_id):
            start, end = self.indptr[term_id], self.indptr[term_id + 1]
            at = start + np.searchsorted(self.passage[start:end], rows)
            inside = at < end
            at = at[inside][self.passage[at[inside]] == rows[inside]]
            found.append(np.stack([np.full(len(at), term), at]))
        term_of, where = np.concatenate(found, axis=1)
        return self._postings(known, term_of, where)

    def _postings(self, known: KnownTerms, term: IntArray, where: IntArray) -> QueryPostings:
        return QueryPostings(
            term_id=known.term_id,
            weight=known.weight,
            term=term,
            passage=self.passage[where],
            count=self.count[where],
        )


def _indptr(term_ids: IntArray, terms: int) -> IntArray:
    indptr = np.zeros(terms + 1, np.int64)
    np.cumsum(np.bincount(term_ids, minlength=terms), out=indptr[1:])
    return indptr


def idf(statistics: Statistics, term_id: IntArray) -> FloatArray:
    """Inverse document frequency (t,) of terms, at least 0."""
    frequency = statistics.frequency[term_id]
    weight: FloatArray = np.log1p((statistics.documents - frequency + 0.5) / (frequency + 0.5))
    return weight


@dataclass(frozen=True, slots=True)
class Cells:
    """What terms and documents have in common, each pair once and in their order.

    `term` (c,), `document` (c,), and `count` (c,), how often the one occurs in the other.
    """

    term: IntArray
    document: IntArray
    count: FloatArray


def cells_of(term: IntArray, document: IntArray, count: FloatArray, documents: int) -> Cells:
    """Cells of postings (p,), those of one term and one document added up.

    Postings in order, as they are where the passages of a document lie together, need no sort.
    """
    key = term * max(documents, 1) + document
    if (key[1:] < key[:-1]).any():
        order = np.argsort(key, kind="stable")
        key, term, document, count = key[order], term[order], document[order], count[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    if len(first) == len(key):
        return Cells(term, document, count)
    return Cells(term[first], document[first], np.add.reduceat(count, first))


def saturation(
    cells: Cells,
    lengths: FloatArray,
    statistics: Statistics,
    *,
    k1: float = K1,
    b: float = B,
) -> FloatArray:
    """What each cell (c,) adds to its document's score, over the weight of its term; below 1."""
    norm = k1 * (1 - b + b * lengths / statistics.mean_length)
    share: FloatArray = cells.count / (cells.count + norm[cells.document])
    return share


def bm25(
    postings: QueryPostings,
    *,
    group: IntArray,
    lengths: FloatArray,
    statistics: Statistics,
    k1: float = K1,
    b: float = B,
) -> FloatArray:
    """BM25 (documents,) over its ceiling, in [0, 1]: which share of the query is answered.

    `group` (passages,) names the document of each passage: its own row to score single passages,
    its partner to score whole profiles as if each were one text. `lengths` (documents,) is in
    words. The ceiling, which no document reaches, is every query term repeated without end.
    """
    documents = len(lengths)
    value = postings.weight * idf(statistics, postings.term_id)
    if value.sum() <= 0:
        return np.zeros(documents)
    cells = cells_of(postings.term, group[postings.passage], postings.count, documents)
    gain = value[cells.term] * saturation(cells, lengths, statistics, k1=k1, b=b)
    scores: FloatArray = np.bincount(cells.document, gain, minlength=documents) / value.sum()
    return scores
