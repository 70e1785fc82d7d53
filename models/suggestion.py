"""Suggestions: pairs that a nightly run chose, and what their recipients answered."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified, PortableJSON, text_enum, utc_now
from models.enums import Answer, DeclineReason, Side
from models.need import Need
from models.partner import Partner


class Suggestion(Identified, Base):
    """A need and a partner worth a person's time: ids and numbers, no text of the need."""

    __tablename__ = "suggestions"
    __table_args__ = (
        UniqueConstraint("run_id", "need_id", "partner_id"),
        Index(None, "need_id", "partner_id"),
    )

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    need_id: Mapped[UUID] = mapped_column(ForeignKey("needs.id", ondelete="CASCADE"))
    partner_id: Mapped[UUID] = mapped_column(
        ForeignKey("partners.id", ondelete="CASCADE"), index=True
    )
    suggested_on: Mapped[date]
    score: Mapped[float]
    probability: Mapped[float | None]
    """That the partner is a true one; None where not calibrated."""
    strong: Mapped[bool | None]
    """Whether the need's list names a strong partner; None where that could not be said."""
    signals: Mapped[list[dict[str, Any]]] = mapped_column(PortableJSON)
    """As of a match: name, value, contribution, detail in both languages."""
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(PortableJSON)
    """Id of the capability, `start` and `end` of its best sentence."""
    need_fingerprint: Mapped[str] = mapped_column(String(64))
    """Of what was matched of the need; another one means that it has changed."""
    partner_fingerprint: Mapped[str] = mapped_column(String(64))

    need: Mapped[Need] = relationship(lazy="joined", innerjoin=True)
    partner: Mapped[Partner] = relationship(lazy="joined", innerjoin=True)
    answers: Mapped[list["SuggestionAnswer"]] = relationship(
        cascade="all, delete-orphan", order_by="SuggestionAnswer.id", passive_deletes=True
    )


class SuggestionAnswer(Identified, Base):
    """What a recipient said of a suggestion: one row each time, `later` may be followed."""

    __tablename__ = "suggestion_answers"
    __table_args__ = (
        CheckConstraint("(answer = 'decline') = (reason IS NOT NULL)", name="decline_has_reason"),
    )

    suggestion_id: Mapped[UUID] = mapped_column(
        ForeignKey("suggestions.id", ondelete="CASCADE"), index=True
    )
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    """Who answered; the answer outlives the account."""
    side: Mapped[Side] = mapped_column(text_enum(Side))
    answer: Mapped[Answer] = mapped_column(text_enum(Answer))
    reason: Mapped[DeclineReason | None] = mapped_column(text_enum(DeclineReason))
    answered_at: Mapped[datetime] = mapped_column(default=utc_now)
