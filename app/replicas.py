"""A streaming replica of PostgreSQL that takes reads off the primary, and never shows less.

A read on the replica begins only once it has replayed all that the primary had written to its log
when the read was asked for: a key that was revoked, a consent that was withdrawn and one's own
writes are seen by the very next read. Whenever that cannot be said, the primary is read.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final

from prometheus_client import Counter, Gauge
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.db_engines import SERVER_OPTIONS, make_engine

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = 5.0
"""After which a replica that failed is tried again, by one read."""

OPTIONS: Final = {**SERVER_OPTIONS, "connect_timeout": 2, "tcp_user_timeout": 5_000}
"""There is another server to ask: it is given up sooner."""


class ReplicaState(StrEnum):
    """What the last read found."""

    UP = "up"
    BEHIND = "behind"
    """It answers, but has not replayed everything yet."""
    DOWN = "down"


READS: Final = Counter(
    "enmusubi_replica_reads",
    "Reads that a replica could serve, by the state it was found in; only `up` was served by it.",
    ["state"],
)
USABLE: Final = Gauge(
    "enmusubi_replica_up",
    "1 if the last read found the replica usable, else 0.",
    multiprocess_mode="livemin",  # of several processes, the one that fares worst
)

_POSITION: Final = text(
    "SELECT (pg_control_system()).system_identifier,"
    " ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::int,"
    # Without synchronous commits, what is acknowledged may not be flushed yet.
    " CASE WHEN current_setting('synchronous_commit') = 'off'"
    " THEN pg_current_wal_insert_lsn() ELSE pg_current_wal_flush_lsn() END::text"
)
"""Which cluster, on which timeline, how far its log is."""

_REACHED: Final = text(
    "SELECT pg_is_in_recovery()"
    " AND (pg_control_system()).system_identifier = :cluster"
    " AND (pg_control_checkpoint()).timeline_id = :timeline"
    " AND coalesce(pg_last_wal_replay_lsn() >= CAST(:position AS pg_lsn), false)"
)
"""Positions of two timelines cannot be compared: a replica that has not followed a change of the
primary might seem to be ahead. It counts as behind until its next restart point."""


class Replica:
    """Connections to a replica, handed out when it is as far as the primary."""

    def __init__(self, url: str, *, primary: Engine, connections: int) -> None:
        """Nothing is opened yet."""
        self.engine = make_engine(url, connections=connections, options=OPTIONS)
        if self.engine.dialect.name != "postgresql" or primary.dialect.name != "postgresql":
            raise ValueError("A database for reads is a streaming replica: both are PostgreSQL.")
        self._primary = primary.execution_options(isolation_level="AUTOCOMMIT")
        self._lock = threading.Lock()
        self._retry_at = 0.0
        self._state: ReplicaState | None = None
        event.listen(self.engine, "handle_error", self._note)

    @property
    def state(self) -> ReplicaState | None:
        """As the last read found it; None before the first."""
        return self._state

    @contextmanager
    def connection(self) -> Iterator[Connection | None]:
        """A connection to read by, no transaction begun; None if the primary is to be read."""
        connection = self._ready()
        READS.labels(self._state or ReplicaState.DOWN).inc()
        if connection is None:
            yield None
            return
        try:
            yield connection
        finally:
            connection.close()

    def _ready(self) -> Connection | None:
        if not self._may_try():
            return None
        # Asked first: what is written afterwards, nobody can have been told of before the read.
        with self._primary.connect() as primary:
            position = tuple(primary.execute(_POSITION).one())
        connection = None
        try:
            connection = self.engine.connect()
            # In a transaction of its own: that of the read must begin after the answer.
            connection.execution_options(isolation_level="AUTOCOMMIT")
            names = ("cluster", "timeline", "position")
            reached = connection.scalar(_REACHED, dict(zip(names, position, strict=True)))
            connection.rollback()
        except (DBAPIError, PoolTimeoutError) as error:
            if connection is not None:
                connection.close()
            self._found(ReplicaState.DOWN, error)
            return None
        self._found(ReplicaState.UP if reached else ReplicaState.BEHIND)
        if not reached:
            connection.close()
            return None
        return connection

    def _may_try(self) -> bool:
        with self._lock:
            if self._state is not ReplicaState.DOWN:
                return True
            if time.monotonic() < self._retry_at:
                return False
            self._retry_at = time.monotonic() + RETRY_SECONDS  # the others do not wait for this one
            return True

    def _found(self, state: ReplicaState, error: Exception | None = None) -> None:
        with self._lock:
            before, self._state = self._state, state
            if state is ReplicaState.DOWN:
                self._retry_at = time.monotonic() + RETRY_SECONDS
        USABLE.set(state is ReplicaState.UP)
        if state is ReplicaState.DOWN and before is not ReplicaState.DOWN:
            logger.warning("the read replica is not usable; the primary is read", exc_info=error)
        elif before is ReplicaState.DOWN and state is not ReplicaState.DOWN:
            logger.warning("the read replica answers again")

    def _note(self, context: ExceptionContext) -> None:
        """A connection that breaks in the middle of a read: the next reads go elsewhere."""
        if context.is_disconnect:
            self._found(ReplicaState.DOWN, _error_of(context))


def _error_of(context: ExceptionContext) -> Exception | None:
    error: Any = context.sqlalchemy_exception or context.original_exception
    return error if isinstance(error, Exception) else None
