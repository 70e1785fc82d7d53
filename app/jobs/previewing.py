"""A dry run: the mails of the night as files; nothing is sent and nothing is stored."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from app.contexts import SYSTEM
from app.emails.preview import INDEX, write_previews
from app.jobs.composing import compose_run
from app.jobs.planning import score_and_plan, store
from app.jobs.run_tools import Tools
from app.services import audit
from app.services.mail_composing import preview_mail
from models import AuditEvent, Mail, ObjectKind, Run, RunKind, Suggestion, Withheld

NO_DAY: Final = date(9999, 12, 31)
"""Of the run that is undone at the end: the day itself may have a real one."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a dry run has made."""

    mails: int
    suggestions: int
    index: Path


def preview(tools: Tools, day: date, folder: Path) -> Written:
    """Write the mails that a run of that day would send, with an index page."""
    with tools.database.reading(SYSTEM) as session:
        engine = tools.engine(session)
    planned = score_and_plan(
        tools.database, engine, run_date=day, settings=tools.settings, steps=tools.steps
    )
    with tools.database.writing(SYSTEM) as session:
        # The folder will hold confidential texts: that is an export.
        audit.record(session, event=AuditEvent.EXPORT, object_kind=ObjectKind.RUN, object_id=None)
    with tools.database.writing(SYSTEM) as session, session.begin_nested() as undone:
        run = Run(kind=RunKind.SUGGESTIONS, run_date=NO_DAY, counts={}, seconds={}, report={})
        run.alerts = []
        session.add(run)
        session.flush()
        store(session, run, planned)
        compose_run(session, run, settings=tools.settings, now=tools.clock())
        shown = []
        for mail in session.scalars(select(Mail).where(Mail.run_id == run.id).order_by(Mail.id)):
            made = preview_mail(session, mail, settings=tools.settings, now=tools.clock())
            if not isinstance(made, Withheld):
                shown.append((made.digest, made.message))
        number = session.scalar(
            select(func.count()).select_from(Suggestion).where(Suggestion.run_id == run.id)
        )
        undone.rollback()
    write_previews(folder, shown)
    return Written(len(shown), number or 0, folder / INDEX)
