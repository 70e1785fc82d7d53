"""Why a partner is in the list: the passages that carried it, the best sentence of each marked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.corpus import Corpus, Evidence
from matching.encoders.protocol import Vectors
from matching.lexical import TermCounts, count_terms, idf
from matching.ranker import RankedPartner, Ranking
from matching.text import Span, sentences

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


def passages(
    ranking: Ranking,
    match: RankedPartner,
    *,
    encode: EncodeSentences | None = None,
    vector: Vectors | None = None,
    count: int = PASSAGES,
) -> tuple[Passage, ...]:
    """The `count` pieces of evidence that fit best, each with its best sentence.

    Sentences are compared by the need's telling words, and by meaning too where `encode` and the
    query's `vector` are given.
    """
    context = ranking.context
    rows = np.arange(len(context.allowed))[context.corpus.rows_of(match.position)]
    rows = rows[context.allowed[rows]]
    fit = _fit(ranking)[rows]
    nearest = np.argsort(-fit, kind="stable")[:count]
    query = count_terms(context.query.text)
    return tuple(
        Passage(
            evidence=context.corpus.evidence[rows[i]],
            fit=float(fit[i]),
            best=_best_sentence(
                context.corpus.evidence[rows[i]].text,
                query,
                context.corpus,
                encode=encode,
                vector=vector,
            ),
        )
        for i in nearest
    )


def _fit(ranking: Ranking) -> NDArray[np.float64]:
    context = ranking.context
    if context.similarity is None:
        return context.passage_words
    meaning = np.where(context.corpus.has_vector, np.clip(context.similarity, 0, 1), 0)
    fit: NDArray[np.float64] = (meaning + context.passage_words) / 2
    return fit


def _best_sentence(
    text: str,
    query: TermCounts,
    corpus: Corpus,
    *,
    encode: EncodeSentences | None,
    vector: Vectors | None,
) -> Span:
    found = sentences(text)
    if not found:
        return Span(0, len(text), text)
    words = _word_shares([span.text for span in found], query, corpus)
    if encode is not None and vector is not None and len(found) > 1:
        words = words + np.clip(encode([span.text for span in found]) @ vector, 0, 1)
    return found[int(np.argmax(words))]


def _word_shares(texts: Sequence[str], query: TermCounts, corpus: Corpus) -> NDArray[np.float64]:
    """Share (s,) of the query's idf mass that each text holds."""
    known = {
        term: i for term in query.terms if (i := corpus.lexical.vocabulary.get(term)) is not None
    }
    weights = dict(
        zip(
            known,
            idf(corpus.passage_statistics, np.array(list(known.values()), np.int64)),
            strict=True,
        )
    )
    total = sum(weights.values()) or 1.0
    return np.array(
        [sum(weights.get(t, 0.0) for t in count_terms(text).terms) / total for text in texts],
        np.float64,
    )
