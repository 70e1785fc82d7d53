"""Health and readiness."""

from typing import Literal

from app.schemas.common import Output


class HealthOut(Output):
    """The process answers."""

    status: Literal["ok"]


class ReadyOut(Output):
    """The service can rank."""

    status: Literal["ready"]
    encoder: str
    pending_embeddings: int
