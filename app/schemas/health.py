"""Health and readiness."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from app.schemas.common import Output


class HealthOut(Output):
    """The process answers."""

    status: Literal["ok"]


class EncoderChangeOut(Output):
    """How far the change to another encoder is."""

    encoder: str = Field(description="The one that will serve when all texts are embedded.")
    since: datetime
    embedded: int | None
    total: int | None
    texts_per_second: float | None
    seconds_left: float | None
    worked_at: datetime | None = Field(
        description="When that was last written down; long ago if no process works on it."
    )


class ReadyOut(Output):
    """The service can rank."""

    status: Literal["ready"]
    encoder: str = Field(description="`words-only` if lists are ranked without an encoder.")
    pending_embeddings: int
    read_replica: Literal["none", "unknown", "up", "behind", "down"] = Field(
        description="As the last read found it; unless it is `up`, the primary is read."
    )
    encoder_change: EncoderChangeOut | None = Field(
        description="While the texts are embedded anew for another encoder."
    )
