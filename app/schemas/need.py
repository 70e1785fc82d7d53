"""Needs in requests and responses."""

from datetime import date
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator, model_validator

from app.schemas.common import (
    Brief,
    DistinctList,
    ExternalId,
    Input,
    Output,
    Place,
    Slugs,
    Stamped,
    Title,
)
from models import Cluster, Confidentiality, EngagementType, NeedKind, NeedStatus


class NeedFields(Input):
    """What may be said of a need."""

    organisation_id: UUID | None = Field(
        default=None, description="Whose need it is; a company key may leave it out."
    )
    title_ja: Title = None
    title_en: Title = None
    brief_ja: Brief = None
    brief_en: Brief = None
    engagement_types: Annotated[list[EngagementType], Field(max_length=20), DistinctList] = []
    trl_from: Annotated[int, Field(strict=True, ge=1, le=9)] | None = None
    trl_to: Annotated[int, Field(strict=True, ge=1, le=9)] | None = None
    budget_jpy: Annotated[int, Field(strict=True, ge=0, le=10**15)] | None = None
    deadline: date | None = None
    prefecture: Place = None
    city: Place = None
    confidentiality: Confidentiality = Confidentiality.STAFF_ONLY
    status: NeedStatus = NeedStatus.OPEN
    clusters: Slugs = []
    excluded_organisations: Annotated[list[UUID], Field(max_length=200), DistinctList] = []
    external_id: ExternalId = None


class NeedIn(NeedFields):
    """What a company lacks, in Japanese, English or both."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "technology",
                    "title_ja": "焼酎粕を安定した飼料にしたい",
                    "title_en": "Turn shochu stillage into stable feed",
                    "brief_en": "We discard 40 t of stillage a day. It spoils within two days.",
                    "engagement_types": ["joint_research", "testing"],
                    "trl_from": 3,
                    "trl_to": 6,
                    "clusters": ["food-health"],
                }
            ]
        }
    )

    kind: NeedKind

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not (self.title_ja or self.title_en or self.brief_ja or self.brief_en):
            raise ValueError("a title or a brief is needed in at least one language")
        if self.trl_from and self.trl_to and self.trl_to < self.trl_from:
            raise ValueError("trl_to lies below trl_from")
        return self


class NeedPatch(NeedFields):
    """Fields to change; those left out stay as they are."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"budget_jpy": 3000000, "deadline": "2027-09-30"}]}
    )

    kind: NeedKind | None = None


class NeedOut(Stamped):
    """A stored need."""

    organisation_id: UUID
    external_id: str | None
    kind: NeedKind
    title_ja: str | None
    title_en: str | None
    brief_ja: str | None
    brief_en: str | None
    engagement_types: list[str]
    trl_from: int | None
    trl_to: int | None
    budget_jpy: int | None
    deadline: date | None
    prefecture: str | None
    city: str | None
    confidentiality: Confidentiality
    status: NeedStatus
    posted_on: date
    clusters: list[str]
    excluded_organisations: list[UUID]

    @field_validator("clusters", mode="before")
    @classmethod
    def _slugs(cls, clusters: list[Cluster | str]) -> list[str]:
        return [c.slug if isinstance(c, Cluster) else c for c in clusters]


class NeedBriefOut(Output):
    """A need as a partner sees it: a released version of its brief, not whose it is."""

    view: Literal["public", "teaser"]
    id: UUID
    kind: NeedKind
    status: NeedStatus
    version: int = Field(description="Number of the released version.")
    title_ja: str | None
    title_en: str | None
    brief_ja: str | None
    brief_en: str | None


class NeedStubOut(Output):
    """A need for named staff, as an administrator who is not named sees it: that it exists."""

    view: Literal["stub"] = "stub"
    id: UUID
    confidentiality: Confidentiality
    status: NeedStatus


class NamedStaffIn(Input):
    """Who alone sees a need of the level `named_staff`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"accounts": ["01a205ff-7a9b-7000-8000-000000000000"]}]}
    )

    accounts: Annotated[list[UUID], Field(min_length=1, max_length=100), DistinctList] = Field(
        description="Ids of accounts of coordinators or administrators."
    )


class NamedStaffOut(Output):
    """The staff named for a need."""

    accounts: list[UUID]
