"""Every fixture of the other tests, on a database of a real PostgreSQL server."""

from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from app.db import Database
from tests.conftest import Fresh, on_server
from tests.servers import new_database, plain


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
