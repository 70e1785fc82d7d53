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
from matching.lexical import TermCounts, count_terms
from matching.signals import SIGNALS, Context, Reading, Sentence, Signal, Words
from matching.text import languages_of
from matching.vectors import Among, Asked, highest

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


@dataclass(frozen=True, slots=True)
class Opening:
    """A question whose hard constraints are judged, before anything is searched."""

    query: Query
    vector: Vectors | None
    """(d,); None if the encoder could not read the query."""
    terms: TermCounts
    allowed: BoolArray
    """(n,) evidence that may speak."""
    blocked: dict[str, int]
    """How many partners each hard constraint ruled out."""

    def by_meaning(self, corpus: Corpus) -> tuple[Asked, Among] | None:
        """What `VectorSearch.nearest` is asked; None without a vector."""
        if self.vector is None:
            return None
        spoken = languages_of(self.query.text)
        lines = corpus.whole.cosines.lines(spoken, corpus.speech.kinds)
        among = Among(corpus.speech.codes, corpus.partner_of, len(corpus.partners), self.allowed)
        return Asked(self.vector, *lines), among


def prepare(
    query: Query,
    vector: Vectors | None,
    corpus: Corpus,
    *,
    filters: Filters | None = None,
    candidates: int = CANDIDATES,
    lifted: Collection[str] = (),
) -> tuple[Context, dict[str, int]]:
    """Hard constraints and candidates: what the signals read, and how many each constraint cost."""
    opening = admit(query, vector, corpus, filters=filters, lifted=lifted)
    return gather(opening, corpus, candidates=candidates), opening.blocked


def admit(
    query: Query,
    vector: Vectors | None,
    corpus: Corpus,
    *,
    filters: Filters | None = None,
    lifted: Collection[str] = (),
) -> Opening:
    """Who may be suggested for a query, and what evidence may speak for them."""
    first = obstacles(query, corpus.columns, filters or Filters())
    lifting = [place for place, each in enumerate(OBSTACLES) if each.name in lifted]
    first = np.where(np.isin(first, lifting), -1, first)
    number = np.bincount(first[first >= 0], minlength=len(OBSTACLES)).tolist()
    blocked = {each.name: n for each, n in zip(OBSTACLES, number, strict=True) if n}
    terms = count_terms(query.text)
    allowed = (first < 0)[corpus.partner_of]
    for name in query.excluded_evidence:
        allowed[corpus.rows_named.get(name, [])] = False
    allowed[corpus.bare_lists.echoes(terms)] = False
    allowed[copies(terms.phrases, corpus.phrases, corpus.years, query.posted_on.year)] = False
    readable = vector is not None and bool(vector.any())
    return Opening(query, vector if readable else None, terms, allowed, blocked)


def gather(
    opening: Opening,
    corpus: Corpus,
    *,
    candidates: int = CANDIDATES,
    nearest: IntArray | None = None,
) -> Context:
    """The candidates by words and by meaning, and what the signals read of them.

    `nearest` are the partners that the search by meaning found, where the caller has asked it.
    """
    words = Words.of(opening.terms, corpus, opening.allowed)
    allowed = opening.allowed
    speaking = np.bincount(corpus.partner_of[allowed], minlength=len(corpus.partners)) > 0
    found = highest(np.where(speaking, words.profiles.shares, -np.inf), candidates)
    similarity, chance = None, None
    question = opening.by_meaning(corpus)
    if question is not None:
        asked, among = question
        if nearest is None:
            nearest = corpus.vectors.nearest(asked, among, candidates)
        found = np.union1d(found, nearest)
        rows = rows_between(corpus.bounds[found], corpus.bounds[found + 1])
        similarity = np.zeros(len(allowed))
        products = corpus.vectors.cosines(asked.vector, rows)
        similarity[rows] = asked.level(products, corpus.speech.codes[rows])
        chance = corpus.whole.cosines.everywhere
    return Context(opening.query, corpus, allowed, similarity, chance, words, np.sort(found))


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
