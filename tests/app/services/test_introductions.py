"""Steps taken at once, and reminders."""

import threading
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app.access import Action, Actor
from app.db import Database
from app.errors import Problem
from app.schemas.introduction import ContactIn
from app.services import introductions
from app.services.introduction_reminders import due_reminders, mark_reminded
from models import Introduction, IntroductionState, IntroductionStep, Partner, Role, Side
from tests.factories import make_account, make_introduction, make_need, make_partner, make_version

TODAY = date(2026, 11, 28)
CONTACT = ContactIn(name="A", email="a@example.jp")


def _staff(session: Session) -> Actor:
    return Actor(make_account(session).id, Role.COORDINATOR)


def _met(database: Database) -> tuple[UUID, Actor]:
    with database.writing() as session:
        need, partner = make_need(session), make_partner(session)
        make_version(session, need)
        made = make_introduction(session, need, partner, state=IntroductionState.INTRODUCED)
        return made.id, _staff(session)


def test_of_two_who_take_a_step_at_once_one_wins(database: Database) -> None:
    """Both have read the same revision; each has a connection of its own."""
    for _ in range(10):
        key, actor = _met(database)
        start = threading.Barrier(2)
        answers: list[str] = []

        def take(key: UUID = key, actor: Actor = actor, start: threading.Barrier = start) -> None:
            start.wait()
            try:
                with database.writing() as session:
                    found = introductions.get_introduction(
                        session, key, actor=actor, action=Action.MOVE
                    )
                    introductions.meet(session, found, actor=actor, revision=1, today=TODAY)
                answers.append("won")  # noqa: B023 - joined before the next round
            except Problem as problem:
                answers.append(str(problem.status.value))  # noqa: B023 - as above
            except StaleDataError:  # where writers do not wait for each other; answered 409, too
                answers.append("409")  # noqa: B023 - as above

        threads = [threading.Thread(target=take) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == ["409", "won"]
        with database.reading() as session:
            steps = session.scalars(
                select(IntroductionStep).where(IntroductionStep.introduction_id == key)
            )
            assert [step.state for step in steps] == [IntroductionState.MET]
            assert session.get_one(Introduction, key).revision == 2


def test_a_row_that_moved_under_a_reader_is_not_overwritten(database: Database) -> None:
    """What stands behind the check where writers do not wait for each other (PostgreSQL)."""
    key, actor = _met(database)
    with database.writing() as session:
        found = session.get_one(Introduction, key)
        session.connection().execute(text("UPDATE introductions SET revision = 2"))
        with pytest.raises(StaleDataError):
            introductions.meet(session, found, actor=actor, revision=1, today=TODAY)
        session.rollback()


def test_each_step_sets_the_day_of_the_next_reminder(database: Database) -> None:
    with database.writing() as session:
        need, partner = make_need(session), make_partner(session)
        make_version(session, need)
        made = make_introduction(session, need, partner)
        staff = _staff(session)
        introductions.release(session, made, actor=staff, revision=1, version_id=None, today=TODAY)
        due = TODAY + timedelta(days=7)
        assert made.remind_on == due
        assert due_reminders(session, due - timedelta(days=1)) == []
        (reminder,) = due_reminders(session, due)
        assert (reminder.introduction_id, reminder.side) == (made.id, Side.COMPANY)
        account = make_account(
            session, role=Role.COMPANY, organisation_id=need.organisation_id, name="Company"
        )
        company = Actor(account.id, Role.COMPANY, organisation_id=need.organisation_id)
        introductions.consent(session, made, actor=company, revision=2, contact=CONTACT, today=due)
        assert due_reminders(session, due) == []
        (reminder,) = due_reminders(session, due + timedelta(days=9))
        assert reminder.side is Side.PARTNER


def test_a_reminder_is_sent_once_and_makes_no_step_stale(database: Database) -> None:
    with database.writing() as session:
        values = {"state": IntroductionState.RELEASED, "remind_on": TODAY}
        made = [
            make_introduction(session, make_need(session), make_partner(session), **values)
            for _ in range(2)
        ]
        before, keys = made[0].updated_at, [each.id for each in made]
    with database.writing() as session:
        found = due_reminders(session, TODAY)
        assert [each.introduction_id for each in found] == keys
        moved = session.get_one(Introduction, keys[1])
        moved.state = IntroductionState.COMPANY_CONSENTED
        moved.remind_on = TODAY + timedelta(days=3)
        session.flush()
        mark_reminded(session, found, today=TODAY)
    with database.reading() as session:
        assert due_reminders(session, TODAY) == []
        first, second = (session.get_one(Introduction, key) for key in keys)
        assert (first.remind_on, first.revision) == (TODAY + timedelta(days=7), 1)
        assert first.updated_at >= before
        assert second.remind_on == TODAY + timedelta(days=3)


def test_the_ended_wait_for_nobody(database: Database) -> None:
    with database.writing() as session:
        for state in (IntroductionState.CLOSED, IntroductionState.DECLINED):
            partner: Partner = make_partner(session)
            make_introduction(session, make_need(session), partner, state=state, remind_on=TODAY)
        assert due_reminders(session, TODAY) == []


def test_a_contact_that_was_erased_stops_the_introduction(database: Database) -> None:
    with database.writing() as session:
        made = make_introduction(
            session,
            make_need(session),
            make_partner(session),
            state=IntroductionState.PARTNER_CONSENTED,
            company_contact=CONTACT.model_dump(),
        )
        with pytest.raises(Problem, match="erased"):
            introductions.introduce(session, made, actor=_staff(session), revision=1, today=TODAY)
