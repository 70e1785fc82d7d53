"""What becomes an entry of the audit log: each change once, with its transaction or not at all."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import String, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.access import Actor
from app.audit_chain import Draft
from app.audited import AUDITED, LINKS, UNAUDITED
from app.auditing import RECORDED, acting, flush_entries
from app.cli.opening import TERMINAL
from app.db import Database
from app.errors import Problem
from app.services.audit import record, record_mail, shown
from app.services.audit_verification import verify
from app.services.match_runs import list_runs
from app.services.merging import merge_partners
from app.services.needs import close_need
from app.settings import get_settings
from models import (
    Account,
    ApiKey,
    AuditEntry,
    AuditEvent,
    Base,
    Capability,
    Cluster,
    Disclosure,
    DistinctPartners,
    Introduction,
    IntroductionNote,
    IntroductionState,
    IntroductionStep,
    Match,
    MatchRun,
    Need,
    ObjectKind,
    Partner,
    PartnerAlias,
    Purpose,
    Role,
    Side,
    SignInSession,
    Unavailability,
    need_staff,
    new_id,
    utc_now,
)
from tests.app.mailing import everything
from tests.factories import (
    make_account,
    make_capability,
    make_cluster,
    make_introduction,
    make_need,
    make_organisation,
    make_partner,
    make_version,
)

Line = tuple[str, str, UUID | None, tuple[str, ...]]


def lines(database: Database, after: int = 0) -> list[Line]:
    """The entries behind one, as event, kind, id and fields."""
    with database.reading() as session:
        found = session.scalars(select(AuditEntry).where(AuditEntry.seq > after))
        return [(e.event, e.object_kind, e.object_id, tuple(e.fields)) for e in found]


def length(database: Database) -> int:
    """Entries so far."""
    return len(lines(database))


def whole(database: Database) -> bool:
    """True if the chain is."""
    with database.reading() as session:
        return verify(session).fault is None


def test_every_table_is_audited_or_left_out_with_a_reason() -> None:
    audited = {model.__tablename__ for model in AUDITED} | {table.name for table in LINKS}
    assert audited | UNAUDITED.keys() == Base.metadata.tables.keys()
    assert audited & UNAUDITED.keys() == set()
    assert all(len(reason) > 10 for reason in UNAUDITED.values())


def test_silent_fields_exist() -> None:
    for model, audited in AUDITED.items():
        assert audited.silent <= set(model.__table__.columns.keys()), model
        assert set(audited.ids) <= set(model.__table__.columns.keys()), model


PAST = re.compile(r"\.connection\(\)|\bbulk_(save|insert|update)_|exec_driver_sql|engine\.begin\(")
"""Ways to write that no hook of a session sees."""
APP = Path(__file__).resolve().parents[2] / "app"


def test_nothing_writes_past_the_sessions() -> None:
    found = {path.name for path in APP.rglob("*.py") if PAST.search(path.read_text())}
    # The log itself; SQLite's BEGIN; whom PostgreSQL is told that a transaction acts for; how far a
    # mail is, which has its one entry when it is about to leave; copies of vectors for search; the
    # region that `bench` makes up; imports in bulk, which write their entries themselves; LISTEN;
    # the queue's own schema, whose jobs name texts.
    audited = {"audit_chain.py", "auditing.py", "contexts.py", "outbox.py", "bulk_rows.py"}
    copies = {"passage_vectors.py", "vector_index.py", "vector_search_pg.py"}
    servers = {"db.py", "db_engines.py", "following.py", "queue.py"}
    assert found == audited | copies | servers | {"region.py"}


def test_a_row_is_created_changed_and_deleted(database: Database) -> None:
    with database.writing() as session:
        partner = make_partner(session)
    start = length(database)
    assert ("create", "partner", partner.id, ()) in lines(database)
    with database.writing() as session:
        stored = session.get_one(Partner, partner.id)
        stored.name_en, stored.languages = "Another name", ["ja", "en"]
    assert lines(database, start) == [("change", "partner", partner.id, ("languages", "name_en"))]
    with database.writing() as session:
        session.delete(session.get_one(Partner, partner.id))
    assert lines(database, start + 1) == [("delete", "partner", partner.id, ())]
    assert whole(database)


def test_setting_what_stands_there_is_no_change(database: Database) -> None:
    with database.writing() as session:
        need = make_need(session)
        close_need(session, need, actor=TERMINAL, today=date(2026, 11, 26))
    start = length(database)
    with database.writing() as session:
        stored = session.get_one(Need, need.id)
        close_need(session, stored, actor=TERMINAL, today=date(2026, 11, 26))
        stored.title_en = need.title_en
        stored.excluded_organisations = []
    assert lines(database, start) == []


def test_what_a_transaction_does_to_an_object_is_one_entry(database: Database) -> None:
    with database.writing() as session:
        need = make_need(session)
        close_need(session, need, actor=TERMINAL, today=date(2026, 11, 26))
    assert [line for line in lines(database) if line[2] == need.id] == [
        ("create", "need", need.id, ())
    ]
    start = length(database)
    with database.writing() as session:
        stored = session.get_one(Need, need.id)
        stored.title_en = "x"
        session.flush()
        stored.trl_from = 2
        session.flush()
    assert lines(database, start) == [("change", "need", need.id, ("title_en", "trl_from"))]


def test_clusters_and_staff_of_a_need_are_fields_of_it(database: Database) -> None:
    with database.writing() as session:
        need, cluster, account = make_need(session), make_cluster(session), make_account(session)
    start = length(database)
    with database.writing() as session:
        stored = session.get_one(Need, need.id)
        stored.clusters = [session.merge(cluster)]
    assert lines(database, start) == [("change", "need", need.id, ("clusters",))]
    with database.writing() as session:
        values = {"need_id": need.id, "account_id": account.id}
        session.execute(insert(need_staff).values(values))
    # Without a service that records it, the id is not known but the change is.
    assert lines(database, start + 1) == [("change", "need", None, ("staff",))]
    with database.writing() as session:
        session.execute(delete(need_staff), execution_options={RECORDED: True})
        record(
            session,
            event=AuditEvent.CHANGE,
            object_kind=ObjectKind.NEED,
            object_id=need.id,
            fields=("staff",),
        )
    assert lines(database, start + 2) == [("change", "need", need.id, ("staff",))]


def test_use_alone_makes_no_entry(database: Database) -> None:
    with database.writing() as session:
        account = make_account(session)
        key = ApiKey(account=account, name="k", prefix="p", sha256="x")
        opened = SignInSession(account=account, sha256="y", expires_at=utc_now())
        session.add_all([key, opened])
    start = length(database)
    with database.writing() as session:
        session.get_one(ApiKey, key.id).last_used_at = utc_now()
        session.get_one(SignInSession, opened.id).last_seen_at = utc_now()
        session.get_one(Account, account.id).failed_sign_ins = 3
    assert lines(database, start) == []
    with database.writing() as session:
        session.get_one(ApiKey, key.id).revoked_at = utc_now()
        session.get_one(Account, account.id).password_hash = "argon2"
    assert set(lines(database, start)) == {
        ("change", "api_key", key.id, ("revoked_at",)),
        ("change", "account", account.id, ("password_hash",)),
    }


def test_parts_are_fields_of_what_they_belong_to(database: Database) -> None:
    with database.writing() as session:
        need, one, other = make_need(session), make_partner(session), make_partner(session)
        brokered = make_introduction(session, need, one)
        run = MatchRun(
            need_id=need.id,
            encoder_id="e",
            corpus_revision=1,
            asked={},
            blocked={},
            weights={},
            matches=[Match(partner_id=one.id, rank=1, score=1.0, signals=[], evidence=[])],
        )
        session.add(run)
    assert ("create", "match_run", run.id, ()) in lines(database)
    assert not [line for line in lines(database) if line[3]]
    start = length(database)
    first, second = sorted((one.id, other.id))
    with database.writing() as session:
        session.add(Unavailability(partner_id=one.id, start=date(2027, 1, 1)))
        session.add(DistinctPartners(first_id=first, second_id=second))
        session.add(
            IntroductionStep(
                introduction_id=brokered.id, state=IntroductionState.SUGGESTED, side=Side.STAFF
            )
        )
        session.get_one(Match, run.matches[0].id).partner_id = other.id
    assert set(lines(database, start)) == {
        ("change", "partner", one.id, ("distinct", "unavailable")),
        ("change", "partner", other.id, ("distinct",)),
        ("change", "introduction", brokered.id, ("steps",)),
        ("change", "match_run", run.id, ("matches",)),
    }
    start = length(database)
    with database.writing() as session:
        session.get_one(Partner, one.id).unavailable = []
    assert lines(database, start) == [("change", "partner", one.id, ("unavailable",))]


def test_what_the_database_deletes_along_has_entries(database: Database) -> None:
    with database.writing() as session:
        partner, need = make_partner(session), make_need(session)
        piece = make_capability(session, partner)
        brokered = make_introduction(session, need, partner)
        note = IntroductionNote(introduction_id=brokered.id, text="x")
        account = make_account(session, role=Role.PARTNER, partner_id=partner.id)
        key = ApiKey(account=account, name="k", prefix="p", sha256="x")
        session.add_all([note, key])
    start = length(database)
    with database.writing() as session:
        session.delete(session.get_one(Partner, partner.id))
    assert set(lines(database, start)) == {
        ("delete", "partner", partner.id, ()),
        ("delete", "capability", piece.id, ()),
        ("delete", "introduction", brokered.id, ()),
        ("delete", "introduction_note", note.id, ()),
        ("delete", "account", account.id, ()),
        ("delete", "api_key", key.id, ()),
    }
    with database.reading() as session:
        for gone in (Capability, Introduction, IntroductionNote, Account, ApiKey):
            assert session.scalars(select(gone)).all() == []


def test_a_merge_is_recorded(database: Database) -> None:
    with database.writing() as session:
        kept, other = make_partner(session), make_partner(session, external_id="x")
        piece = make_capability(session, other)
    start = length(database)
    with database.writing() as session:
        merge_partners(
            session, session.get_one(Partner, kept.id), session.get_one(Partner, other.id)
        )
    found = lines(database, start)
    assert ("delete", "partner", other.id, ()) in found
    assert ("change", "capability", piece.id, ("partner_id",)) in found
    assert ("change", "partner", kept.id, ("aliases",)) in found


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        (update(Capability).values(year=2000), ("change", "capability", None, ())),
        (delete(Capability), ("delete", "capability", None, ())),
        (delete(Unavailability), None),  # there is none: nothing has changed
        (update(Capability).where(Capability.year == 1).values(year=2), None),
    ],
)
def test_bulk_statements_leave_an_entry(
    database: Database, statement: Any, line: Line | None
) -> None:
    with database.writing() as session:
        make_capability(session, make_partner(session))
    start = length(database)
    with database.writing() as session:
        session.execute(statement)
    assert lines(database, start) == ([] if line is None else [line])


# Who acts, and for what.


def _actor(role: Role = Role.COORDINATOR) -> Actor:
    return Actor(account_id=new_id(), role=role)


def _entries(database: Database) -> list[AuditEntry]:
    with database.reading() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.seq)))


def test_the_actor_of_the_session_is_named(database: Database) -> None:
    actor = _actor()
    with database.writing() as session:
        acting(session, actor)
        make_organisation(session)
    with database.writing() as session:
        make_organisation(session)
    first, second = _entries(database)
    assert (first.role, first.account_id) == ("coordinator", actor.account_id)
    assert (second.role, second.account_id) == ("system", None)
    assert first.at.tzinfo is not None


def test_reads_by_staff_count_and_those_by_others_do_not(database: Database) -> None:
    one, other = new_id(), new_id()
    for role in Role:
        with database.reading() as session:
            acting(session, _actor(role), Purpose.REVIEW)
            shown(session, ObjectKind.NEED, [one, one, other])
    found = [(e.event, e.role, e.object_id, e.purpose) for e in _entries(database)]
    assert found == [
        ("read", role, object_id, "review")
        for role in ("coordinator", "admin")
        for object_id in (one, other)
    ]
    with database.reading() as session:
        acting(session, _actor())
        shown(session, ObjectKind.NEED, [one])
    with database.reading() as session:
        shown(session, ObjectKind.NEED, [one])
    assert [e.purpose for e in _entries(database)[-2:]] == ["unstated", None]
    assert whole(database)


def _show_and_fail(session: Session) -> None:
    shown(session, ObjectKind.NEED, [new_id()])
    raise KeyError


def test_a_read_that_fails_is_none(database: Database) -> None:
    with pytest.raises(KeyError), database.reading() as session:
        _show_and_fail(session)
    assert length(database) == 0


def test_no_entry_no_answer(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("DROP TABLE audit_entries"))
    with (
        pytest.raises(Problem, match="nothing confidential is shown") as caught,
        database.reading() as session,
    ):
        shown(session, ObjectKind.NEED, [new_id()])
    assert caught.value.status == 503
    with pytest.raises(DBAPIError), database.writing() as session:
        make_organisation(session)
    with database.reading() as session:
        assert session.scalars(select(Partner)).all() == []


def test_without_the_secret_nothing_is_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENMUSUBI_SECRET_KEY", "short")
    get_settings.cache_clear()
    with pytest.raises(Problem, match="secret key") as caught, database.writing() as session:
        partner = make_partner(session)
    assert caught.value.status == 503
    with database.reading() as session:
        assert session.get(Partner, partner.id) is None


def test_what_is_no_change_of_a_row_is_recorded(database: Database) -> None:
    someone, actor = new_id(), _actor(Role.ADMIN)
    with database.writing() as session:
        record_mail(session, object_kind=ObjectKind.ACCOUNT, object_id=someone)
        record(
            session,
            event=AuditEvent.SIGN_IN_FAILED,
            object_kind=ObjectKind.ACCOUNT,
            object_id=None,
            actor=actor,
        )
    assert lines(database) == [
        ("mail", "account", someone, ()),
        ("sign_in_failed", "account", None, ()),
    ]
    assert _entries(database)[1].account_id == actor.account_id


@pytest.mark.parametrize("name", ["a@example.jp", "焼酎", "two words", "", "x" * 65, "A"])
def test_an_entry_takes_names_of_fields_only(name: str) -> None:
    with pytest.raises(ValueError, match="no text"):
        Draft(AuditEvent.CHANGE, ObjectKind.NEED, None, "system", None, fields=(name,))


# With its transaction or not at all.


def _refuse(session: Session) -> None:
    for _ in range(2):
        session.add(Cluster(slug="same"))
        session.flush()


def _give_up(session: Session) -> None:
    make_need(session)
    raise KeyError


def test_a_transaction_that_is_rolled_back_leaves_no_entry(database: Database) -> None:
    with pytest.raises(KeyError), database.writing() as session:
        _give_up(session)
    with pytest.raises(IntegrityError), database.writing() as session:
        _refuse(session)
    with database.writes() as session:
        make_partner(session)
        session.rollback()
        kept = make_organisation(session)
        session.commit()
        session.rollback()
        session.commit()
    assert lines(database) == [("create", "organisation", kept.id, ())]


def test_a_savepoint_that_is_rolled_back_leaves_no_entry(database: Database) -> None:
    with database.writing() as session:
        first = make_organisation(session).id
        with pytest.raises(KeyError), session.begin_nested():
            _give_up(session)
        with session.begin_nested():
            second = make_organisation(session).id
            with pytest.raises(IntegrityError), session.begin_nested():
                _refuse(session)
    assert lines(database) == [
        ("create", "organisation", first, ()),
        ("create", "organisation", second, ()),
    ]
    assert whole(database)


def test_entries_can_be_seen_before_the_commit(database: Database) -> None:
    with database.writing() as session:
        make_organisation(session)
        flush_entries(session)
        assert len(session.scalars(select(AuditEntry)).all()) == 1
        make_organisation(session)
    assert length(database) == 2
    assert whole(database)


def test_many_writers_make_one_chain(database: Database) -> None:
    def write(writer: int) -> None:
        for number in range(15):
            with database.writing() as session:
                session.add(Cluster(slug=f"cluster-{writer}-{number}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert [e.seq for e in _entries(database)] == list(range(1, 121))
    assert whole(database)


# What the table itself refuses, and what it never holds.


@pytest.mark.sqlite("its statements; tests/postgres/test_audit.py has those of PostgreSQL")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET role = 'admin'",
        "DELETE FROM audit_entries",
        "REPLACE INTO audit_entries SELECT * FROM audit_entries",
        (
            "INSERT OR REPLACE INTO audit_entries SELECT 9, at, event, role, account_id, "
            "object_kind, object_id, purpose, fields, previous, mac FROM audit_entries"
        ),
    ],
)
def test_the_table_only_grows(database: Database, statement: str) -> None:
    with database.writing() as session:
        make_organisation(session)
    with (
        pytest.raises(IntegrityError, match="only grows"),
        database.engine.begin() as connection,
    ):
        connection.execute(text(statement))
    assert length(database) == 1


CANARY = "kanariya"


def _fill(row: Any) -> None:
    """Canaries in each column that takes any text."""
    for column in type(row).__table__.columns:
        size = getattr(column.type, "length", None)
        free = type(column.type) is String and (size or 99) > 15
        if free and not column.foreign_keys and column.name != "sha256":
            setattr(row, column.key, f"{CANARY}-{column.name}-{row.id}"[:size])


def test_no_entry_holds_a_text(database: Database) -> None:
    with database.writing() as session:
        acting(session, _actor(), Purpose.OTHER)
        need, partner, cluster = make_need(session), make_partner(session), make_cluster(session)
        version, account = make_version(session, need), make_account(session)
        brokered = make_introduction(session, need, partner)
        rows: list[Any] = [need, partner, cluster, version, account, brokered, need.organisation]
        rows.append(make_capability(session, partner))
        for row in (
            IntroductionNote(introduction_id=brokered.id, text="x"),
            Unavailability(partner_id=partner.id, start=date(2027, 1, 1), reason="x"),
            PartnerAlias(partner_id=partner.id),
            ApiKey(account=account, name="k", prefix="p", sha256="x"),
            Disclosure(version_id=version.id, role=Role.PARTNER),
        ):
            session.add(row)
            rows.append(row)
        session.flush()
        for row in rows:
            _fill(row)
        need.excluded_evidence = [CANARY]
        brokered.company_contact = {"name": CANARY, "email": f"{CANARY}@example.jp"}
        shown(session, ObjectKind.NEED, [need.id])
    with database.writing() as session:
        for row in rows:
            stored = session.get_one(type(row), row.id)
            for name in ("name_en", "title_en", "text", "name"):
                if hasattr(stored, name) and type(row) is not Introduction:
                    setattr(stored, name, f"{CANARY} again")
    with database.writing() as session:
        session.delete(session.get_one(Partner, partner.id))
    stored = everything(database)
    dumped = repr(stored["audit_entries"])
    assert CANARY in repr(stored)
    assert len(_entries(database)) > 20
    assert CANARY not in dumped
    assert "example" not in dumped


def test_listing_does_not_note(database: Database) -> None:
    """Reading through services alone is no showing: the edges say what they show."""
    with database.writing() as session:
        need = make_need(session)
    start = length(database)
    with database.reading() as session:
        list_runs(session, session.get_one(Need, need.id), cursor=None, limit=9)
    assert lines(database, start) == []
