"""Row-level security says what the policy says, and holds for whoever asks the database."""

from datetime import date

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from app.contexts import NOBODY, SYSTEM, as_system
from app.db import Database
from app.errors import Problem
from app.services.idempotency import forget_answers
from app.services.introduction_moves import end_for_need, side_of
from app.services.introduction_views import show_notes
from app.services.introductions import decline
from models import (
    Account,
    Audience,
    AuditEntry,
    Base,
    Confidentiality,
    DeclineReason,
    Disclosure,
    IdempotentAnswer,
    Introduction,
    IntroductionNote,
    IntroductionState,
    Need,
    NeedStatus,
    NeedVersion,
    Partner,
    Role,
    need_staff,
    new_id,
    utc_now,
)
from tests.app.test_visibility import make_actor
from tests.factories import (
    make_account,
    make_introduction,
    make_need,
    make_organisation,
    make_partner,
    make_version,
)
from tests.postgres.rows import PROTECTED, audit_entry, count, fill, ids, refused

# Rows that are seen beside the needs in sight (all states: test_visible_rows.py).


def test_a_partner_reads_the_brief_that_was_released_to_it(database: Database) -> None:
    with database.writing() as session:
        actor = make_actor(session, Role.PARTNER)
        need = make_need(session)
        partner = session.get_one(Partner, actor.partner_id)
        brief, other = (
            make_version(session, need, audience=audience).id
            for audience in (Audience.TEASER, Audience.FULL)
        )
        introduction = make_introduction(session, need, partner, version_id=brief)
    for state, seen in (("released", set()), ("company_consented", {brief})):
        with database.writing() as session:
            row = session.get_one(Introduction, introduction.id)
            row.state = IntroductionState(state)
        with database.reading(actor) as session:
            assert ids(session, "need_versions") == seen
            assert other not in seen


def test_a_public_version_is_for_nobody_outside_once_its_need_is_not_public(
    database: Database,
) -> None:
    """Nor for the partner of the introduction that it was chosen for."""
    with database.writing() as session:
        actor = make_actor(session, Role.PARTNER)
        need = make_need(session, confidentiality=Confidentiality.PUBLIC)
        partner = session.get_one(Partner, actor.partner_id)
        brief = make_version(session, need, audience=Audience.PUBLIC).id
        state = IntroductionState.INTRODUCED
        make_introduction(session, need, partner, version_id=brief, state=state)
    with database.reading(actor) as session:
        assert ids(session, "need_versions") == {brief}
    with database.writing() as session:
        session.get_one(Need, need.id).confidentiality = Confidentiality.STAFF_ONLY
    with database.reading(actor) as session:
        assert ids(session, "needs") == {need.id}
        assert ids(session, "need_versions") == set()


def test_the_ledger_shows_own_entries_and_those_of_needs_in_sight(database: Database) -> None:
    with database.writing() as session:
        company, partner, staff = (
            make_actor(session, r) for r in (Role.COMPANY, Role.PARTNER, Role.COORDINATOR)
        )
        own = make_need(session, organisation_id=company.organisation_id)
        hidden = make_need(session, confidentiality=Confidentiality.NAMED_STAFF)
        entries = [
            Disclosure(
                version_id=make_version(session, need).id,
                account_id=partner.account_id,
                role=Role.PARTNER,
            )
            for need in (own, hidden)
        ]
        session.add_all(entries)
    first, second = (entry.id for entry in entries)
    for actor, seen in ((company, {first}), (partner, {first, second}), (staff, {first})):
        with database.reading(actor) as session:
            assert ids(session, "disclosures") == seen


# Nothing without a context.


@pytest.fixture
def filled(database: Database) -> Need:
    """A need in a database that has rows everywhere."""
    with database.writing() as session:
        return fill(session)


def test_every_table_is_decided_on(database: Database) -> None:
    """A new table is granted to the application role, and protected or named as open here."""
    with database.reading() as session:
        rows = session.execute(
            text(
                "SELECT relname, relrowsecurity AND relforcerowsecurity,"
                " has_table_privilege('enmusubi_app', oid, 'SELECT') FROM pg_class"
                " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
            )
        )
        found = {name: (protected, granted) for name, protected, granted in rows}
    del found["alembic_version"]
    assert found == {name: (name in PROTECTED, True) for name in Base.metadata.tables}


def test_without_a_context_there_are_no_rows(database: Database, filled: Need) -> None:
    with database.reading(SYSTEM) as session:
        assert [table for table in PROTECTED if not count(session, table)] == []
    with database.reading(NOBODY) as session:
        assert [table for table in PROTECTED if count(session, table)] == []
    with Session(database.engine) as session:  # not made by `Database` at all
        assert [table for table in PROTECTED if count(session, table)] == []


