"""Capabilities in requests and responses."""

from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, model_validator

from app.schemas.common import Brief, ExternalId, Input, LongTitle, Output, Source, Stamped
from models import CapabilityKind, LicenceStatus

_PARTNER: Final = "01934f5b-7e4d-7a10-8000-3b1f0c2d4e5f"
_EXAMPLE: Final[dict[str, JsonValue]] = {
    "kind": "paper",
    "title_en": "Pectinase treatment of sweet potato stillage",
    "text_en": "Pectinase lowered the viscosity of shochu stillage to an eighth in two hours.",
    "title_ja": "芋焼酎粕のペクチン分解酵素処理",
    "year": 2024,
}


class CapabilityFields(Input):
    """What may be said of a capability."""

    title_ja: LongTitle = None
    title_en: LongTitle = None
    text_ja: Brief = None
    text_en: Brief = None
    year: Annotated[int, Field(strict=True, ge=1000, le=2200)] | None = None
    source: Source = "api"
    external_id: ExternalId = None
    licence_status: LicenceStatus | None = Field(default=None, description="Of patents only.")


class CapabilityIn(CapabilityFields):
    """A dated piece of evidence in one or two languages."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    kind: CapabilityKind

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not (self.title_ja or self.title_en or self.text_ja or self.text_en):
            raise ValueError("a title or a text is needed in at least one language")
        if self.licence_status is not None and self.kind is not CapabilityKind.PATENT:
            raise ValueError("only a patent has a licence_status")
        return self


class CapabilityPatch(CapabilityFields):
    """Fields to change; those left out stay as they are."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text_en": "The enzyme now works at 30 °C."}]}
    )

    kind: CapabilityKind | None = None


class BulkCapabilityIn(CapabilityIn):
    """One of many; `partner_id` says whose it is."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"partner_id": _PARTNER, **_EXAMPLE}]}
    )

    partner_id: UUID


class BulkIn(Input):
    """Up to 1,000 capabilities, stored together or not at all.

    One with the `source` and `external_id` of a stored capability of that partner replaces it.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [{"partner_id": _PARTNER, **_EXAMPLE}]}]}
    )

    items: Annotated[list[BulkCapabilityIn], Field(min_length=1, max_length=1000)]


class BulkOut(Output):
    """Ids in the order of the request, and what was done."""

    ids: list[UUID]
    created: int
    replaced: int


class CapabilityOut(Stamped):
    """A stored capability."""

    partner_id: UUID
    kind: CapabilityKind
    title_ja: str | None
    title_en: str | None
    text_ja: str | None
    text_en: str | None
    year: int | None
    source: str
    external_id: str | None
    licence_status: LicenceStatus | None
