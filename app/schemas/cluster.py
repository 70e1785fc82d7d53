"""Clusters in requests and responses."""

from typing import Self

from pydantic import ConfigDict, model_validator

from app.schemas.common import Brief, Input, Name, Slug, Stamped


class ClusterIn(Input):
    """A regional theme."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "slug": "food-health",
                    "name_ja": "食・健康バイオクラスター",
                    "name_en": "Food and Health Biotechnology",
                }
            ]
        }
    )

    slug: Slug
    name_ja: Name = None
    name_en: Name = None
    description_ja: Brief = None
    description_en: Brief = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not (self.name_ja or self.name_en):
            raise ValueError("name_ja or name_en is needed")
        return self


class ClusterOut(Stamped):
    """A stored cluster."""

    slug: str
    name_ja: str | None
    name_en: str | None
    description_ja: str | None
    description_en: str | None
