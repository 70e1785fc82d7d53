"""From a question to a ranked list of partners: candidates, signals, weighted sum.

The path, one way: `Query` → hard filters → candidates by meaning and by words → signals →
weighted mean → `Match` with its signals and evidence (`matching.explain`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.aggregate import rows_between
from matching.corpus import Corpus, Partner, Query
from matching.echoes import copies
from matching.encoders.protocol import Vectors
from matching.filters import OBSTACLES, Filters, obstacles
from matching.lexical import count_terms
from matching.signals import SIGNALS, Context, Reading, Sentence, Signal, Words
from matching.text import languages_of
from matching.vectors import Among, Asked, highest, nearest_of

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
    lifted: Collection[str] = (),
) -> Ranking:
    """Partners for a query, the best first.

    `vector` (d,) is the query's, or None (or all zeros) if the encoder could not read it. Partners
    without any allowed evidence are not in the list. `top` cuts the list; `candidates` bounds how
    many partners each search may bring. The constraints named in `lifted` rule nobody out.
    """
    context, blocked = prepare(
        query, vector, corpus, filters=filters, candidates=candidates, lifted=lifted
    )
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
    lifted: Collection[str] = (),
    cosines: NDArray[np.float32] | None = None,
) -> tuple[Context, dict[str, int]]:
    """Hard constraints and candidates: what the signals read, and how many each constraint cost.

    `cosines` (n,) are the products of the evidence's vectors with `vector` where the caller has
    them already.
    """
    first = obstacles(query, corpus.columns, filters or Filters())
    lifting = [place for place, each in enumerate(OBSTACLES) if each.name in lifted]
    first = np.where(np.isin(first, lifting), -1, first)
    number = np.bincount(first[first >= 0], minlength=len(OBSTACLES)).tolist()
    blocked = {each.name: n for each, n in zip(OBSTACLES, number, strict=True) if n}
    return _context(query, vector, corpus, first < 0, candidates, cosines), blocked


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
    # Rounded, since the order of a sum of floats depends on how many candidates there are.
    values = np.round(contributions.sum(axis=0), 12)
    # Rounded, since equal vectors differ in the eighth decimal by their place in the matrix.
    order = np.lexsort((context.corpus.id_order[context.candidates], -np.round(values, 6)))
    return Scores(readings, contributions, values, order.tolist())


def restricted(context: Context, allowed: BoolArray, candidates: IntArray) -> Context:
    """The same question to some partners (c,), ascending, by less evidence: what if some of it did
    not exist?

    `allowed` (n,) must hold no piece that the context's own does not.
    """
    terms = count_terms(context.query.text)
    return replace(
        context,
        allowed=allowed,
        words=Words.of(terms, context.corpus, allowed),
        candidates=candidates,
    )


def _context(
    query: Query,
    vector: Vectors | None,
    corpus: Corpus,
    eligible: BoolArray,
    candidates: int,
    cosines: NDArray[np.float32] | None,
) -> Context:
    """`eligible` (m,) are the partners that no hard constraint rules out."""
    terms = count_terms(query.text)
    allowed = eligible[corpus.partner_of] & corpus.alive
    for name in query.excluded_evidence:
        allowed[corpus.rows_named.get(name, [])] = False
    allowed[corpus.bare_lists.echoes(terms)] = False
    allowed[copies(terms.phrases, corpus.phrases, corpus.years, query.posted_on.year)] = False
    words = Words.of(terms, corpus, allowed)
    speaking = np.bincount(corpus.partner_of[allowed], minlength=len(corpus.partners)) > 0
    found = highest(np.where(speaking, words.profiles.shares, -np.inf), candidates)
    similarity, chance = None, None
    if vector is not None and vector.any():
        levels = corpus.whole.cosines
        spoken = languages_of(query.text)
        asked = Asked(vector, *levels.lines(spoken, corpus.speech.kinds))
        among = Among(corpus.speech.codes, corpus.partner_of, len(corpus.partners), allowed)
        if cosines is None:
            nearest = corpus.vectors.nearest(asked, among, candidates)
        else:
            nearest = nearest_of(cosines, asked, among, corpus.has_vector, candidates)
        found = np.union1d(found, nearest)
        rows = rows_between(corpus.bounds[found], corpus.bounds[found + 1])
        products = corpus.vectors.cosines(vector, rows) if cosines is None else cosines[rows]
        similarity = np.zeros(len(allowed))
        similarity[rows] = asked.level(products, corpus.speech.codes[rows])
        chance = levels.everywhere
    return Context(query, corpus, allowed, similarity, chance, words, np.sort(found))


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
