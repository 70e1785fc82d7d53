"""Runs of the nightly job, and the states of their mails."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from app.schemas.common import Output, Stamped
from models import HaltReason, MailState, RunKind, RunState, RunStep, Withheld


class RunOut(Stamped):
    """One night's work: numbers, no names."""

    kind: RunKind
    run_date: date
    state: RunState
    step: RunStep
    halt: HaltReason | None
    started_at: datetime
    finished_at: datetime | None
    encoder_id: str | None
    corpus_revision: int | None
    counts: dict[str, int]
    seconds: dict[str, float] = Field(description="By step.")
    report: dict[str, Any] = Field(
        description="The plan beside what independent lists and a greedy choice would have given."
    )
    alerts: list[str]


class RunWithMailsOut(RunOut):
    """A run with its mails, counted."""

    mails: dict[MailState, int] = Field(description="Number of mails by state.")


class MailOut(Output):
    """One mail's state: for whom by the account's id, no address and no text."""

    id: UUID
    account_id: UUID
    message_id: str
    state: MailState
    attempts: int
    smtp_code: int | None
    withheld: Withheld | None
    queued_at: datetime
    due_at: datetime
    settled_at: datetime | None
