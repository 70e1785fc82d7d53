"""BM25 over an inverted index in compressed sparse arrays (NumPy).

The score is Robertson and Zaragoza's BM25 (2009) with the idf of Lucene,
``log(1 + (N - df + 0.5) / (df + 0.5))``, which is never negative.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from matching.chance import Chance, of_words
from matching.counted import Counted
from matching.postings import Postings, find_all, postings_from
from matching.strings import Vocabulary
from matching.term_counts import TermCounts, count_terms

__all__ = ["TermCounts", "count_terms"]  # counted words are what an index is made from

K1: Final = 1.2
B: Final = 0.75

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Statistics:
    """What BM25 knows of a collection of documents."""

    frequency: NDArray[np.integer[Any]]
    """(vocabulary,) number of documents that hold each term."""
    documents: int
    mean_length: float
    later: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    """Of terms that came after the vocabulary, which are numbered on from its end."""

    def frequency_of(self, term_id: IntArray) -> IntArray:
        """(t,) number of documents that hold each of some terms."""
        first = len(self.frequency)
        found = np.zeros(len(term_id), np.int64)
        kept = term_id < first
        found[kept] = self.frequency[term_id[kept]]
        found[~kept] = self.later[term_id[~kept] - first]
        return found


@dataclass(frozen=True, slots=True)
class KnownTerms:
    """A query's terms (t,) that the index knows, and what each counts for."""

    term_id: IntArray
    weight: FloatArray

    def chance(self, statistics: Statistics, *, doubt: float) -> Chance:
        """Of the share that a random document of a collection has of these terms."""
        return of_words(
            self.weight * idf(statistics, self.term_id),
            statistics.frequency_of(self.term_id).astype(np.float64),
            statistics.documents,
            doubt=doubt,
        )


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
    """Words by the passages that hold them, in one or more parts."""

    vocabulary: Vocabulary
    parts: tuple[Postings, ...]
    lengths: FloatArray
    """(passages,) in words, repeats counted."""
    terms: int
    """Number of terms."""

    @classmethod
    def build(
        cls, passages: Sequence[TermCounts] | Counted, like: Vocabulary | None = None
    ) -> "LexicalIndex":
        """Index of passages, addressed by their position in the sequence.

        With `like`, words have the numbers of that vocabulary, and new ones those after it.
        """
        counted = passages if isinstance(passages, Counted) else Counted.of(passages)
        number, held = counted.term.flat.astype(np.int32, copy=False), None
        terms = len(counted.words)
        if like is None:
            # By their keys: scores are added up in the order of the numbers, and so come out alike
            # to the last bit in whatever order the passages lie.
            turn = np.argsort(counted.word_keys)
            number = np.argsort(turn).astype(np.int32)[number]
            words = [counted.words[i] for i in turn.tolist()]
            vocabulary = Vocabulary.numbered(words, counted.word_keys[turn])
        else:
            vocabulary = like.with_later(counted.words, counted.word_keys)
            joint = vocabulary.find(counted.words, counted.word_keys)
            held = np.sort(joint)
            number = np.searchsorted(held, joint).astype(np.int32)[number]
        postings = postings_from(number, narrow(counted.count), counted.term.ends, terms, held=held)
        return cls(vocabulary, (postings,), counted.lengths, len(vocabulary))

    def select(self, passages: IntArray) -> "LexicalIndex":
        """The same vocabulary over some of the passages, renumbered in the order given."""
        order = np.argsort(passages)
        parts = tuple(part.select(passages[order], order) for part in self.parts)
        return replace(self, parts=parts, lengths=self.lengths[passages])

    def with_later(self, more: "LexicalIndex") -> "LexicalIndex":
        """This index and `more` that was built like it, its passages lying behind."""
        first = len(self.lengths)
        return LexicalIndex(
            vocabulary=more.vocabulary,
            parts=self.parts + tuple(replace(part, first=first) for part in more.parts),
            lengths=np.append(self.lengths, more.lengths),
            terms=more.terms,
        )

    def scaled(self, factor: float) -> "LexicalIndex":
        """The same with all counts so many times as high; the lengths stay."""
        parts = tuple(replace(part, scale=part.scale * factor) for part in self.parts)
        return replace(self, parts=parts)

    def statistics(self, group: IntArray, documents: int) -> Statistics:
        """Statistics of documents made of passages, `group` (passages,) naming each one's."""
        every = self.postings(KnownTerms(np.arange(self.terms), np.ones(self.terms)))
        cells = cells_of(every.term, group[every.passage], every.count, documents)
        lengths = np.bincount(group, self.lengths, minlength=documents).astype(np.float64)
        return statistics_of(np.bincount(cells.term, minlength=self.terms), lengths)

    def known(self, query: TermCounts) -> KnownTerms:
        """The query's terms that some passage holds.

        A term repeated in the query counts by the square root of its repeats.
        """
        found = self.vocabulary.find(query.terms)
        known = found >= 0
        counts = np.array(query.counts, np.float64)[known]
        return KnownTerms(term_id=found[known], weight=np.sqrt(counts))

    def postings(self, known: KnownTerms, *, allowed: BoolArray | None = None) -> QueryPostings:
        """Postings of a query's terms in the passages that `allowed` (n,) leaves in."""
        found = find_all(self.parts, known.term_id)
        term, passage, count = found.term, found.document, found.value
        if allowed is not None:
            keep = allowed[passage]
            term, passage, count = term[keep], passage[keep], count[keep]
        return QueryPostings(known.term_id, known.weight, term, passage, count)

    def postings_of(self, known: KnownTerms, rows: IntArray) -> QueryPostings:
        """Postings of a query's terms in a few passages, `rows` in ascending order."""
        found = find_all(self.parts, known.term_id, rows)
        return QueryPostings(known.term_id, known.weight, found.term, found.document, found.value)

    def passages_with(self, term_id: int) -> IntArray:
        """(p,) the passages that hold a term, ascending."""
        return find_all(self.parts, np.array([term_id], np.int64)).document


def narrow(counts: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """The same numbers, at least 0, in as few bytes as hold the largest."""
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))


def statistics_of(frequency: NDArray[np.integer[Any]], lengths: FloatArray) -> Statistics:
    """Of documents with these lengths (d,); those without a word do not count."""
    filled = lengths > 0
    return Statistics(
        frequency=frequency,
        documents=int(filled.sum()),
        mean_length=float(lengths[filled].mean()) if filled.any() else 1.0,
    )


def idf(statistics: Statistics, term_id: IntArray) -> FloatArray:
    """Inverse document frequency (t,) of terms, at least 0."""
    frequency = statistics.frequency_of(term_id)
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
