"""Match lists that were kept."""

from typing import Any
from uuid import UUID

from app.schemas.common import Output, Stamped


class KeptMatchOut(Output):
    """A match as it was."""

    partner_id: UUID
    rank: int
    score: float
    probability: float | None
    signals: list[dict[str, Any]]
    evidence: list[dict[str, Any]]


class MatchRunOut(Stamped):
    """A match list as it was on the day it was kept."""

    need_id: UUID
    encoder_id: str
    corpus_revision: int
    asked: dict[str, Any]
    blocked: dict[str, int]
    weights: dict[str, float]
    strength: float | None
    strong: bool | None
    matches: list[KeptMatchOut]
