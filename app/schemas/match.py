"""Match lists."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from app.schemas.common import DistinctList, Input, Output, Place, RequiredText, Slugs, Title
from app.schemas.explanation import (
    EXPLAINED,
    Explain,
    ExplainLevel,
    ExplanationOut,
    FacetOut,
    SentenceOut,
)
from models import CapabilityKind, EngagementType, NeedKind, PartnerKind


class SignalOut(Output):
    """One line of a score; the contributions of all lines add up to the score."""

    name: str = Field(examples=["topic"])
    value: float | None = Field(
        description="In [0, 1]; null where the data is missing and a neutral value was counted."
    )
    weight: float
    contribution: float
    detail: SentenceOut


class BestSentenceOut(Output):
    """The sentence that answers the need most: `text[start:end]` of the passage."""

    start: int
    end: int
    text: str


class EvidenceOut(Output):
    """A piece of evidence that carried the match."""

    capability_id: UUID
    external_id: str | None
    kind: CapabilityKind
    year: int | None
    text: str
    best_sentence: BestSentenceOut
    fit: float = Field(description="In [0, 1]; comparable within one list.")


class MatchedPartnerOut(Output):
    """The partner; a company key gets no id and no names (see `match_view`)."""

    id: UUID | None
    external_id: str | None
    kind: PartnerKind
    name_ja: str | None
    name_en: str | None
    organisation_id: UUID | None
    organisation_ja: str | None
    organisation_en: str | None
    clusters: list[str]
    engagement_types: list[str]
    languages: list[str]


class MatchOut(Output):
    """A place in the list."""

    rank: int
    score: float | None = Field(description="In [0, 1]; null in a company's view.")
    partner: MatchedPartnerOut
    signals: list[SignalOut]
    evidence: list[EvidenceOut]
    explanation: ExplanationOut | None = Field(description="With `explain=full`, for staff.")


class MatchListOut(Output):
    """Partners for a need, the best first."""

    need_id: UUID | None = Field(description="Null for a text that is not stored.")
    encoder: str
    corpus_revision: int = Field(description="Of the data the list was made from.")
    pending_embeddings: int = Field(
        description="Pieces of evidence that are still being embedded and were compared by words."
    )
    blocked: dict[str, int] = Field(
        description="How many partners each hard constraint ruled out.",
        examples=[{"unavailable": 3, "engagement_refused": 12}],
    )
    facets: list[FacetOut] = Field(
        description="The sub-problems of the need, with `explain=full`, for staff."
    )
    items: list[MatchOut]


class MatchedNeedOut(Output):
    """A need in a partner's list."""

    id: UUID
    external_id: str | None
    kind: NeedKind
    title_ja: str | None
    title_en: str | None
    organisation_id: UUID
    clusters: list[str]


class NeedMatchOut(Output):
    """An open need that fits the partner."""

    rank: int
    score: float
    need: MatchedNeedOut
    signals: list[SignalOut]
    evidence: list[EvidenceOut]


class NeedMatchListOut(Output):
    """Open needs for a partner, the best first."""

    partner_id: UUID
    encoder: str
    corpus_revision: int
    pending_embeddings: int
    blocked: dict[str, int] = Field(description="How many needs each hard constraint ruled out.")
    items: list[NeedMatchOut]


class MatchTextIn(Input):
    """A text to find partners for; nothing of it is stored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "text": "Our juice turns brown after two months in plastic bottles.",
                    "top": 5,
                    "clusters": ["food-health"],
                }
            ]
        }
    )

    title: Title = None
    text: Annotated[RequiredText, Field(examples=["Our juice turns brown after two months."])]
    top: Annotated[int, Field(ge=1, le=200)] = 10
    explain: Annotated[ExplainLevel, Field(description=EXPLAINED)] = Explain.BRIEF
    clusters: Slugs = Field(default=[], description="Only partners of one of these clusters.")
    partner_kinds: Annotated[list[PartnerKind], DistinctList] = []
    engagement_types: Annotated[list[EngagementType], DistinctList] = []
    excluded_organisations: Annotated[list[UUID], Field(max_length=200), DistinctList] = []
    include_unavailable: bool = False
    prefecture: Place = Field(default=None, description="Where the work would be done.")
    city: Place = None
