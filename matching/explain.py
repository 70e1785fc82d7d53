"""Why a partner is in the list: the passages that carried it, the best sentence of each marked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.corpus import Corpus, Evidence
from matching.encoders.protocol import Vectors
from matching.lexical import TermCounts, count_terms, idf
from matching.ranker import RankedPartner, Ranking
from matching.text import Span, sentences, tokens

PASSAGES: Final = 3
"""Passages shown per match."""

EncodeSentences = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of evidence as it is shown: `best` is the sentence that answers the need most."""

    evidence: Evidence
    fit: float
    """In [0, 1]: mean of the cosine and the word share, or the word share alone."""
    best: Span
    row: int
    """Of the evidence in the corpus."""


def passages(
    ranking: Ranking,
    matches: Sequence[RankedPartner],
    *,
    encode: EncodeSentences | None = None,
    vector: Vectors | None = None,
    count: int = PASSAGES,
    rows: Sequence[Sequence[int]] | None = None,
) -> list[tuple[Passage, ...]]:
    """For each match the `count` pieces of evidence that fit best, each with its best sentence;
    or those at `rows` of the corpus, if given.

    Sentences are compared by the need's telling words, and by meaning too where `encode` and the
    query's `vector` are given. All sentences of all matches are encoded in one call.
    """
    shown = nearest(ranking, matches, count) if rows is None else rows
    evidence = ranking.context.corpus.evidence
    found = {row: _sentences(evidence[row].text) for chosen in shown for row in chosen}
    meaning = _meaning(found, encode, vector)
    query = count_terms(ranking.context.query.text)
    best = {
        row: _best(spans, query, ranking.context.corpus, meaning.get(row))
        for row, spans in found.items()
    }
    return [
        tuple(
            Passage(evidence[row], float(fit), best[row], row)
            for row, fit in zip(chosen, _fit(ranking, np.array(chosen, np.int64)), strict=True)
        )
        for chosen in shown
    ]


def nearest(ranking: Ranking, matches: Sequence[RankedPartner], count: int) -> list[list[int]]:
    """For each match the rows of its `count` pieces of evidence that fit best, the best first."""
    return [[int(row) for row in _nearest(ranking, match, count)] for match in matches]


def _fit(ranking: Ranking, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of the pieces of evidence at `rows` (r,), in [0, 1]."""
    context = ranking.context
    words: NDArray[np.float64] = context.passage_words[rows]
    if context.similarity is None:
        return words
    # Without a vector the levelled cosine means nothing.
    known = context.corpus.has_vector[rows]
    return (np.where(known, np.clip(context.similarity[rows], 0, 1), 0) + words) / 2


def _nearest(ranking: Ranking, match: RankedPartner, count: int) -> NDArray[np.int64]:
    """Rows of the match's allowed evidence that fit best."""
    context = ranking.context
    place = context.corpus.rows_of(match.position)
    rows = np.arange(place.start, place.stop)
    rows = rows[context.allowed[rows]]
    return rows[np.argsort(-_fit(ranking, rows), kind="stable")[:count]]


def _sentences(text: str) -> list[Span]:
    return sentences(text) or [Span(0, len(text), text)]


def _meaning(
    found: Mapping[int, Sequence[Span]], encode: EncodeSentences | None, vector: Vectors | None
) -> dict[int, NDArray[np.float64]]:
    """Cosine of each sentence with the query, by row of evidence; empty if nothing is encoded."""
    if encode is None or vector is None or not found:
        return {}
    flat = [span.text for spans in found.values() for span in spans]
    cosines = np.clip(encode(flat) @ vector, 0, 1).astype(np.float64)
    ends = np.cumsum([len(spans) for spans in found.values()])
    return dict(zip(found, np.split(cosines, ends[:-1]), strict=True))


def _best(
    spans: Sequence[Span],
    query: TermCounts,
    corpus: Corpus,
    meaning: NDArray[np.float64] | None,
) -> Span:
    score = _word_shares([span.text for span in spans], query, corpus)
    return spans[int(np.argmax(score if meaning is None else score + meaning))]


def _word_shares(texts: Sequence[str], query: TermCounts, corpus: Corpus) -> NDArray[np.float64]:
    """Share (s,) of the query's idf mass that each text holds."""
    ids = corpus.lexical.vocabulary.find(query.terms)
    known = [term for term, i in zip(query.terms, ids, strict=True) if i >= 0]
    weights = dict(zip(known, idf(corpus.passage_statistics, ids[ids >= 0]), strict=True))
    total = sum(weights.values()) or 1.0
    return np.array(
        [sum(weights.get(t, 0.0) for t in _sentence_terms(text)) / total for text in texts],
        np.float64,
    )


@lru_cache(maxsize=50_000)
def _sentence_terms(text: str) -> tuple[str, ...]:
    """Distinct words of a sentence; the same sentences are shown again and again."""
    return tuple(dict.fromkeys(tokens(text)))
