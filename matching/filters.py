"""Hard constraints: who cannot be suggested at all, and why.

They come before any score and fail closed: where a filter asks for something that a partner has
not stated, the partner is out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from matching.corpus import Partner, Query


@dataclass(frozen=True, slots=True)
class Filters:
    """What the asker will accept; an empty set means anything."""

    clusters: frozenset[str] = frozenset()
    partner_kinds: frozenset[str] = frozenset()
    engagement_types: frozenset[str] = frozenset()
    excluded_organisations: frozenset[str] = frozenset()
    available_on: date | None = None
    """Partners who have said that they are unavailable on this day are out; None: not asked."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A hard constraint: what it is called, what it says of a partner, and when it holds."""

    name: str
    says: str
    holds: Callable[[Query, Partner, Filters], bool]


def _is_own(query: Query, partner: Partner, _: Filters) -> bool:
    return partner.organisation is not None and partner.organisation == query.organisation


def _is_excluded(query: Query, partner: Partner, filters: Filters) -> bool:
    return partner.organisation in query.excluded_organisations | filters.excluded_organisations


def _may_be_excluded(query: Query, partner: Partner, filters: Filters) -> bool:
    excluded = query.excluded_organisations | filters.excluded_organisations
    return bool(excluded) and partner.organisation is None


def _is_elsewhere(_: Query, partner: Partner, filters: Filters) -> bool:
    return bool(filters.clusters) and not filters.clusters & partner.clusters


def _is_of_another_kind(_: Query, partner: Partner, filters: Filters) -> bool:
    return bool(filters.partner_kinds) and partner.kind not in filters.partner_kinds


def _has_not_stated(_: Query, partner: Partner, filters: Filters) -> bool:
    return bool(filters.engagement_types) and not partner.engagement_types


def _refuses(query: Query, partner: Partner, filters: Filters) -> bool:
    # A partner that has stated nothing refuses nothing.
    return any(
        wanted and partner.engagement_types and not wanted & partner.engagement_types
        for wanted in (query.engagement_types, filters.engagement_types)
    )


def _is_unavailable(_: Query, partner: Partner, filters: Filters) -> bool:
    day = filters.available_on
    return day is not None and any(period.holds(day) for period in partner.unavailable)


OBSTACLES: Final = (
    Obstacle("own_organisation", "belong to the organisation that asks", _is_own),
    Obstacle("excluded_organisation", "belong to an excluded organisation", _is_excluded),
    Obstacle(
        "organisation_unknown",
        "have no known organisation, while some are excluded",
        _may_be_excluded,
    ),
    Obstacle("cluster", "are in none of the clusters asked for", _is_elsewhere),
    Obstacle("kind", "are of another kind than asked for", _is_of_another_kind),
    Obstacle(
        "engagement_not_stated",
        "have not stated which engagement types they accept",
        _has_not_stated,
    ),
    Obstacle("engagement_refused", "accept none of the engagement types wanted", _refuses),
    Obstacle("unavailable", "have said that they are not available", _is_unavailable),
)

REASONS: Final = {obstacle.name: obstacle.says for obstacle in OBSTACLES}


def obstacle(query: Query, partner: Partner, filters: Filters) -> str | None:
    """Name of the first obstacle that rules the partner out, or None."""
    found = (each.name for each in OBSTACLES if each.holds(query, partner, filters))
    return next(found, None)
