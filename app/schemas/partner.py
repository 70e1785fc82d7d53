"""Partners in requests and responses."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator, model_validator

from app.schemas.common import (
    DistinctList,
    ExternalId,
    Input,
    KanaName,
    Name,
    Output,
    Slugs,
    Stamped,
)
from models import Cluster, EngagementType, PartnerKind

ORCID = r"^[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X]$"
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2}$", examples=["ja"])]


class UnavailabilityIn(Input):
    """Days, both included, on which the partner takes no new work; without `end` it is open."""

    model_config = ConfigDict(from_attributes=True)

    start: date
    end: date | None = None
    reason: Name = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end is not None and self.end < self.start:
            raise ValueError("end lies before start")
        return self


class UnavailabilityOut(Output):
    """A stored unavailability."""

    start: date
    end: date | None
    reason: str | None


class PartnerFields(Input):
    """What may be said of a partner."""

    name_ja: Name = None
    name_en: Name = None
    name_kana: KanaName = None
    organisation_id: UUID | None = Field(default=None, description="Affiliation.")
    orcid: Annotated[str, Field(pattern=ORCID, description="ORCID iD.")] | None = None
    researchmap_id: Annotated[str, Field(pattern=r"^[\w.-]{1,100}$")] | None = None
    languages: Annotated[list[LanguageCode], Field(max_length=20), DistinctList] = []
    engagement_types: Annotated[list[EngagementType], DistinctList] = Field(
        default=[], description="Engagement types accepted; empty means not stated."
    )
    external_id: ExternalId = None
    clusters: Slugs = []
    unavailable: Annotated[list[UnavailabilityIn], Field(max_length=100)] = []


class PartnerIn(PartnerFields):
    """Who could meet a need."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "researcher",
                    "name_ja": "黒木 遥",
                    "name_en": "Haruka Kuroki",
                    "name_kana": "くろき はるか",
                    "clusters": ["food-health"],
                    "languages": ["ja", "en"],
                    "engagement_types": ["joint_research", "consulting"],
                    "unavailable": [
                        {"start": "2027-04-01", "end": "2027-09-30", "reason": "sabbatical"}
                    ],
                }
            ]
        }
    )

    kind: PartnerKind

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not (self.name_ja or self.name_en):
            raise ValueError("name_ja or name_en is needed")
        return self


class PartnerPatch(PartnerFields):
    """Fields to change; those left out stay as they are."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"engagement_types": ["licence", "testing"]}]}
    )

    kind: PartnerKind | None = None


class PartnerOut(Stamped):
    """A stored partner."""

    external_id: str | None
    kind: PartnerKind
    name_ja: str | None
    name_en: str | None
    name_kana: str | None
    organisation_id: UUID | None
    orcid: str | None
    researchmap_id: str | None
    languages: list[str]
    engagement_types: list[str]
    clusters: list[str]
    unavailable: list[UnavailabilityOut]

    @field_validator("clusters", mode="before")
    @classmethod
    def _slugs(cls, clusters: list[Cluster | str]) -> list[str]:
        return [c.slug if isinstance(c, Cluster) else c for c in clusters]

    @field_validator("unavailable")
    @classmethod
    def _ordered(cls, unavailable: list[UnavailabilityOut]) -> list[UnavailabilityOut]:
        # In one order, however they were stored: the same partner always looks the same.
        return sorted(unavailable, key=lambda u: (u.start, u.end or date.max, u.reason or ""))
