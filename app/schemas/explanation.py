"""Explanations of matches, from brief to full."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema

from app.schemas.common import Output


class SentenceOut(Output):
    """A sentence for people in both languages."""

    en: str
    ja: str


class Explain(StrEnum):
    """How much is said of why a partner is in the list."""

    NONE = "none"
    BRIEF = "brief"
    FULL = "full"


_BY_SWITCH = dict.fromkeys(("true", "1", "yes", "on", "t", "y"), Explain.BRIEF) | dict.fromkeys(
    ("false", "0", "no", "off", "f", "n"), Explain.NONE
)


def _level(value: Any) -> Any:
    # Before there was `full`, this was a switch; its values stay.
    return _BY_SWITCH.get(str(value).lower(), value)


ExplainLevel = Annotated[
    Explain,
    BeforeValidator(_level),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": [level.value for level in Explain]},
                {"type": "boolean"},
            ]
        }
    ),
]
EXPLAINED = (
    "`none`, `brief` (the evidence passages) or `full` (the passages that carried each match, "
    "the facets of the need that it covers, and what would change its rank; for staff). "
    "`true` means `brief`, `false` means `none`."
)


class FacetOut(Output):
    """A sub-problem that the need holds, in the languages in which the need says it."""

    en: str | None
    ja: str | None


class FacetAnswerOut(Output):
    """How far a partner covers a facet."""

    facet: int = Field(description="Position in `facets`, from 0.")
    share: float = Field(description="In [0, 1].")
    is_covered: bool
    capability_id: UUID | None = Field(
        description="The evidence that covers it most; null where it is not covered."
    )
    external_id: str | None


class ChangeOut(Output):
    """What the match would be if one thing were otherwise; computed by scoring again."""

    kind: str = Field(
        description="`without_passage`, `without_cited` (all passages shown), `engagement`, "
        "`place` or `recency` (a fact that is missing), `unreadable`.",
        examples=["without_passage"],
    )
    capability_id: UUID | None
    external_id: str | None
    score: float | None = Field(description="Null if it is not in the list, or not known.")
    rank: int | None
    detail: SentenceOut


class ExplanationOut(Output):
    """Why a partner stands where it stands."""

    facets: list[FacetAnswerOut]
    changes: list[ChangeOut]
    ahead: float | None = Field(description="Score less that of the next; null for the last.")
    behind: float | None = Field(description="Score of the one before less this; null for rank 1.")
