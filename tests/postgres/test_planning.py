"""A night's plan on PostgreSQL: as on SQLite, and for the system alone."""

from datetime import timedelta

from sqlalchemy import func, select

from app.access import Actor
from app.contexts import SYSTEM
from app.db import Database
from app.jobs.planning import score_and_plan, store
from app.mail_settings import MailSettings
from app.services.corpus import Engine
from models import (
    Answer,
    Confidentiality,
    DeclineReason,
    Role,
    Run,
    RunKind,
    RunStep,
    Side,
    Suggestion,
    new_id,
)
from tests.app.suggesting import TONIGHT, answered
from tests.factories import make_capability, make_need, make_partner

SETTINGS = MailSettings(_env_file=None)


def _run(engine: Engine, days: int) -> int:
    """Plan and store a night; how many suggestions it made."""
    on = TONIGHT + timedelta(days=days)
    planned = score_and_plan(engine.database, engine, run_date=on, settings=SETTINGS)
    with engine.database.writing(SYSTEM) as session:
        run = Run(kind=RunKind.SUGGESTIONS, run_date=on)
        session.add(run)
        session.flush()
        store(session, run, planned)
        assert run.step is RunStep.COMPOSE
        of_run = select(func.count()).select_from(Suggestion).where(Suggestion.run_id == run.id)
        return session.scalar(of_run) or 0


def test_nights_in_a_row(database: Database, engine: Engine) -> None:
    with database.writing() as session:
        partner = make_partner(session)
        make_capability(session, partner)
        shown = make_need(session).id
        make_need(session, confidentiality=Confidentiality.NAMED_STAFF)

    assert _run(engine, 0) == 2
    assert _run(engine, 1) == 0

    with database.writing() as session:
        for row in session.scalars(select(Suggestion)).all():
            answered(session, row, Answer.LATER, TONIGHT)
    assert _run(engine, 14) == 2

    with database.writing() as session:
        told = select(Suggestion).where(Suggestion.need_id == shown)
        last = session.scalars(told.order_by(Suggestion.id.desc())).first()
        assert last is not None
        day = TONIGHT + timedelta(days=14)
        reason = DeclineReason.NO_TIME
        answered(session, last, Answer.DECLINE, day, reason=reason, side=Side.PARTNER)
        make_need(session, title_en="Citrus juice turns bitter")
    assert _run(engine, 15) == 0
    assert _run(engine, 44) == 1
    with engine.database.reading(Actor(new_id(), Role.COORDINATOR)) as session:
        # Staff that nobody has named sees those for the open needs alone.
        assert session.scalar(select(func.count()).select_from(Suggestion)) == 3
    with engine.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Suggestion)) == 0
