"""The values the engine works on: partners, their evidence, and what is asked.

A `Corpus` is an immutable snapshot with its indexes; a change of the data makes a new one.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matching.encoders.protocol import Vectors, has_vector
from matching.lexical import LexicalIndex, Statistics, TermCounts

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` to `end`, both included; an open end is None."""

    start: date
    end: date | None = None

    def holds(self, day: date) -> bool:
        """True if `day` lies in the period."""
        return self.start <= day and (self.end is None or day <= self.end)


@dataclass(frozen=True, slots=True)
class Partner:
    """Who could meet a need. Names, age and rank are left out: they are never signals."""

    id: str
    kind: str
    organisation: str | None = None
    clusters: frozenset[str] = frozenset()
    prefecture: str | None = None
    city: str | None = None
    engagement_types: frozenset[str] = frozenset()
    """Engagement types accepted; empty if the partner has stated none."""
    unavailable: tuple[Period, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One capability of a partner, as text."""

    id: str
    partner: str
    text: str
    kind: str
    external_id: str | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of the engine: a need, or any text."""

    text: str
    posted_on: date
    """The day as of which the recency of evidence is judged."""
    clusters: frozenset[str] = frozenset()
    prefecture: str | None = None
    city: str | None = None
    engagement_types: frozenset[str] = frozenset()
    organisation: str | None = None
    excluded_organisations: frozenset[str] = frozenset()
    excluded_evidence: frozenset[str] = frozenset()
    """External ids of evidence that must not speak for a partner here."""


@dataclass(frozen=True)
class Corpus:
    """Partners (m) and their evidence (n), evidence of one partner lying together."""

    partners: tuple[Partner, ...]
    evidence: tuple[Evidence, ...]
    partner_of: IntArray
    """(n,) position of each piece of evidence's partner."""
    vectors: Vectors
    """(n, dimension); a row of zeros where the encoder could read nothing."""
    lexical: LexicalIndex
    passage_statistics: Statistics
    profile_statistics: Statistics
    pending: int = field(default=0, kw_only=True)
    """Pieces of evidence whose vectors are still to be computed; until then they have none."""

    @classmethod
    def build(
        cls,
        partners: Sequence[Partner],
        evidence: Sequence[Evidence],
        vectors: Vectors,
        terms: Sequence[TermCounts],
        *,
        pending: int = 0,
    ) -> "Corpus":
        """A corpus of partners and evidence; `vectors` (n, d) and `terms` (n) belong to the latter.

        Evidence that repeats the text of another piece of the same partner is left out: it counts
        once. Raises ValueError if the lengths differ, a partner comes twice, or a piece of
        evidence names an unknown partner.
        """
        place = {partner.id: position for position, partner in enumerate(partners)}
        if len(place) < len(partners):
            raise ValueError("A partner comes twice.")
        unknown = {piece.partner for piece in evidence} - place.keys()
        if unknown:
            raise ValueError(f"Evidence of unknown partners: {sorted(unknown)[:5]}")
        if not len(evidence) == len(vectors) == len(terms):
            raise ValueError(
                f"{len(evidence)} pieces of evidence, {len(vectors)} vectors and {len(terms)} "
                "counts of terms: each piece needs one of each."
            )
        owner = np.fromiter((place[piece.partner] for piece in evidence), np.int64, len(evidence))
        distinct = {
            (piece.partner, piece.text): row for row, piece in enumerate(reversed(evidence))
        }
        first = len(evidence) - 1 - np.fromiter(distinct.values(), np.int64, len(distinct))
        first.sort()
        order = first[np.argsort(owner[first], kind="stable")]
        partner_of = owner[order]
        lexical = LexicalIndex.build([terms[i] for i in order])
        return cls(
            partners=tuple(partners),
            evidence=tuple(evidence[i] for i in order),
            partner_of=partner_of,
            vectors=vectors[order],
            lexical=lexical,
            passage_statistics=lexical.statistics(np.arange(len(order)), len(order)),
            profile_statistics=lexical.statistics(partner_of, len(partners)),
            pending=pending,
        )

    @cached_property
    def has_vector(self) -> NDArray[np.bool_]:
        """Mask (n,) of the evidence that has a vector."""
        return has_vector(self.vectors)

    @cached_property
    def years(self) -> NDArray[np.float64]:
        """(n,) year of each piece of evidence, NaN where unknown."""
        return np.array([np.nan if e.year is None else e.year for e in self.evidence], np.float64)

    @cached_property
    def position(self) -> dict[str, int]:
        """Position of each partner by id."""
        return {partner.id: position for position, partner in enumerate(self.partners)}

    def rows_of(self, partner: int) -> slice:
        """Where the evidence of the partner at that position lies."""
        start, end = np.searchsorted(self.partner_of, [partner, partner + 1])
        return slice(int(start), int(end))

    def only(self, ids: Collection[str]) -> "Corpus":
        """The part with these partners, judged by the statistics of the whole.

        A need and a partner therefore get the same score whichever of the two asks.
        """
        wanted = [p for p, partner in enumerate(self.partners) if partner.id in ids]
        rows = np.flatnonzero(np.isin(self.partner_of, wanted))
        return Corpus(
            partners=tuple(self.partners[p] for p in wanted),
            evidence=tuple(self.evidence[row] for row in rows),
            partner_of=np.searchsorted(wanted, self.partner_of[rows]).astype(np.int64),
            vectors=self.vectors[rows],
            lexical=self.lexical.select(rows),
            passage_statistics=self.passage_statistics,
            profile_statistics=self.profile_statistics,
            pending=self.pending,
        )
