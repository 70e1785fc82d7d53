"""Versions of a need's brief in requests and responses."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.schemas.common import Brief, Input, Output, Stamped, Title
from models import Audience, Role

State = Literal["draft", "released", "withdrawn"]


class TeaserIn(Input):
    """For whom a draft is made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"audience": "teaser"}]})

    audience: Literal[Audience.TEASER, Audience.PUBLIC] = Audience.TEASER


class BriefFields(Input):
    """The texts of a version."""

    title_ja: Title = None
    title_en: Title = None
    brief_ja: Brief = None
    brief_en: Brief = None


class BriefIn(BriefFields):
    """Those of a whole version."""

    @model_validator(mode="after")
    def _has_text(self) -> Self:
        if not (self.title_ja or self.title_en or self.brief_ja or self.brief_en):
            raise ValueError("a title or a brief is needed in at least one language")
        return self


class BriefPatch(BriefFields):
    """Texts to change; those left out stay as they are."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"title_en": "Less water in a by-product"}]}
    )


class ReleaseIn(Input):
    """Whether what looks like a name may stand."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"accept_findings": False}]})

    accept_findings: bool = Field(
        default=False,
        strict=True,
        description="Release it although it holds what looks like names; how many is recorded.",
    )


class FindingOut(Output):
    """What looks like a name: where it stands, from 0."""

    field: str
    kind: str
    start: int
    end: int


class RemovalOut(FindingOut):
    """What was taken out: `start` and `end` in the need's text, and what stands there now."""

    replacement: str


class RareTermOut(Output):
    """A term that few partners have in their evidence: who reads it may know whose need it is."""

    field: str
    term: str
    language: str
    start: int = Field(description="Where it first stands in the draft, from 0.")
    end: int
    partners: int = Field(description="How many partners have it,")
    of: int = Field(description="of how many.")


class BriefOut(Stamped):
    """A version, as the company sees those of its own needs."""

    audience: Audience
    number: int = Field(description="Within the need and audience, from 1.")
    state: State
    title_ja: str | None
    title_en: str | None
    brief_ja: str | None
    brief_en: str | None
    released_at: datetime | None
    withdrawn_at: datetime | None


class StaffBriefOut(BriefOut):
    """A version, as staff see it."""

    drafted_by: UUID | None
    released_by: UUID | None
    accepted_findings: int
    outdated: bool = Field(description="The need has another text since it was made.")
    findings: list[FindingOut] = Field(
        description="Of a draft: names, places and contacts that it still seems to hold."
    )


class BriefDraftOut(StaffBriefOut):
    """A draft that was just made."""

    removals: list[RemovalOut]
    rare_terms: list[RareTermOut] = Field(
        description="Left in the text: it is yours to decide. The rarest of each text come first."
    )


class DisclosureOut(Output):
    """That somebody outside the office was shown a version, as the company sees it."""

    brief_id: UUID
    audience: Audience
    number: int
    role: Role
    channel: str
    seen_at: datetime


class StaffDisclosureOut(DisclosureOut):
    """The same as staff see it."""

    account_id: UUID | None
    partner_id: UUID | None
