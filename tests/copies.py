"""A database kept as it is and put back later, as from a backup, on either engine."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import URL

from app.db import Database
from tests.app.mailing import everything
from tests.servers import plain, run
from tests.statements import dispose_engines


def keep(database: Database, folder: Path) -> Callable[[], None]:
    """Keep what is committed; what is returned puts it back, once, and closes all connections."""
    url = database.engine.url
    if url.get_backend_name() == "sqlite":
        return _keep_file(database, str(url.database), folder / f"kept-{uuid4().hex}.db")
    name = str(url.database)
    copy = f"{name}_kept"
    server = url.set(database="postgres")
    _copy(server, name, copy)

    def put_back() -> None:
        run(server, f"DROP DATABASE {name} WITH (FORCE)")
        _copy(server, copy, name)
        run(server, f"DROP DATABASE {copy}")

    return put_back


def _copy(server: URL, one: str, other: str) -> None:
    """Nobody else may be in it; what belongs to tests is closed, and killed if it works on."""
    dispose_engines(one)
    run(
        server,
        f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{one}'",
    )
    run(server, f"CREATE DATABASE {other} TEMPLATE {one}")


def _keep_file(database: Database, file: str, copy: Path) -> Callable[[], None]:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))

    def put_back() -> None:
        database.dispose()
        for path in Path(file).parent.glob(f"{Path(file).name}*"):
            path.unlink()
        copy.rename(file)

    return put_back


def wipe(url: URL) -> None:
    """Leave a database without tables, or no file."""
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).unlink()
        return
    run(url, "DROP SCHEMA public, enmusubi_queue CASCADE")
    run(url, "CREATE SCHEMA public")


@contextmanager
def watching(database: Database) -> Iterator[Callable[[], int]]:
    """A number that is another one after every commit that wrote anything, whoever wrote it.

    By a connection of its own, outside of transactions: on SQLite it tells of others' commits; on
    PostgreSQL it is the next transaction's number, of which only those that write take one.
    """
    url = database.engine.url
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(url.database), isolation_level=None)) as own:
            yield lambda: _number(own.execute("PRAGMA data_version"))
        return
    with psycopg.connect(plain(url.set(drivername="postgresql")), autocommit=True) as connection:
        statement = sql.SQL("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        yield lambda: _number(connection.execute(statement))


@contextmanager
def noticing(database: Database) -> Iterator[Callable[[], int]]:
    """A number that is another one after every commit that changed anything.

    On PostgreSQL of all rows: who locks a row there takes a transaction's number, and writes
    nothing.
    """
    if database.engine.dialect.name == "postgresql":
        yield lambda: hash(repr(everything(database)))
        return
    with watching(database) as version:
        yield version


def _number(answer: Any) -> int:
    return int(answer.fetchone()[0])
