"""Teams: partners who together cover a need."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from app.schemas.common import DistinctList, Input, Output, Slugs
from app.schemas.explanation import FacetAnswerOut, FacetOut, SentenceOut
from app.schemas.match import MatchedPartnerOut
from models import EngagementType, PartnerKind

Partners = Annotated[list[UUID], Field(max_length=200), DistinctList]


class TeamIn(Input):
    """What a team is asked for; the filters are those of a match list."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"size": 3}]})

    size: Annotated[int, Field(ge=1, le=6, description="At most so many members.")] = 3
    include: Partners = Field(default=[], description="Partners who must be in the team.")
    exclude: Partners = Field(default=[], description="Partners who must not.")
    clusters: Slugs = Field(default=[], description="Only partners of one of these clusters.")
    partner_kinds: Annotated[list[PartnerKind], Field(max_length=20), DistinctList] = []
    engagement_types: Annotated[list[EngagementType], Field(max_length=20), DistinctList] = []
    excluded_organisations: Annotated[list[UUID], Field(max_length=200), DistinctList] = []
    include_unavailable: bool = False


class TeamMemberOut(Output):
    """A member, in the order of choice."""

    partner: MatchedPartnerOut
    rank: int = Field(description="In the need's match list with the same filters.")
    score: float
    gain: float = Field(description="What it adds to the team's value.")
    facets: list[FacetAnswerOut] = Field(description="How far it covers each facet, and by what.")


class TeamFacetOut(FacetOut):
    """A facet of the need, and who covers it."""

    weight: float = Field(description="All weights add up to 1.")
    covered_by: list[UUID] = Field(description="Members who cover it, the best first.")
    others: int = Field(
        description="Who cover it too, of the 50 that fit best and are not in the team. 0 with "
        "nobody in `covered_by`: none of these does."
    )


class TeamOut(Output):
    """A small set of partners who together cover the need."""

    need_id: UUID
    encoder: str
    corpus_revision: int
    pending_embeddings: int
    blocked: dict[str, int] = Field(description="How many partners each hard constraint ruled out.")
    members: list[TeamMemberOut]
    facets: list[TeamFacetOut]
    value: float = Field(description="In [0, 1].")
    upper_bound: float = Field(description="No team of that size can be worth more.")
    share_of_best: float = Field(description="At least this part of the best possible value.")
    guarantee: float = Field(description="Which no answer falls below: 1 - 1/e.")
    says: list[SentenceOut] = Field(description="What to know of this team, for people.")
