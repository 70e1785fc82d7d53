"""From a question to a ranked list of partners: candidates, signals, weighted sum.

The path, one way: `Query` → hard filters → candidates by meaning and by words → signals →
weighted mean → `Match` with its signals and evidence (`matching.explain`).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.aggregate import group_maximum
from matching.corpus import Corpus, Partner, Query
from matching.encoders.protocol import Vectors
from matching.filters import Filters, obstacle
from matching.lexical import bm25, count_terms
from matching.signals import SIGNALS, Context, Reading, Sentence, Signal

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

CANDIDATES: Final = 200
"""Partners taken from each of the two searches before the signals are read."""


@dataclass(frozen=True, slots=True)
class SignalValue:
    """One line of a score: `contribution` of all lines adds up to it."""

    name: str
    value: float | None
    """In [0, 1]; None where the data is missing and the signal's neutral value was counted."""
    weight: float
    contribution: float
    detail: Sentence


@dataclass(frozen=True, slots=True)
class RankedPartner:
    """A partner's place in the list."""

    partner: Partner
    position: int
    """In the corpus."""
    score: float
    signals: tuple[SignalValue, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The list, and what it was made from."""

    matches: tuple[RankedPartner, ...]
    context: Context
    blocked: dict[str, int]
    """How many partners each hard constraint ruled out."""
    scores: "Scores"
    """Of all candidates, also those that `top` cut off."""
    rule: tuple[Signal, ...]
    """The signals it was made by."""


@dataclass(frozen=True, slots=True)
class Scores:
    """The candidates of a context, scored: the light form of a ranking."""

    readings: Sequence[Reading]
    contributions: FloatArray
    """(signals, candidates); each column adds up to the score."""
    values: FloatArray
    """(candidates,)."""
    order: Sequence[int]
    """Candidates, the best first; ties by partner id, so that the list is stable."""


def rank(
    query: Query,
    vector: Vectors | None,
    corpus: Corpus,
    *,
    filters: Filters | None = None,
    top: int | None = None,
    signals: Sequence[Signal] = SIGNALS,
    candidates: int = CANDIDATES,
) -> Ranking:
    """Partners for a query, the best first.

    `vector` (d,) is the query's, or None (or all zeros) if the encoder could not read it. Partners
    without any allowed evidence are not in the list. `top` cuts the list; `candidates` bounds how
    many partners each search may bring.
    """
    context, blocked = prepare(query, vector, corpus, filters=filters, candidates=candidates)
    scores = score(context, signals)
    matches = tuple(
        RankedPartner(
            partner=corpus.partners[context.candidates[i]],
            position=int(context.candidates[i]),
            score=float(scores.values[i]),
            signals=_signal_values(i, scores, signals),
        )
        for i in scores.order[:top]
    )
    return Ranking(matches, context, blocked, scores, tuple(signals))


def prepare(
    query: Query,
    vector: Vectors | None,
    corpus: Corpus,
    *,
    filters: Filters | None = None,
    candidates: int = CANDIDATES,
) -> tuple[Context, dict[str, int]]:
    """Hard constraints and candidates: what the signals read, and how many each constraint cost."""
    obstacles = [obstacle(query, partner, filters or Filters()) for partner in corpus.partners]
    context = _context(query, vector, corpus, obstacles, candidates)
    return context, dict(Counter(reason for reason in obstacles if reason is not None))


def score(context: Context, signals: Sequence[Signal] = SIGNALS) -> Scores:
    """Weighted mean of the signals; a missing value counts as the signal's neutral one."""
    readings = [signal.read(context) for signal in signals]
    counted = np.stack(
        [
            np.where(np.isnan(reading.values), signal.neutral, reading.values)
            for reading, signal in zip(readings, signals, strict=True)
        ]
    )
    weights = np.array([signal.weight for signal in signals])
    contributions = counted * (weights / weights.sum())[:, None]
    values = contributions.sum(axis=0)
    ids = [partner.id for partner in context.partners()]
    # Rounded, since equal vectors differ in the eighth decimal by their place in the matrix.
    order = sorted(range(len(ids)), key=lambda i: (-round(values[i], 6), ids[i]))
    return Scores(readings, contributions, values, order)


def restricted(context: Context, allowed: BoolArray, candidates: IntArray) -> Context:
    """The same question to some partners (c,) by less evidence: what if some did not exist?

    `allowed` (n,) must hold no piece that the context's own does not.
    """
    passage_words, profile_words = _words(context.query, context.corpus, allowed)
    return replace(
        context,
        allowed=allowed,
        passage_words=passage_words,
        profile_words=profile_words,
        candidates=candidates,
    )


def _context(
    query: Query,
    vector: Vectors | None,
    corpus: Corpus,
    obstacles: Sequence[str | None],
    candidates: int,
) -> Context:
    eligible = np.array([reason is None for reason in obstacles], bool)
    allowed = eligible[corpus.partner_of] if len(corpus.evidence) else np.zeros(0, bool)
    if query.excluded_evidence:
        allowed &= np.array(
            [e.external_id not in query.excluded_evidence for e in corpus.evidence], bool
        )
    passage_words, profile_words = _words(query, corpus, allowed)
    similarity = None
    if vector is not None and vector.any():
        similarity = (corpus.vectors @ vector).astype(np.float64)
    found = _candidates(corpus, allowed, similarity, profile_words, candidates)
    return Context(query, corpus, allowed, similarity, passage_words, profile_words, found)


def _words(query: Query, corpus: Corpus, allowed: BoolArray) -> tuple[FloatArray, FloatArray]:
    """BM25 shares (n,) of the pieces of evidence and (m,) of the profiles."""
    groups = len(corpus.partners)
    postings = corpus.lexical.postings(count_terms(query.text), allowed=allowed)
    passage_words = bm25(
        postings,
        group=np.arange(len(corpus.evidence)),
        lengths=corpus.lexical.lengths,
        statistics=corpus.passage_statistics,
    )
    profile_words = bm25(
        postings,
        group=corpus.partner_of,
        lengths=np.bincount(
            corpus.partner_of, np.where(allowed, corpus.lexical.lengths, 0.0), minlength=groups
        ).astype(np.float64),
        statistics=corpus.profile_statistics,
    )
    return passage_words, profile_words


def _candidates(
    corpus: Corpus,
    allowed: BoolArray,
    similarity: FloatArray | None,
    profile_words: FloatArray,
    limit: int,
) -> IntArray:
    """Positions of the partners that either search brings, in ascending order."""
    groups = len(corpus.partners)
    present = np.bincount(corpus.partner_of[allowed], minlength=groups) > 0
    found = _highest(np.where(present, profile_words, -np.inf), limit)
    if similarity is not None:
        nearest = group_maximum(
            similarity,
            group=corpus.partner_of,
            groups=groups,
            allowed=allowed & corpus.has_vector,
        )
        found = np.union1d(found, _highest(nearest, limit))
    return np.sort(found)


def _highest(values: FloatArray, limit: int) -> IntArray:
    """Positions of the `limit` highest values above -inf."""
    order = np.argsort(-values, kind="stable")[:limit]
    return order[values[order] > -np.inf]


def _signal_values(i: int, scores: Scores, signals: Sequence[Signal]) -> tuple[SignalValue, ...]:
    return tuple(
        SignalValue(
            name=signal.name,
            value=None if np.isnan(reading.values[i]) else float(reading.values[i]),
            weight=signal.weight,
            contribution=float(scores.contributions[row, i]),
            detail=reading.detail(i),
        )
        for row, (signal, reading) in enumerate(zip(signals, scores.readings, strict=True))
    )
