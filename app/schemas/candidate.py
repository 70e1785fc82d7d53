"""Match lists in a company's view."""

from uuid import UUID

from pydantic import Field

from app.schemas.common import Output
from app.schemas.explanation import SentenceOut
from models import PartnerKind


class CandidateOut(Output):
    """A partner without name, title or score."""

    candidate_id: UUID = Field(
        description="Random for each need; another one once what the need asks for has changed."
    )
    kind: PartnerKind | None = Field(
        description="Null where too few partners of the region are of that kind."
    )
    cluster: str | None = Field(
        description="Null where too few partners of that kind belong to the cluster."
    )
    reason: SentenceOut


class CandidateListOut(Output):
    """Partners who may fit, for the company: the coordinator makes the introduction."""

    need_id: UUID | None = Field(description="Null for a text that is not stored.")
    strong: bool | None = Field(
        description="Whether a strong partner is known; null where that cannot be said."
    )
    advice: SentenceOut | None
    candidates: list[CandidateOut] = Field(
        description="The best first; none where the region has fewer than five partners."
    )
