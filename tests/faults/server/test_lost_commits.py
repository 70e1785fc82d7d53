"""The connection breaks at COMMIT: nobody knows the outcome, and the answer says so."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.db import Database
from app.idempotency import REPLAYED
from app.services.idempotency import FIELD
from app.settings import Settings
from models import Need, Organisation
from tests.app.asking import create, eventually, need, organisation, problem
from tests.faults.server.breaking import Proxy, proxy
from tests.faults.server.clusters import Server

pytestmark = pytest.mark.slow


@pytest.fixture
def between(server: Server) -> Iterator[Proxy]:
    with proxy(server.port) as between:
        yield between


@pytest.fixture
def served(settings: Settings, server: Server, between: Proxy) -> Iterator[Database]:
    """The application's database, behind the proxy."""
    url = settings.database_url.get_secret_value()
    with ExitStack() as stack:
        database = Database.at(url.replace(f":{server.port}/", f":{between.port}/"))
        stack.callback(database.dispose)
        yield database


@pytest.mark.parametrize("stored", [True, False], ids=["committed", "lost"])
def test_a_commit_without_an_answer(
    staff: TestClient, company_id: str, database: Database, between: Proxy, stored: bool
) -> None:
    body = need(organisation_id=company_id)
    headers = {FIELD: "once"}
    between.arm(b"INSERT INTO needs", passing=stored)

    answer = staff.post("/v1/needs", json=body, headers=headers)

    told = problem(answer, 503)
    assert "may or may not" in told["detail"]
    assert answer.headers["Retry-After"]
    eventually(lambda: between.broken == 1)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Need)) == (1 if stored else 0)
    again = staff.post("/v1/needs", json=body, headers=headers)
    assert again.status_code == 201 or (stored and again.status_code == 409), again.text
    assert (again.headers.get(REPLAYED) == "true" or again.status_code == 409) == stored
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Need)) == 1


def test_a_connection_that_breaks_before_is_not_in_doubt(
    staff: TestClient, served: Database, database: Database
) -> None:
    """The pool's connections are dead: they are checked before use, so nobody notices."""
    create(staff, "/v1/organisations", organisation())
    with database.engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    create(staff, "/v1/organisations", organisation())
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Organisation)) == 2
