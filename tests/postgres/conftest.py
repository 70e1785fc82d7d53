"""Every fixture of the other tests, on a database of a real PostgreSQL server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from app.db import Database
from tests.conftest import Fresh, on_server
from tests.servers import new_database, plain

QUICK = ("test_distribution.py", "test_row_security.py", "test_visible_rows.py")
"""What has no counterpart on SQLite: who may see a row is the server's own word."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All others are slow: they run what `make test` runs on SQLite, on a server beside it."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.name not in QUICK:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def fresh(server: URL, migrated: URL) -> Fresh:
    """On the server, whatever `--database` says."""
    return on_server(server, migrated)


@pytest.fixture
def empty(server: URL) -> Iterator[Database]:
    """A database without tables."""
    with new_database(server) as url:
        database = Database.at(plain(url))
        yield database
        database.engine.dispose()
