"""What a match list is asked for, from the query string."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from app.deps import Today
from app.schemas.common import Slug
from app.schemas.explanation import EXPLAINED, Explain, ExplainLevel
from matching.filters import Filters
from models import EngagementType, PartnerKind


@dataclass(frozen=True, slots=True)
class AskedMatches:
    """What a match list is asked for."""

    filters: Filters
    top: int
    explain: Explain


async def get_match_filters(
    day: Today,
    top: Annotated[int, Query(ge=1, le=200, description="Length of the list.")] = 10,
    explain: Annotated[ExplainLevel, Query(description=EXPLAINED)] = Explain.BRIEF,
    cluster: Annotated[
        list[Slug] | None, Query(max_length=20, description="Partners of one of these.")
    ] = None,
    partner_kind: Annotated[list[PartnerKind] | None, Query(max_length=20)] = None,
    engagement_type: Annotated[
        list[EngagementType] | None,
        Query(max_length=20, description="Partners who accept one of these."),
    ] = None,
    excluded_organisation: Annotated[list[UUID] | None, Query(max_length=200)] = None,
    include_unavailable: Annotated[bool, Query()] = False,
) -> AskedMatches:
    """Filters of a match list from the query string."""
    return AskedMatches(
        filters=Filters(
            clusters=frozenset(cluster or ()),
            partner_kinds=frozenset(partner_kind or ()),
            engagement_types=frozenset(engagement_type or ()),
            excluded_organisations=frozenset(str(i) for i in excluded_organisation or ()),
            available_on=None if include_unavailable else day,
        ),
        top=top,
        explain=explain,
    )


MatchFilters = Annotated[AskedMatches, Depends(get_match_filters)]
