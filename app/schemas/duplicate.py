"""Records that may be of one person, and what is decided of them."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from app.schemas.common import Input, Output
from app.schemas.explanation import SentenceOut
from app.schemas.partner import PartnerOut

_EXAMPLE = "01a205ff-0000-7000-8000-000000000001"
_OTHER_EXAMPLE = "01a205ff-0000-7000-8000-000000000002"


class LikenessReasonOut(Output):
    """One thing that speaks for one person, or against."""

    code: str = Field(examples=["same_written_name"])
    detail: SentenceOut


class PossibleDuplicateOut(Output):
    """Two partners who may be one."""

    partners: list[PartnerOut] = Field(min_length=2, max_length=2, description="The older first.")
    strength: float = Field(description="In (0, 1]: to sort by, no probability.")
    reasons: list[LikenessReasonOut]


class PossibleDuplicatesOut(Output):
    """The undecided pairs, strongest first. Merge or dismiss them, and the others move up."""

    items: list[PossibleDuplicateOut]
    total: int


class MergeIn(Input):
    """Which record is the same person."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"duplicate_id": _EXAMPLE}]})

    duplicate_id: UUID = Field(description="This one is removed; what it holds is moved.")
    keep_differing: bool = Field(
        default=False,
        description="Where kind or organisation differ, keep those of the kept partner.",
    )


class DismissIn(Input):
    """Two partners who are two people."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"partner_ids": [_EXAMPLE, _OTHER_EXAMPLE]}]}
    )

    partner_ids: Annotated[list[UUID], Field(min_length=2, max_length=2)]
