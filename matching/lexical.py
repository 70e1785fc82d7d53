"""BM25 over an inverted index in compressed sparse arrays (NumPy).

The score is Robertson and Zaragoza's BM25 (2009) with the idf of Lucene,
``log(1 + (N - df + 0.5) / (df + 0.5))``, which is never negative.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

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
    return TermCounts(tuple(counted), tuple(counted.values()))


@dataclass(frozen=True, slots=True)
class Statistics:
    """What BM25 knows of a collection of documents.

    `frequency` (vocabulary,) is the number of documents that hold each term.
    """

    frequency: IntArray
    documents: int
    mean_length: float


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
    """Postings of passages in term order: term t's lie at `indptr[t]:indptr[t + 1]`."""

    vocabulary: dict[str, int]
    indptr: IntArray
    passage: IntArray
    count: FloatArray
    lengths: FloatArray
    """(passages,) in words, repeats counted."""

    @classmethod
    def build(cls, passages: Sequence[TermCounts]) -> "LexicalIndex":
        """Index of passages, addressed by their position in the sequence."""
        vocabulary: dict[str, int] = {}
        term_ids = np.fromiter(
            (vocabulary.setdefault(t, len(vocabulary)) for p in passages for t in p.terms), np.int64
        )
        sizes = np.fromiter((len(p.terms) for p in passages), np.int64, len(passages))
        rows = np.repeat(np.arange(len(passages), dtype=np.int64), sizes)
        counts = np.fromiter((c for p in passages for c in p.counts), np.float64)
        order = np.argsort(term_ids, kind="stable")
        return cls(
            vocabulary=vocabulary,
            indptr=_indptr(term_ids, len(vocabulary)),
            passage=rows[order],
            count=counts[order],
            lengths=np.fromiter((p.length for p in passages), np.float64, len(passages)),
        )

    def select(self, passages: IntArray) -> "LexicalIndex":
        """The same vocabulary over some of the passages, renumbered in the order given."""
        place = np.full(len(self.lengths), -1, np.int64)
        place[passages] = np.arange(len(passages))
        keep = place[self.passage] >= 0
        term_ids = np.repeat(np.arange(len(self.vocabulary)), np.diff(self.indptr))[keep]
        return LexicalIndex(
            vocabulary=self.vocabulary,
            indptr=_indptr(term_ids, len(self.vocabulary)),
            passage=place[self.passage[keep]],
            count=self.count[keep],
            lengths=self.lengths[passages],
        )

    def statistics(self, group: IntArray, documents: int) -> Statistics:
        """Statistics of documents made of passages, `group` (passages,) naming each one's."""
        terms = np.repeat(np.arange(len(self.vocabulary)), np.diff(self.indptr))
        cells = np.unique(terms * max(documents, 1) + group[self.passage])
        lengths = np.bincount(group, self.lengths, minlength=documents)
        filled = lengths > 0
        return Statistics(
            frequency=np.bincount(cells // max(documents, 1), minlength=len(self.vocabulary)),
            documents=int(filled.sum()),
            mean_length=float(lengths[filled].mean()) if filled.any() else 1.0,
        )

    def postings(self, query: TermCounts, *, allowed: BoolArray | None = None) -> QueryPostings:
        """Postings of the query's terms in the passages that `allowed` (n,) leaves in.

        A term repeated in the query counts by the square root of its repeats.
        """
        known = [
            (self.vocabulary[term], count)
            for term, count in zip(query.terms, query.counts, strict=True)
            if term in self.vocabulary
        ]
        ids = np.array([term for term, _ in known], np.int64)
        starts, sizes = self.indptr[ids], self.indptr[ids + 1] - self.indptr[ids]
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        where = np.repeat(starts, sizes) + within
        term = np.repeat(np.arange(len(ids)), sizes)
        if allowed is not None:
            keep = allowed[self.passage[where]]
            where, term = where[keep], term[keep]
        return QueryPostings(
            term_id=ids,
            weight=np.sqrt(np.array([count for _, count in known], np.float64)),
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
    cell, inverse = np.unique(
        postings.term * documents + group[postings.passage], return_inverse=True
    )
    count = np.bincount(inverse, weights=postings.count, minlength=len(cell))
    term, document = cell // documents, cell % documents
    norm = k1 * (1 - b + b * lengths / statistics.mean_length)
    gain = value[term] * count / (count + norm[document])
    scores: FloatArray = np.bincount(document, gain, minlength=documents) / value.sum()
    return scores