def test_without_a_context_nothing_is_written(database: Database, filled: Need) -> None:
    for table in set(PROTECTED) - {"audit_entries"}:
        with database.writing(NOBODY) as session:
            assert session.execute(text(f"DELETE FROM {table}")).rowcount == 0  # type: ignore[attr-defined]
    with refused(), database.writing(NOBODY) as session:
        make_need(session, organisation_id=filled.organisation_id)


def test_a_context_does_not_outlive_its_transaction(database: Database, filled: Need) -> None:
    asked = text("SELECT pg_backend_pid()")
    with database.reading(SYSTEM) as session:
        first = session.scalar(asked)
        assert count(session, "needs") == 1
    with database.reading(NOBODY) as session:
        assert session.scalar(asked) == first, "not the same connection"
        assert count(session, "needs") == 0
    with database.engine.connect() as connection:
        assert connection.scalar(asked) == first
        named = ("context", "role", "account", "organisation", "partner")
        for name in named:
            assert not connection.scalar(text(f"SELECT current_setting('enmusubi.{name}', true)"))
        assert connection.scalar(text("SELECT current_user = session_user"))


def test_a_context_survives_a_savepoint(database: Database, filled: Need) -> None:
    with database.writing(SYSTEM) as session:
        nested = session.begin_nested()
        nested.rollback()
        assert count(session, "needs") == 1


# What is refused.


def test_a_need_does_not_move_to_another_organisation(database: Database) -> None:
    with database.writing() as session:
        actor = make_actor(session, Role.COMPANY)
        need = make_need(session, organisation_id=actor.organisation_id)
        other = make_organisation(session).id
    with refused(), database.writing(actor) as session:
        session.execute(update(Need).values(organisation_id=other))
    with refused(), database.writing(actor) as session:
        make_need(session, organisation_id=other)
    with database.writing(actor) as session:
        session.execute(update(Need).values(title_en="Changed"))
        make_need(session, organisation_id=actor.organisation_id)
    with database.reading() as session:
        assert session.get_one(Need, need.id).organisation_id == actor.organisation_id
        assert session.get_one(Need, need.id).title_en == "Changed"


@pytest.mark.parametrize("role", [Role.PARTNER, Role.MACHINE])
def test_who_has_no_needs_writes_none(database: Database, role: Role, filled: Need) -> None:
    with database.writing() as session:
        actor = make_actor(session, role)
    with database.writing(actor) as session:
        session.execute(update(Need).values(status=NeedStatus.CLOSED))
    with database.reading() as session:
        assert session.get_one(Need, filled.id).status is NeedStatus.OPEN
    with refused(), database.writing(actor) as session:
        make_need(session, organisation_id=filled.organisation_id)


def test_nobody_names_itself(database: Database) -> None:
    """A coordinator cannot get at a need of the level named_staff by its id."""
    with database.writing() as session:
        actor = make_actor(session, Role.COORDINATOR)
        admin = make_actor(session, Role.ADMIN)
        need = make_need(session, confidentiality=Confidentiality.NAMED_STAFF)
    naming = insert(need_staff).values(need_id=need.id, account_id=actor.account_id)
    with refused(), database.writing(actor) as session:
        session.execute(naming)
    with database.writing(admin) as session:
        session.execute(naming)
    with database.reading(actor) as session:
        assert ids(session, "needs") == {need.id}


def test_nobody_raises_its_own_role(database: Database) -> None:
    with database.writing() as session:
        actor = make_actor(session, Role.COMPANY)
        other = make_account(session).id
    changes = ({"role": Role.COORDINATOR, "organisation_id": None}, {"role": Role.ADMIN})
    for change in changes:
        with refused(), database.writing(actor) as session:
            session.execute(update(Account).values(change))
    with database.writing(actor) as session:
        session.execute(update(Account).values(language="en"))
    with database.reading() as session:
        assert session.get_one(Account, actor.account_id).language == "en"
        assert session.get_one(Account, other).language == "ja"


def test_the_ledger_takes_nobody_elses_name(database: Database, filled: Need) -> None:
    with database.writing() as session:
        actor = make_actor(session, Role.PARTNER)
        other = make_actor(session, Role.PARTNER)
        version = session.scalars(select(NeedVersion.id)).one()
    with database.writing(actor) as session:
        own = {"account_id": actor.account_id, "role": Role.PARTNER}
        session.add(Disclosure(version_id=version, **own))
    for change in ({"account_id": other.account_id}, {"role": Role.ADMIN}):
        with refused(), database.writing(actor) as session:
            session.add(Disclosure(version_id=version, **own | change))


