"""The plain values that the engine is given: partners, their evidence, and what is asked."""

from dataclasses import dataclass
from datetime import date


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
