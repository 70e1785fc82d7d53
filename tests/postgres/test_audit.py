"""The audit log on PostgreSQL: one chain of many writers, a table that only grows."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.access import Actor
from app.auditing import acting
from app.db import Database
from app.services.audit import shown
from app.services.audit_heads import export_head
from app.services.audit_verification import FaultKind, verify
from models import (
    AuditEntry,
    Cluster,
    Confidentiality,
    CorpusRevision,
    ObjectKind,
    Partner,
    Role,
    new_id,
)
from tests.app.asking import eventually
from tests.factories import make_account, make_introduction, make_need, make_partner


def _fill(database: Database, number: int = 6) -> None:
    for _ in range(number):
        with database.writing() as session:
            session.add(Cluster(slug=f"c{new_id().hex}"))


def test_many_writers_make_one_chain(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: _fill(database, 20), range(8)))
    with database.reading() as session:
        assert list(session.scalars(select(AuditEntry.seq).order_by(AuditEntry.seq))) == list(
            range(1, 161)
        )
        assert verify(session).fault is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entries SET role = 'admin'",
        "DELETE FROM audit_entries",
        "TRUNCATE audit_entries",
    ],
)
def test_the_table_only_grows(database: Database, statement: str) -> None:
    _fill(database, 1)
    with (
        pytest.raises(DBAPIError, match="only grows"),
        database.engine.begin() as connection,  # as the superuser
    ):
        connection.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "seq", "kind"),
    [
        (
            "UPDATE audit_entries SET at = at + interval '1 microsecond' WHERE seq = 3",
            3,
            FaultKind.EDITED,
        ),
        ("UPDATE audit_entries SET fields = '[\"x\"]' WHERE seq = 1", 1, FaultKind.EDITED),
        ("DELETE FROM audit_entries WHERE seq = 4", 4, FaultKind.MISSING),
        ("DELETE FROM audit_entries WHERE seq > 4", 5, FaultKind.TRUNCATED),
    ],
)
def test_tampering_is_caught(database: Database, statement: str, seq: int, kind: FaultKind) -> None:
    _fill(database)
    with database.reading() as session:
        head = export_head(session)
        assert verify(session, head).fault is None
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER USER"))
        connection.execute(text(statement))
    with database.reading() as session:
        fault = verify(session, head).fault
    assert fault is not None
    assert (fault.seq, fault.kind) == (seq, kind)


def test_a_deletion_names_also_what_the_actor_does_not_see(database: Database) -> None:
    """The policies hide the introduction from a coordinator whom nobody has named."""
    with database.writing() as session:
        account = make_account(session)
        need = make_need(session, confidentiality=Confidentiality.NAMED_STAFF)
        partner = make_partner(session)
        brokered = make_introduction(session, need, partner).id
    actor = Actor(account_id=account.id, role=Role.COORDINATOR)
    with database.writing(actor) as session:
        acting(session, actor)
        session.delete(session.get_one(Partner, partner.id))
    with database.reading() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.event == "delete")).all()
        assert {(e.object_kind, e.object_id, e.account_id) for e in entries} == {
            ("introduction", brokered, account.id),
            ("partner", partner.id, account.id),
        }
        assert verify(session).fault is None


def test_a_reading_is_recorded(database: Database) -> None:
    actor = Actor(account_id=new_id(), role=Role.COORDINATOR)
    with database.reading(actor) as session:
        acting(session, actor)
        shown(session, ObjectKind.NEED, [new_id()])
    with database.reading() as session:
        entry = session.scalars(select(AuditEntry)).one()
    assert (entry.event, entry.account_id) == ("read", actor.account_id)


def test_who_only_reads_does_not_wait_for_a_change_of_the_encoder(database: Database) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"

    def read() -> None:
        with database.reading() as session:
            shown(session, ObjectKind.NEED, [new_id()])

    with ThreadPoolExecutor(2) as pool, database.engine.connect() as holder:
        holder.execute(select(CorpusRevision.value).with_for_update())
        writing = pool.submit(_fill, database, 1)
        with database.engine.connect() as other:
            autocommitted = other.execution_options(isolation_level="AUTOCOMMIT")
            eventually(lambda: autocommitted.scalar(text(waiting)), seconds=30)
        pool.submit(read).result(30)
        assert not writing.done()
        holder.rollback()
        writing.result(30)
    with database.reading() as session:
        assert verify(session).fault is None
