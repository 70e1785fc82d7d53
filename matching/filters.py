"""Hard constraints: who cannot be suggested at all, and why.

They come before any score and fail closed: where a filter asks for something that a partner has
not stated, the partner is out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.columns import PartnerColumns
from matching.corpus import Partner, Query

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


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
    """A hard constraint: what it is called, what it says of a partner, and whom it rules out."""

    name: str
    says: str
    holds: Callable[[Query, PartnerColumns, Filters], BoolArray]
    """Mask (m,) of the partners that it rules out."""


def _is_own(query: Query, partners: PartnerColumns, _: Filters) -> BoolArray:
    return partners.organisation.known & partners.organisation.equal(query.organisation)


def _is_excluded(query: Query, partners: PartnerColumns, filters: Filters) -> BoolArray:
    return partners.organisation.among(
        query.excluded_organisations | filters.excluded_organisations
    )


def _may_be_excluded(query: Query, partners: PartnerColumns, filters: Filters) -> BoolArray:
    if not query.excluded_organisations | filters.excluded_organisations:
        return _nobody(partners)
    return ~partners.organisation.known


def _is_elsewhere(_: Query, partners: PartnerColumns, filters: Filters) -> BoolArray:
    if not filters.clusters:
        return _nobody(partners)
    return np.asarray(partners.clusters.shared(filters.clusters) == 0)


def _is_of_another_kind(_: Query, partners: PartnerColumns, filters: Filters) -> BoolArray:
    if not filters.partner_kinds:
        return _nobody(partners)
    return ~partners.kind.among(filters.partner_kinds)


def _has_not_stated(_: Query, partners: PartnerColumns, filters: Filters) -> BoolArray:
    if not filters.engagement_types:
        return _nobody(partners)
    return ~partners.engagement_types.stated


def _refuses(query: Query, partners: PartnerColumns, filters: Filters) -> BoolArray:
    refused = _nobody(partners)
    for wanted in (query.engagement_types, filters.engagement_types):
        if wanted:
            refused |= partners.engagement_types.shared(wanted) == 0
    # A partner that has stated nothing refuses nothing.
    return refused & partners.engagement_types.stated


def _is_unavailable(_: Query, partners: PartnerColumns, filters: Filters) -> BoolArray:
    if filters.available_on is None:
        return _nobody(partners)
    return partners.unavailable.on(filters.available_on)


def _nobody(partners: PartnerColumns) -> BoolArray:
    return np.zeros(len(partners), bool)


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


def obstacles(query: Query, partners: PartnerColumns, filters: Filters) -> IntArray:
    """For each partner (m,) the place in `OBSTACLES` of the first that rules it out, or -1."""
    holding = np.stack([each.holds(query, partners, filters) for each in OBSTACLES])
    return np.where(holding.any(axis=0), holding.argmax(axis=0), -1)


def obstacle(query: Query, partner: Partner, filters: Filters) -> str | None:
    """Name of the first obstacle that rules the partner out, or None."""
    (first,) = obstacles(query, PartnerColumns.of([partner]), filters).tolist()
    return None if first < 0 else OBSTACLES[first].name
