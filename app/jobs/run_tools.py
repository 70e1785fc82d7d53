"""What a nightly run is asked for, what it works with, and how it ends."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from app.db import Database
from app.emails.replies import Transport
from app.jobs.steps import Steps
from app.mail_settings import MailSettings
from app.services.corpus import Engine
from models import MailState


class Ending(StrEnum):
    """How a start of the run ended."""

    FINISHED = "finished"
    BEFORE = "before"
    """It was finished before: nothing was done."""
    CLOSED = "closed"
    """A later run has closed it before its end: nothing was done."""
    BUSY = "busy"
    """Another runner is at it: nothing was done."""
    CUT_OFF = "cut_off"
    """It was begun and not finished, and is not resumed without being told to."""
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class Order:
    """What the operator asks for."""

    day: date | None = None
    """None: today."""
    resume: bool = False
    late: bool = False
    """Run although it is past the latest start."""
    any_volume: bool = False
    """Send although it is abnormally much."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of a start."""

    ending: Ending
    run_id: UUID | None = None
    alerts: tuple[str, ...] = ()
    mails: Mapping[MailState, int] = field(default_factory=dict)
    """By state."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a run works with."""

    database: Database
    engine: Callable[[Session], Engine]
    """Of the encoder that serves."""
    transport: Callable[[], Transport]
    """Made anew for each delivery."""
    settings: MailSettings
    folder: Path
    """The data folder."""
    clock: Callable[[], datetime]
    """The present moment in the time zone of the office."""
    steps: Steps
    patience: timedelta = timedelta(minutes=45)
    """How long a mail server may stay away before the run is left to be resumed."""
