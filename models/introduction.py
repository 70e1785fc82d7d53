"""Introductions: brokered matches, from the suggestion to the outcome."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified, Timestamped, text_enum, utc_now
from models.enums import DeclineReason, IntroductionState, Outcome, Side
from models.need import Need
from models.partner import Partner

LIVE = "state NOT IN ('closed', 'declined')"


class Introduction(Identified, Timestamped, Base):
    """One pair of a need and a partner; at most one of a pair is under way."""

    __tablename__ = "introductions"
    __table_args__ = (
        Index(
            "uq_introductions_live_pair",
            "need_id",
            "partner_id",
            unique=True,
            sqlite_where=text(LIVE),
            postgresql_where=text(LIVE),
        ),
        CheckConstraint("(state = 'declined') = (declined_by IS NOT NULL)", name="declined"),
        # The outcome stays known to the office if a side takes its consent back after the end.
        CheckConstraint(
            "state = 'declined' OR (state = 'closed') = (outcome IS NOT NULL)", name="closed"
        ),
    )

    need_id: Mapped[UUID] = mapped_column(ForeignKey("needs.id", ondelete="CASCADE"), index=True)
    partner_id: Mapped[UUID] = mapped_column(
        ForeignKey("partners.id", ondelete="CASCADE"), index=True
    )
    version_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("need_versions.id", ondelete="SET NULL"), index=True
    )
    """The brief that the partner is shown; staff chooses it on release."""
    state: Mapped[IntroductionState] = mapped_column(
        text_enum(IntroductionState), default=IntroductionState.SUGGESTED, index=True
    )
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    """Counts the steps; whoever acts on an older one is refused."""
    company_contact: Mapped[dict[str, Any] | None]
    """Name, e-mail and telephone that the company gave with its consent."""
    partner_contact: Mapped[dict[str, Any] | None]
    declined_by: Mapped[Side | None] = mapped_column(text_enum(Side))
    decline_reason: Mapped[DeclineReason | None] = mapped_column(text_enum(DeclineReason))
    outcome: Mapped[Outcome | None] = mapped_column(text_enum(Outcome))
    remind_on: Mapped[date | None] = mapped_column(index=True)
    """On this day the nightly job reminds whoever has to act."""

    need: Mapped[Need] = relationship(lazy="joined", innerjoin=True)
    partner: Mapped[Partner] = relationship(lazy="joined", innerjoin=True)
    steps: Mapped[list["IntroductionStep"]] = relationship(
        cascade="all, delete-orphan", order_by="IntroductionStep.id", passive_deletes=True
    )
    notes: Mapped[list["IntroductionNote"]] = relationship(
        cascade="all, delete-orphan", order_by="IntroductionNote.id", passive_deletes=True
    )

    __mapper_args__ = {"version_id_col": revision}  # noqa: RUF012 - SQLAlchemy's own form


class IntroductionStep(Identified, Base):
    """One step that an introduction has taken."""

    __tablename__ = "introduction_steps"

    introduction_id: Mapped[UUID] = mapped_column(
        ForeignKey("introductions.id", ondelete="CASCADE"), index=True
    )
    state: Mapped[IntroductionState] = mapped_column(text_enum(IntroductionState))
    """Into which it led."""
    side: Mapped[Side] = mapped_column(text_enum(Side))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    taken_at: Mapped[datetime] = mapped_column(default=utc_now)


class IntroductionNote(Identified, Base):
    """What a coordinator writes down; for staff alone."""

    __tablename__ = "introduction_notes"

    introduction_id: Mapped[UUID] = mapped_column(
        ForeignKey("introductions.id", ondelete="CASCADE"), index=True
    )
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    text: Mapped[str] = mapped_column(String(10_000))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
