"""Engine and sessions, and the rules that hold for every connection and every flush."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from app import auditing
from app.access import Actor
from app.audit_chain import Draft, append
from app.batching import Batches
from app.contexts import KEY, NOBODY, SYSTEM, Context, context_of, declare
from app.errors import Problem
from models import Capability, Cluster, CorpusRevision, Organisation, Partner, Unavailability

MATCHED = (Partner, Unavailability, Capability, Organisation, Cluster)
"""What the corpus is made from: a change of any of it makes a new corpus revision. Needs are read
anew for each list."""

CONNECTIONS = 50
"""More than the threads that answer requests (40), so that none waits for another's."""

BUSY_TIMEOUT_SECONDS = 30

SQLITE_PRAGMAS = ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "secure_delete=ON")
"""The last overwrites with zeros what is deleted or changed: names must not outlive their rows."""


def make_engine(url: str) -> Engine:
    """An engine for the URL, which never shows parameters (confidential texts) in its errors.

    For SQLite the folder is made, and each connection gets WAL,
    enforced foreign keys, synchronous FULL, a busy timeout, and deleted content overwritten.
    PostgreSQL is spoken to by psycopg 3, with or without its name in the URL.
    """
    parsed = _with_driver(make_url(url))
    if parsed.get_backend_name() != "sqlite":
        return create_engine(
            parsed,
            pool_pre_ping=True,
            pool_size=CONNECTIONS,
            hide_parameters=True,
        )
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        parsed,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS},
        pool_size=CONNECTIONS,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _with_driver(url: URL) -> URL:
    """The URL as everybody else writes it (libpq's two spellings), with the driver that we have."""
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    return url


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # pysqlite must not begin transactions on its own
    cursor = connection.cursor()
    for pragma in SQLITE_PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails at once when another writer was in
    # between, whatever the busy timeout: a writer takes its lock at the start.
    mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


@dataclass(frozen=True, slots=True)
class Database:
    """Sessions that read and sessions that write, each for an actor or in another context.

    Without one, PostgreSQL shows them nothing that is protected; a test sees to it that every
    caller of ours says for whom.
    """

    engine: Engine
    reads: sessionmaker[Session]
    writes: sessionmaker[Session]
    _reads: Batches[Draft] = field(default_factory=Batches, init=False, repr=False, compare=False)
    """Of readers who wait for their entries: one commit, which takes milliseconds, for all."""

    @classmethod
    def at(cls, url: str) -> Self:
        """The database at a URL; nothing is opened yet."""
        engine = make_engine(url)
        writing = engine.execution_options(sqlite_begin="IMMEDIATE")
        # One snapshot for all that a reader sees; SQLite's deferred transactions have it anyway.
        on_server = engine.dialect.name == "postgresql"
        reading = (
            engine.execution_options(isolation_level="REPEATABLE READ") if on_server else engine
        )
        return cls(
            engine,
            sessionmaker(reading, expire_on_commit=False),
            sessionmaker(writing, expire_on_commit=False),
        )

    @contextmanager
    def reading(self, who: Actor | Context = NOBODY) -> Iterator[Session]:
        """A session for reading only.

        What staff was shown is in the audit log before the block ends, or the block fails with
        Problem 503: an answer that leaves after it is recorded.
        """
        with self.reads(info={KEY: context_of(who)}) as session:
            yield session
            reads = auditing.take_reads(session)
        if reads:
            self._record(reads)

    @contextmanager
    def writing(self, who: Actor | Context = NOBODY) -> Iterator[Session]:
        """A session that commits at the end of the block, or rolls back at an error."""
        with self.writes(info={KEY: context_of(who)}) as session, session.begin():
            yield session

    def _record(self, reads: Sequence[Draft]) -> None:
        try:
            self._reads.do(reads, self._append)
        except SQLAlchemyError as error:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The audit log cannot be written, so nothing confidential is shown: try again "
                "shortly.",
                headers={"Retry-After": "2"},
            ) from error

    def _append(self, reads: Sequence[Draft]) -> None:
        with self.writing(SYSTEM) as session:
            append(session, reads)


auditing.install(Session)


@event.listens_for(Session, "after_begin")
def _say_for_whom(session: Session, _transaction: Any, connection: Connection) -> None:
    declare(connection, session.info.get(KEY, NOBODY))


@event.listens_for(Session, "before_flush")
def _raise_revision(session: Session, _context: Any, _instances: Any) -> None:
    changed = chain(session.new, (o for o in session.dirty if session.is_modified(o)))
    if any(isinstance(o, MATCHED) for o in chain(changed, session.deleted)):
        session.execute(update(CorpusRevision).values(value=CorpusRevision.value + 1))
