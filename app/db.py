"""Engine and sessions, and the rules that hold for every connection and every flush."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from app import auditing, changes
from app.access import Actor
from app.audit_chain import Draft, append
from app.batching import Batches
from app.contexts import (
    AUTHENTICATION,
    KEY,
    NOBODY,
    SYSTEM,
    Context,
    bound_waiting,
    context_of,
    declare,
)
from app.db_engines import BUSY_TIMEOUT_SECONDS, CONNECTIONS, make_engine
from app.errors import OutcomeUnknown, Problem
from app.metrics import AUDIT_COMMIT_SECONDS
from app.replicas import Replica

__all__ = ["BUSY_TIMEOUT_SECONDS", "Database", "make_engine"]

logger = logging.getLogger(__name__)


READ_ONLY: Final = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""One snapshot for all that a reader sees; SQLite's deferred transactions have it anyway."""


@dataclass(frozen=True, slots=True)
class Database:
    """Sessions that read and sessions that write, each for an actor or in another context.

    Without one, PostgreSQL shows them nothing that is protected; a test sees to it that every
    caller of ours says for whom.
    """

    engine: Engine
    reads: sessionmaker[Session]
    writes: sessionmaker[Session]
    replica: Replica | None = None
    _recorded: Batches[Draft] = field(
        default_factory=Batches, init=False, repr=False, compare=False
    )
    """Of readers who wait for their entries: one commit, which takes milliseconds, for all."""

    @classmethod
    def at(cls, url: str, *, replica: str = "", connections: int = CONNECTIONS) -> Self:
        """The database at a URL, with a streaming replica for reads if there is one.

        Nothing is opened yet. ValueError if either of two is not PostgreSQL.
        """
        engine = make_engine(url, connections=connections)
        writing = engine.execution_options(sqlite_begin="IMMEDIATE")
        on_server = engine.dialect.name == "postgresql"
        reading = engine.execution_options(**READ_ONLY) if on_server else engine
        return cls(
            engine,
            sessionmaker(reading, expire_on_commit=False),
            sessionmaker(writing, expire_on_commit=False),
            Replica(replica, primary=engine, connections=connections) if replica else None,
        )

    def dispose(self) -> None:
        """Close all connections that nobody uses."""
        self.engine.dispose()
        if self.replica is not None:
            self.replica.engine.dispose()

    @contextmanager
    def reading(self, who: Actor | Context = NOBODY) -> Iterator[Session]:
        """A session for reading only: it sees all that was committed before it began.

        On the replica, if there is one that has caught up; jobs and commands, and the question who
        calls, read on the primary in any case. What staff was shown is in the audit log before the
        block ends, or the block fails with
        Problem 503: an answer that leaves after it is recorded.
        """
        with ExitStack() as stack:
            session = stack.enter_context(self._reads(context_of(who), stack))
            yield session
            reads = auditing.take_reads(session)
        if reads:
            self._record(reads)

    def _reads(self, context: Context, stack: ExitStack) -> Session:
        info = {KEY: context}
        if self.replica is not None and context not in (SYSTEM, AUTHENTICATION):
            connection = stack.enter_context(self.replica.connection())
            if connection is not None:
                connection.execution_options(**READ_ONLY)
                return self.reads(bind=connection, info=info)
        return self.reads(info=info)

    @contextmanager
    def writing(self, who: Actor | Context = NOBODY) -> Iterator[Session]:
        """A session that commits at the end of the block, or rolls back at an error.

        OutcomeUnknown (Problem 503) if the connection breaks during the commit itself.
        """
        with self.writes(info={KEY: context_of(who)}) as session, session.begin():
            yield session
            if not (session.in_transaction() and session.is_active):
                return  # the block has caught what rolled it back: there is nothing to commit
            # All that can fail before the commit; each lock in the order of the hooks below.
            changes.log(session)
            auditing.flush_entries(session)
            try:
                session.commit()
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise OutcomeUnknown from error
                raise

    @contextmanager
    def recording(self) -> Iterator[Session]:
        """A session of the program itself that records what is about to be shown, as `writing`.

        Problem 503 if it cannot.
        """
        with _refusing(), AUDIT_COMMIT_SECONDS.time(), self.writing(SYSTEM) as session:
            bound_waiting(session.connection())
            yield session

    def _record(self, reads: Sequence[Draft]) -> None:
        with _refusing(), AUDIT_COMMIT_SECONDS.time():
            self._recorded.do(reads, self._append)

    def _append(self, reads: Sequence[Draft]) -> None:
        with self.writing(SYSTEM) as session:
            bound_waiting(session.connection())
            append(session, reads)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OutcomeUnknown) as error:
        logger.exception("the audit log cannot be written")
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The audit log cannot be written, so nothing confidential is shown: try again shortly.",
            headers={"Retry-After": "2"},
        ) from error


# In this order: the revision is locked first, always, and the audit log last.
changes.install(Session)
auditing.install(Session)


@event.listens_for(Session, "after_begin")
def _say_for_whom(session: Session, _transaction: Any, connection: Connection) -> None:
    declare(connection, session.info.get(KEY, NOBODY))