@pytest.mark.parametrize("role", Role)
def test_the_audit_log_is_the_programs(database: Database, filled: Need, role: Role) -> None:
    with database.writing() as session:
        actor = make_actor(session, role)
    with database.reading() as session:
        before = count(session, "audit_entries")
    with database.reading(actor) as session:
        assert count(session, "audit_entries") == (before if role is Role.ADMIN else 0)
    with refused(), database.writing(actor) as session:
        session.add(audit_entry(before + 1))
    for who in (actor, SYSTEM):
        for statement in ("UPDATE audit_entries SET mac = ''", "DELETE FROM audit_entries"):
            with refused(), database.writing(who) as session:
                session.execute(text(statement))


def test_changes_are_audited_in_the_actors_transaction(database: Database) -> None:
    with database.writing() as session:
        actor = make_actor(session, Role.COMPANY)
    with database.writing(actor) as session:
        need = make_need(session, organisation_id=actor.organisation_id)
    with database.writing(actor) as session:
        session.get_one(Need, need.id).title_en = "Changed"
    with database.reading() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
        assert [entry.object_id for entry in entries[-2:]] == [need.id] * 2


def test_a_side_may_decline(database: Database) -> None:
    """The row leaves its sight: the service writes it, the side itself could not."""
    with database.writing() as session:
        company, partner = make_actor(session, Role.COMPANY), make_actor(session, Role.PARTNER)
        need = make_need(session, organisation_id=company.organisation_id)
        partners = {
            company: make_partner(session),
            partner: session.get_one(Partner, partner.partner_id),
        }
        stage = IntroductionState.COMPANY_CONSENTED
        made = {
            actor: make_introduction(session, need, whom, state=stage).id
            for actor, whom in partners.items()
        }
    for actor in (company, partner):
        values = {"state": IntroductionState.DECLINED, "declined_by": side_of(actor)}
        with refused(), database.writing(actor) as session:
            statement = update(Introduction).where(Introduction.id == made[actor])
            session.execute(statement.values(values))
        with database.writing(actor) as session:
            decline(
                session,
                session.get_one(Introduction, made[actor]),
                actor=actor,
                revision=1,
                reason=DeclineReason.NO_TIME,
                on_behalf_of=None,
                today=date(2026, 11, 26),
            )
            assert made[actor] not in ids(session, "introductions")
    with database.reading() as session:
        stages = session.scalars(select(Introduction.state))
        assert set(stages) == {IntroductionState.DECLINED}


def test_a_company_closes_what_it_was_not_told_of(database: Database) -> None:
    with database.writing() as session:
        actor = make_actor(session, Role.COMPANY)
        need = make_need(session, organisation_id=actor.organisation_id)
        made = make_introduction(session, need, make_partner(session))
    with database.writing(actor) as session:
        own = session.get_one(Need, need.id)
        end_for_need(session, own, actor=actor, today=date(2026, 11, 26))
        assert ids(session, "introductions") == set()
    with database.reading() as session:
        assert session.get_one(Introduction, made.id).state is IntroductionState.DECLINED


# The program in the middle of an actor's transaction.


def test_the_system_acts_for_a_moment(database: Database, filled: Need) -> None:
    with database.writing() as session:
        actor = make_actor(session, Role.MACHINE)
    with database.writing(actor) as session:
        assert count(session, "needs") == 0
        with as_system(session):
            session.get_one(Need, filled.id).title_en = "Changed"
        assert count(session, "needs") == 0
        with pytest.raises(Problem), as_system(session):
            raise Problem(409, "no")  # type: ignore[arg-type]
        assert count(session, "needs") == 0
    with database.reading() as session:
        assert session.get_one(Need, filled.id).title_en == "Changed"


def test_an_error_of_the_database_is_not_hidden(database: Database) -> None:
    with pytest.raises(ProgrammingError, match="nowhere"), database.writing(NOBODY) as session:  # noqa: SIM117
        with as_system(session):
            session.execute(text("SELECT 1 FROM nowhere"))


def test_the_answers_of_others_are_emptied(database: Database) -> None:
    with database.writing() as session:
        company, staff = make_actor(session, Role.COMPANY), make_actor(session, Role.COORDINATOR)
        answer = {"key": "k", "fingerprint": "f", "status": 200, "body": b"secret"}
        session.add(IdempotentAnswer(account_id=staff.account_id, **answer))
    with database.writing(company) as session:
        forget_answers(session)
    with database.reading() as session:
        assert session.scalars(select(IdempotentAnswer.body)).all() == [None]


def test_staff_reads_who_has_taken_a_step(database: Database) -> None:
    with database.writing() as session:
        company, staff = make_actor(session, Role.COMPANY), make_actor(session, Role.COORDINATOR)
    note = IntroductionNote(
        id=new_id(), text="x", account_id=company.account_id, created_at=utc_now()
    )
    with database.reading(staff) as session:
        assert company.account_id not in ids(session, "accounts")
        assert [shown.account for shown in show_notes(session, [note])] == ["Ms Sato"]
