"""Organisations in requests and responses."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from app.schemas.common import ExternalId, Input, KanaName, Name, Place, Slugs, Stamped
from models import Cluster, OrganisationKind


class OrganisationFields(Input):
    """What may be said of an organisation."""

    name_ja: Name = None
    name_en: Name = None
    name_kana: KanaName = None
    prefecture: Place = None
    city: Place = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    external_id: ExternalId = None
    clusters: Slugs = []


class OrganisationIn(OrganisationFields):
    """An organisation with its place."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "kind": "company",
                    "name_ja": "日向灘醸造株式会社",
                    "name_en": "Hyuganada Brewing Co.",
                    "prefecture": "宮崎県",
                    "city": "日南市",
                    "clusters": ["food-health"],
                }
            ]
        }
    )

    kind: OrganisationKind

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not (self.name_ja or self.name_en):
            raise ValueError("name_ja or name_en is needed")
        return self


class OrganisationPatch(OrganisationFields):
    """Fields to change; those left out stay as they are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"city": "延岡市"}]})

    kind: OrganisationKind | None = None


class OrganisationOut(Stamped):
    """A stored organisation."""

    external_id: str | None
    kind: OrganisationKind
    name_ja: str | None
    name_en: str | None
    name_kana: str | None
    prefecture: str | None
    city: str | None
    latitude: float | None
    longitude: float | None
    clusters: list[str]

    @field_validator("clusters", mode="before")
    @classmethod
    def _slugs(cls, clusters: list[Cluster | str]) -> list[str]:
        return [c.slug if isinstance(c, Cluster) else c for c in clusters]
