"""A primary and a replica of the tests' own; each test has a database on them.

The application connects as a role that owns nothing, as in daily service.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from app.db import Database
from app.migrations import upgrade
from app.services.corpus import Engine
from app.settings import Settings, get_settings
from matching.encoders import make_encoder
from tests.faults.server.clusters import Server, primary
from tests.servers import SystemDatabase, new_database, plain, run

WEB = "enmusubi_web"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The primary, running."""
    with primary() as server:
        run(server.url, f"CREATE ROLE {WEB} LOGIN")
        yield server


@pytest.fixture(scope="session")
def template(server: Server) -> Iterator[URL]:
    """A database made by the real migrations, copied for each test."""
    with new_database(server.url) as url:
        database = Database.at(plain(url))
        upgrade(database)
        database.dispose()
        run(server.url, f"GRANT enmusubi_app TO {WEB}")
        yield url


@pytest.fixture(scope="session")
def replica(server: Server, template: URL) -> Iterator[Server]:
    """Follows the primary."""
    replica = server.replicate()
    yield replica
    if replica.pid is not None:
        replica.stop()


@pytest.fixture
def settings(
    server: Server, template: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """Settings of a fresh, migrated database on the primary, for the application's role."""
    with new_database(server.url, str(template.database)) as url:
        monkeypatch.setenv("ENMUSUBI_DATABASE_URL", plain(url.set(username=WEB)))
        monkeypatch.setenv("ENMUSUBI_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("ENMUSUBI_ENCODER", "hashing")
        monkeypatch.setenv("ENMUSUBI_RATE_LIMITS", "false")
        monkeypatch.chdir(tmp_path)
        get_settings.cache_clear()
        yield get_settings()
        get_settings.cache_clear()


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """For factories and checks, on the primary."""
    database = SystemDatabase.at(settings.url)
    yield database
    database.dispose()


@pytest.fixture
def served(settings: Settings) -> Iterator[Database]:
    """The application's database."""
    database = Database.at(settings.url)
    yield database
    database.dispose()


@pytest.fixture
def engine(settings: Settings, served: Database) -> Engine:
    """The ranking engine on the application's database."""
    return Engine.make(
        served,
        make_encoder("hashing"),
        inline=settings.inline_embeddings,
        sentence_cache=1000,
    )
