"""The audit log against whoever edits, deletes, reorders, inserts, cuts off or replaces entries."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings, strategies
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import audit_chain
from app.audit_chain import GENESIS, mac_of
from app.db import Database
from app.services.audit import record
from app.services.audit_heads import Head, export_head
from app.services.audit_verification import Fault, FaultKind, verify
from models import AuditEvent, ObjectKind, Purpose, new_id
from tests.copies import keep

LENGTH = 9
COLUMNS = [column.name for column in audit_chain.TABLE.columns]
TRIGGERS = ("audit_entries_no_update", "audit_entries_no_delete", "audit_entries_no_replace")


def _write(database: Database, number: int) -> None:
    for _ in range(number):
        with database.writing() as session:
            record(
                session,
                event=AuditEvent.READ,
                object_kind=ObjectKind.NEED,
                object_id=new_id(),
                fields=("title_en", "title_ja"),
                purpose=Purpose.BROKERING,
            )


@pytest.fixture
def log(database: Database) -> Database:
    """A database with some entries."""
    _write(database, LENGTH)
    return database


@pytest.fixture
def head(log: Database) -> Head:
    """Exported from the log."""
    with log.reading() as session:
        return export_head(session)


@pytest.fixture
def opened(log: Database) -> Iterator[Session]:
    """The log without its triggers, in a transaction that comes to nothing."""
    with log.writes() as session:
        _open(session)
        yield session
        session.rollback()


def _open(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":  # as a superuser, for this transaction
        session.execute(text("SELECT set_config('role', 'none', true)"))
        session.execute(text("SELECT set_config('session_replication_role', 'replica', true)"))
        return
    for trigger in TRIGGERS:
        session.execute(text(f"DROP TRIGGER {trigger}"))


def _fault(session: Session, head: Head | None = None) -> Fault:
    fault = verify(session, head).fault
    assert fault is not None
    return fault


def test_a_whole_log_is_right(log: Database, head: Head) -> None:
    with log.reading() as session:
        assert verify(session).entries == verify(session, head).entries == LENGTH
        assert verify(session, head).fault is None
    _write(log, 2)  # it has grown since the head was exported
    with log.reading() as session:
        assert verify(session, head).fault is None
        assert verify(session, head).entries == LENGTH + 2


def test_an_empty_log_is_right(database: Database) -> None:
    with database.reading() as session:
        empty = export_head(session)
        assert (empty.seq, empty.count, empty.mac) == (0, 0, GENESIS)
        assert verify(session, empty).fault is None


EDITS = [
    ("at", "'2026-11-26 10:00:00.000000'"),
    ("at", "at || '0'"),
    ("at", "substr(at, 1, 25) || ' '"),
    ("at", "'soon'"),
    ("event", "'create'"),
    ("event", "upper(event)"),
    ("role", "'admin'"),
    ("account_id", "'019abc00000070008000000000000000'"),
    ("account_id", "'nobody'"),
    ("object_kind", "'partner'"),
    ("object_id", "NULL"),
    ("object_id", "upper(object_id)"),
    ("object_id", "CAST(object_id AS BLOB)"),
    ("object_id", "X'FF'"),
    ("purpose", "NULL"),
    ("purpose", "'audit'"),
    ("purpose", "CAST(X'C328' AS TEXT)"),
    ("fields", "'[]'"),
    ("fields", "fields || ' '"),
    ("fields", '\'["title_ja", "title_en"]\''),
    ("fields", "'{'"),
    ("fields", "'null'"),
    # Whatever the digit was, another one: a fixed one would leave one log in sixteen as it is.
    ("previous", "iif(previous LIKE 'f%', '0', 'f') || substr(previous, 2)"),
    ("previous", "previous || ' '"),
    ("mac", "upper(mac)"),
    ("mac", "'é'"),
    ("mac", "substr(mac, 1, 63)"),
]


@pytest.mark.sqlite("how it spells what is stored")
@pytest.mark.parametrize(("column", "value"), EDITS)
def test_every_edit_is_caught(opened: Session, column: str, value: str) -> None:
    for seq in (1, 5, LENGTH):
        with opened.begin_nested() as savepoint:
            opened.execute(text(f"UPDATE audit_entries SET {column} = {value} WHERE seq = {seq}"))
            fault = _fault(opened)
            assert (fault.seq, fault.kind) == (seq, FaultKind.EDITED), fault
            savepoint.rollback()


@pytest.mark.parametrize(("first", "last"), [(1, 1), (1, 3), (4, 4), (4, 6), (8, 8)])
def test_deletions_are_caught(opened: Session, first: int, last: int) -> None:
    opened.execute(text(f"DELETE FROM audit_entries WHERE seq BETWEEN {first} AND {last}"))
    assert _fault(opened) == Fault(first, FaultKind.MISSING, _fault(opened).detail)


def test_a_deletion_whose_gap_is_closed_is_caught(opened: Session) -> None:
    opened.execute(text("DELETE FROM audit_entries WHERE seq = 4"))
    opened.execute(text("UPDATE audit_entries SET seq = seq - 1 WHERE seq > 4"))
    fault = _fault(opened)
    assert (fault.seq, fault.kind) == (4, FaultKind.REORDERED)
    assert "written as entry 5" in fault.detail


def test_a_swap_is_caught(opened: Session) -> None:
    for before, after in ((3, 99), (7, 3), (99, 7)):
        opened.execute(text(f"UPDATE audit_entries SET seq = {after} WHERE seq = {before}"))
    fault = _fault(opened)
    assert (fault.seq, fault.kind) == (3, FaultKind.REORDERED)
    assert "written as entry 7" in fault.detail


@pytest.mark.parametrize("seq", [0, -1, LENGTH + 1])
def test_an_insertion_is_caught(opened: Session, seq: int) -> None:
    names = ", ".join(COLUMNS[1:-1])
    opened.execute(
        text(
            f"INSERT INTO audit_entries SELECT {seq}, {names}, '{'a' * 64}' FROM audit_entries "
            f"WHERE seq = {LENGTH}"
        )
    )
    fault = _fault(opened)
    assert (fault.seq, fault.kind) == (max(seq, 1), FaultKind.EDITED)


def _rechain(session: Session, key: bytes, change: Callable[[dict[str, Any]], None]) -> None:
    rows = session.execute(audit_chain.TABLE.select().order_by(text("seq"))).mappings().all()
    session.execute(text("DELETE FROM audit_entries"))
    previous = GENESIS
    for row in rows:
        entry = dict(row)
        change(entry)
        entry["previous"] = previous
        entry["mac"] = previous = mac_of(key, entry)
        session.execute(audit_chain.TABLE.insert(), entry)


def test_a_log_chained_anew_with_another_key_is_caught(opened: Session) -> None:
    _rechain(opened, b"x" * 32, lambda entry: entry.update(role="company"))
    fault = _fault(opened)
    assert (fault.seq, fault.kind) == (1, FaultKind.EDITED)
    assert "another secret key" in fault.detail


def test_a_log_chained_anew_with_the_key_needs_a_head(opened: Session, head: Head) -> None:
    """Whoever has both the key and the database is found by what was exported before."""
    _rechain(opened, audit_chain.audit_key(), lambda entry: entry.update(role="company"))
    assert verify(opened).fault is None
    assert _fault(opened, head).kind is FaultKind.REPLACED


@pytest.mark.parametrize("kept", [0, 1, LENGTH - 1])
def test_only_a_head_tells_of_a_cut_end(opened: Session, head: Head, kept: int) -> None:
    opened.execute(text(f"DELETE FROM audit_entries WHERE seq > {kept}"))
    assert verify(opened).fault is None
    fault = _fault(opened, head)
    assert (fault.seq, fault.kind) == (kept + 1, FaultKind.TRUNCATED)


def test_an_older_database_is_caught_by_a_newer_head(log: Database, tmp_path: Path) -> None:
    restore = keep(log, tmp_path)
    _write(log, 3)
    with log.reading() as session:
        newer = export_head(session)
    restore()
    with log.reading() as session:
        assert verify(session).fault is None
        fault = _fault(session, newer)
    assert (fault.seq, fault.kind) == (LENGTH + 1, FaultKind.TRUNCATED)
    _write(log, 5)  # the restored one is written on, past the head
    with log.reading() as session:
        assert verify(session).fault is None
        fault = _fault(session, newer)
    assert (fault.seq, fault.kind) == (LENGTH + 3, FaultKind.REPLACED)


def test_an_entry_of_another_history_is_caught(log: Database, tmp_path: Path) -> None:
    """Both were written by the program, but not behind each other."""
    restore = keep(log, tmp_path)
    _write(log, 2)
    with log.reading() as session:
        other = session.execute(audit_chain.TABLE.select().where(text(f"seq = {LENGTH + 2}"))).one()
    restore()
    _write(log, 1)
    with log.engine.begin() as connection:
        connection.execute(audit_chain.TABLE.insert(), dict(other._mapping))
    with log.reading() as session:
        fault = _fault(session)
    assert (fault.seq, fault.kind) == (LENGTH + 2, FaultKind.REORDERED)


@pytest.mark.parametrize(
    "change", [{"seq": 3}, {"count": 3}, {"mac": GENESIS}, {"at": "2026-01-01"}, {"seal": "é"}]
)
def test_a_forged_head_is_caught(log: Database, head: Head, change: dict[str, Any]) -> None:
    with log.reading() as session:
        assert _fault(session, replace(head, **change)).kind is FaultKind.FORGED_HEAD


# Whatever is done to the log as it was exported, it is noticed.

SPELLINGS = (
    "upper({})",
    "{} || ' '",
    "' ' || {}",
    "{} || '0'",
    "CAST({} AS BLOB)",
    "substr({}, 2)",
)
VALUES = strategies.one_of(
    strategies.text(max_size=70),
    strategies.binary(max_size=40),
    strategies.integers(-(2**40), 2**40),
    strategies.none(),
)
ROW = strategies.integers(1, LENGTH)
COLUMN = strategies.sampled_from(COLUMNS)
MUTATIONS = strategies.one_of(
    strategies.tuples(strategies.just("set"), ROW, COLUMN, VALUES),
    strategies.tuples(strategies.just("spell"), ROW, COLUMN, strategies.sampled_from(SPELLINGS)),
    strategies.tuples(strategies.just("copy"), ROW, COLUMN, ROW),
    strategies.tuples(strategies.just("delete"), strategies.sets(ROW, min_size=1)),
    strategies.tuples(strategies.just("close"), strategies.sets(ROW, min_size=1)),
    strategies.tuples(strategies.just("order"), strategies.permutations(range(1, LENGTH + 1))),
)


def _mutate(session: Session, mutation: tuple[Any, ...]) -> None:
    what, *how = mutation
    if what == "set":
        row, column, value = how
        session.execute(
            text(f"UPDATE audit_entries SET {column} = :value WHERE seq = {row}"), {"value": value}
        )
    elif what == "spell":
        row, column, spelling = how
        value = spelling.format(column)
        session.execute(text(f"UPDATE audit_entries SET {column} = {value} WHERE seq = {row}"))
    elif what == "copy":
        row, column, other = how
        value = f"(SELECT {column} FROM audit_entries WHERE seq = {other})"
        session.execute(text(f"UPDATE audit_entries SET {column} = {value} WHERE seq = {row}"))
    elif what in ("delete", "close"):
        gone = ", ".join(map(str, how[0]))
        session.execute(text(f"DELETE FROM audit_entries WHERE seq IN ({gone})"))
        if what == "close":
            left = session.scalars(text("SELECT seq FROM audit_entries ORDER BY seq")).all()
            for after, before in enumerate(left, 1):
                session.execute(
                    text(f"UPDATE audit_entries SET seq = {after} WHERE seq = {before}")
                )
    else:
        session.execute(text("UPDATE audit_entries SET seq = seq + 100"))
        for after, before in enumerate(how[0], 1):
            session.execute(
                text(f"UPDATE audit_entries SET seq = {after} WHERE seq = {before + 100}")
            )


def _content(session: Session) -> list[Any]:
    cells = ", ".join(f"typeof({name}), CAST({name} AS BLOB)" for name in COLUMNS)
    return [tuple(row) for row in session.execute(text(f"SELECT {cells} FROM audit_entries"))]


# Each example is undone by its rollback, so one log does for all.
@pytest.mark.sqlite("how it spells what is stored")
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutation=MUTATIONS)
def test_every_mutation_is_caught(log: Database, mutation: tuple[Any, ...]) -> None:
    with log.writes() as session:
        head = export_head(session)
        before = _content(session)
        _open(session)
        try:
            _mutate(session, mutation)
        except (IntegrityError, OverflowError):
            refused = True
        else:
            refused = _content(session) == before
        if not refused:
            assert verify(session, head).fault is not None
        session.rollback()


def test_ids_of_entries_are_as_stored(log: Database) -> None:
    """What is signed is what a reader of the log sees."""
    with log.reading() as session:
        row = session.execute(text("SELECT object_id, mac FROM audit_entries WHERE seq = 1")).one()
        entry = session.execute(audit_chain.TABLE.select().where(text("seq = 1"))).mappings().one()
    assert entry["object_id"] == UUID(str(row.object_id))
    assert mac_of(audit_chain.audit_key(), dict(entry)) == row.mac
