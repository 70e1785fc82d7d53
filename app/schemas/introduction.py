"""Introductions in requests and responses: one response for each side, none holds what it hides."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from app.schemas.common import Input, Output, Page, RequiredText
from matching.text import normalise
from models import Confidentiality, DeclineReason, IntroductionState, Outcome, PartnerKind, Side

NOTE_LENGTH = 10_000


def _cleaned(value: object) -> object:
    return normalise(value) if isinstance(value, str) else value


def _one_line(value: str) -> str:
    # It will stand in headers of mails, where a line break or an encoded word makes a new header.
    if "\n" in value or "=?" in value:
        raise ValueError("write it on one line, without =?")
    return value


Line = Annotated[
    Annotated[str, Field(min_length=1, max_length=200)],
    AfterValidator(_one_line),
    BeforeValidator(_cleaned),
]
Email = Annotated[
    Annotated[str, Field(max_length=254, pattern=r'^[^\s@<>",;]+@[^\s@<>",;]+\.[^\s@<>",;.]+$')],
    AfterValidator(_one_line),
    BeforeValidator(_cleaned),
]
Phone = Annotated[
    Annotated[str, Field(max_length=30, pattern=r"^\+?[0-9][0-9 ()\-]{3,27}[0-9]$")],
    BeforeValidator(_cleaned),
]
NoteText = Annotated[RequiredText, Field(max_length=NOTE_LENGTH)]


class IntroductionIn(Input):
    """Whom to introduce for a need."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"partner_id": "01900000-0000-7000-8000-000000000000", "override": False}]
        }
    )

    partner_id: UUID
    override: bool = Field(
        default=False,
        description="Suggest a partner who is unavailable or refuses what is wanted all the same.",
    )
    note: NoteText | None = Field(default=None, description="For staff; an override needs one.")


class IntroductionReleaseIn(Input):
    """Which brief the partner will be shown."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})

    version_id: UUID | None = Field(
        default=None, description="A released version; left out, the newest released one."
    )


class ContactIn(Input):
    """How the other side reaches you, shown to it when both have consented and staff introduces."""

    name: Line
    email: Email
    phone: Phone | None = None


class ConsentIn(Input):
    """A consent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "contact": {
                        "name": "黒木 遥",
                        "email": "kuroki@example.jp",
                        "phone": "0985-00-0000",
                    }
                }
            ]
        }
    )

    contact: ContactIn


class AgreeIn(Input):
    """What an agreement means for the need."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"need_matched": True}]})

    need_matched: bool = Field(
        default=False, description="The need is met by it and looks for nobody else."
    )


class CloseIn(Input):
    """How it ended."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"outcome": "joint_research"}]})

    outcome: Outcome


class DeclineIn(Input):
    """Why it does not go on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "no_time"}]})

    reason: DeclineReason
    on_behalf_of: Side | None = Field(
        default=None, description="Of staff: the side that has told the office."
    )


class NoteIn(Input):
    """A note for staff."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "Called on Monday."}]})

    text: NoteText


class ContactOut(Output):
    """A contact as its side gave it."""

    name: str
    email: str
    phone: str | None = None


class StepOut(Output):
    """A step that was taken; the side, not the person."""

    state: IntroductionState
    side: Side
    taken_at: datetime


class StaffStepOut(StepOut):
    """A step with who took it."""

    account: str | None


class NoteOut(Output):
    """A note with who wrote it."""

    id: UUID
    text: str
    account: str | None
    created_at: datetime


class IntroducedNeedOut(Output):
    """The need, for staff."""

    id: UUID
    external_id: str | None
    title_ja: str | None
    title_en: str | None
    confidentiality: Confidentiality
    organisation_id: UUID
    organisation_ja: str | None
    organisation_en: str | None


class IntroducedPartnerOut(Output):
    """The partner, for staff."""

    id: UUID
    external_id: str | None
    kind: PartnerKind
    name_ja: str | None
    name_en: str | None
    organisation_ja: str | None
    organisation_en: str | None


class IntroductionCandidateOut(Output):
    """The partner as the company may know it: what at least five partners have in common."""

    candidate_id: UUID = Field(
        description="Random for each introduction; none of those in the match list."
    )
    kind: PartnerKind | None
    clusters: list[str]


class IntroductionBriefOut(Output):
    """The released version of the need that the partner is shown."""

    title_ja: str | None
    title_en: str | None
    brief_ja: str | None
    brief_en: str | None


class CounterpartOut(Output):
    """The other side, once introduced."""

    name_ja: str | None
    name_en: str | None
    organisation_ja: str | None
    organisation_en: str | None
    contact: ContactOut | None


class IntroductionFields(Output):
    """What every side sees."""

    id: UUID
    state: IntroductionState
    revision: int = Field(
        description='Of this answer; a step is sent with it: `If-Match: "REVISION"`.'
    )
    next: list[str] = Field(description="What you may do now: the ends of the addresses.")
    outcome: Outcome | None


class StaffIntroductionOut(IntroductionFields):
    """An introduction as staff sees it; the contacts only once they are exchanged."""

    side: Literal["staff"] = "staff"
    need: IntroducedNeedOut
    partner: IntroducedPartnerOut
    version_id: UUID | None
    company_contact: ContactOut | None
    partner_contact: ContactOut | None
    declined_by: Side | None
    decline_reason: DeclineReason | None
    remind_on: date | None
    steps: list[StaffStepOut]
    notes: list[NoteOut]
    created_at: datetime
    updated_at: datetime


class CompanyIntroductionOut(IntroductionFields):
    """An introduction as the company sees it."""

    side: Literal["company"] = "company"
    need_id: UUID
    candidate: IntroductionCandidateOut
    partner: CounterpartOut | None = Field(description="Null until introduced.")
    steps: list[StepOut]


class PartnerIntroductionOut(IntroductionFields):
    """An introduction as the partner sees it."""

    side: Literal["partner"] = "partner"
    need_id: UUID
    brief: IntroductionBriefOut | None = Field(description="Null where it was withdrawn.")
    company: CounterpartOut | None = Field(description="Null until introduced.")
    steps: list[StepOut]


IntroductionOut = Annotated[
    StaffIntroductionOut | CompanyIntroductionOut | PartnerIntroductionOut,
    Field(discriminator="side"),
]


class IntroductionPage(Page[IntroductionOut]):
    """Some introductions."""
