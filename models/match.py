"""Match runs that were kept, and the matches in them."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified, PortableJSON, Timestamped


class MatchRun(Identified, Timestamped, Base):
    """One match list for a need, as it was on the day it was kept."""

    __tablename__ = "match_runs"

    need_id: Mapped[UUID] = mapped_column(ForeignKey("needs.id", ondelete="CASCADE"), index=True)
    encoder_id: Mapped[str] = mapped_column(String(200))
    corpus_revision: Mapped[int]
    """Of the data it was made from."""
    asked: Mapped[dict[str, Any]]
    """Filters and length that the list was asked with."""
    blocked: Mapped[dict[str, Any]]
    """How many partners each hard constraint ruled out."""
    weights: Mapped[dict[str, Any]]
    """Weight of each signal."""
    strength: Mapped[float | None]
    """Probability that a true partner was among the first ten; None where not calibrated."""
    strong: Mapped[bool | None]
    """Whether a strong partner was known; None where that could not be said."""
    matches: Mapped[list["Match"]] = relationship(
        cascade="all, delete-orphan", order_by="Match.rank", passive_deletes=True
    )


class Match(Identified, Base):
    """A need and a partner with score, signals and evidence."""

    __tablename__ = "matches"
    __table_args__ = (UniqueConstraint("run_id", "partner_id"), UniqueConstraint("run_id", "rank"))

    run_id: Mapped[UUID] = mapped_column(ForeignKey("match_runs.id", ondelete="CASCADE"))
    partner_id: Mapped[UUID] = mapped_column(
        ForeignKey("partners.id", ondelete="CASCADE"), index=True
    )
    rank: Mapped[int]
    score: Mapped[float]
    probability: Mapped[float | None]
    """That the partner is a true one; None where not calibrated."""
    signals: Mapped[list[dict[str, Any]]] = mapped_column(PortableJSON)
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(PortableJSON)
