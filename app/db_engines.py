"""Engines: how many connections a process has, how long it waits, and what each is told first."""

import sqlite3
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url

CONNECTIONS: Final = 20
"""To a server, for each process, unless set otherwise: four processes stay below the 100 that
PostgreSQL admits by default."""

SQLITE_CONNECTIONS: Final = 50
"""To a file, which counts nobody."""

SPARE_CONNECTIONS: Final = 5
"""More than requests that are worked on at once. Each may hold one and wait for another, so there
must be some that nobody holds: else all would wait for each other."""

POOL_TIMEOUT_SECONDS: Final = 10
"""How long a request waits for a free connection before it is answered 503."""

BUSY_TIMEOUT_SECONDS: Final = 30

TURN_SECONDS: Final = 0.001
"""How often a writer to SQLite tries whether it is its turn. SQLite itself tries ever more seldom,
up to ten times a second: where others write all the time, it would miss each pause of theirs."""

SQLITE_PRAGMAS: Final = (
    "journal_mode=WAL",
    "foreign_keys=ON",
    "synchronous=FULL",
    "secure_delete=ON",
)
"""The last overwrites with zeros what is deleted or changed: names must not outlive their rows."""

SERVER_OPTIONS: Final[Mapping[str, Any]] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Of libpq, in seconds, the last in milliseconds: a server that is gone without a word is given up
after 5 s when connecting and after 20 to 25 s in the middle of a statement."""


def make_engine(
    url: str, *, connections: int = CONNECTIONS, options: Mapping[str, Any] = SERVER_OPTIONS
) -> Engine:
    """An engine for the URL, which never shows parameters (confidential texts) in its errors.

    For SQLite the folder is made, and each connection gets WAL,
    enforced foreign keys, synchronous FULL, a busy timeout, and deleted content overwritten.
    PostgreSQL is spoken to by psycopg 3, with or without its name in the URL, by at most that many
    `connections` and with these `options` unless the URL says otherwise.
    """
    parsed = _with_driver(make_url(url))
    if parsed.get_backend_name() != "sqlite":
        return _on_server(parsed, connections, options)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        parsed,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS},
        pool_size=SQLITE_CONNECTIONS,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _on_server(url: URL, connections: int, options: Mapping[str, Any]) -> Engine:
    arguments = {name: value for name, value in options.items() if name not in url.query}
    if "prepare_threshold" in url.query:  # psycopg's own: libpq would not know it
        threshold = str(url.query["prepare_threshold"])
        arguments["prepare_threshold"] = int(threshold) if threshold.isdecimal() else None
        url = url.difference_update_query(["prepare_threshold"])
    return create_engine(
        url,
        connect_args=arguments,
        pool_pre_ping=True,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_SECONDS,
        hide_parameters=True,
    )


def requests_at_once(engine: Engine) -> int:
    """How many requests may be worked on, so that none waits in vain for another's connection."""
    pool = engine.pool
    size = pool.size() if isinstance(pool, QueuePool) else SQLITE_CONNECTIONS
    return max(1, size - SPARE_CONNECTIONS)


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
    driver = connection.connection.driver_connection
    if mode == "IMMEDIATE" and isinstance(driver, sqlite3.Connection):
        _begin_in_turn(connection, driver)
    else:
        connection.exec_driver_sql(f"BEGIN {mode}")


def _begin_in_turn(connection: Connection, driver: sqlite3.Connection) -> None:
    """Begin to write as soon as nobody else does; OperationalError after the busy timeout."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    try:
        with suppress(sqlite3.Error):  # it comes again below, as SQLAlchemy tells it
            driver.execute("PRAGMA busy_timeout=0")
            while not _begun(driver) and time.monotonic() < deadline:
                time.sleep(TURN_SECONDS)
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        with suppress(sqlite3.Error):
            driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}")


def _begun(driver: sqlite3.Connection) -> bool:
    """True once it has begun to write; False if somebody else does."""
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        # Of a code the last byte; what is above it says which kind of busy.
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            return False
        raise
    return True
