"""Runs of the nightly job: one of a date and kind, whatever number of runners starts."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Identified, PortableJSON, Timestamped, text_enum, utc_now
from models.enums import HaltReason, RunKind, RunState, RunStep


class Run(Identified, Timestamped, Base):
    """One night's work and how far it is; its rows are committed step by step."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("kind", "run_date"),
        CheckConstraint("(state = 'halted') = (halt IS NOT NULL)", name="halted"),
    )

    kind: Mapped[RunKind] = mapped_column(text_enum(RunKind))
    run_date: Mapped[date]
    """In the time zone of the settings."""
    state: Mapped[RunState] = mapped_column(text_enum(RunState), default=RunState.RUNNING)
    step: Mapped[RunStep] = mapped_column(text_enum(RunStep), default=RunStep.EMBED)
    """Under way, or next if the run was cut off; `done` at the end."""
    halt: Mapped[HaltReason | None] = mapped_column(text_enum(HaltReason))
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    finished_at: Mapped[datetime | None]
    encoder_id: Mapped[str | None] = mapped_column(String(200))
    corpus_revision: Mapped[int | None]
    counts: Mapped[dict[str, Any]] = mapped_column(PortableJSON, default=dict)
    """Numbers by name: needs, partners, pairs, suggestions, mails."""
    seconds: Mapped[dict[str, Any]] = mapped_column(PortableJSON, default=dict)
    """By step."""
    report: Mapped[dict[str, Any]] = mapped_column(PortableJSON, default=dict)
    """The plan beside what simpler rules would have chosen."""
    alerts: Mapped[list[str]] = mapped_column(PortableJSON, default=list)
    """Sentences for whoever watches over the run: no name, no address, no text of a need."""


class MailHalt(Identified, Base):
    """The kill switch: while one is not lifted, no mail leaves."""

    __tablename__ = "mail_halts"

    halted_at: Mapped[datetime] = mapped_column(default=utc_now)
    halted_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
    """None: at the terminal."""
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts.id", ondelete="SET NULL"))
