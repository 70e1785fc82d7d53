from datetime import datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.db import Database
from app.jobs.uses import UsesWriter
from app.services.corpus import Engine
from app.services.keys import create_key, find_actor
from app.services.uses import Uses
from models import ApiKey, Role, utc_now
from tests.conftest import serving, with_key


def _last_use(database: Database) -> datetime | None:
    with database.reading() as session:
        return session.scalars(select(ApiKey)).one().last_used_at


def _used(database: Database, uses: Uses, secret: str) -> None:
    with database.reading() as session:
        actor = find_actor(session, secret)
    assert actor is not None
    uses.note(actor)


@pytest.fixture
def secret(database: Database) -> str:
    with database.writing() as session:
        _, secret = create_key(session, name="x", role=Role.COORDINATOR)
    return secret


def test_uses_are_written_together(database: Database, secret: str) -> None:
    uses = Uses()
    assert uses.write(database) == 0
    _used(database, uses, secret)
    _used(database, uses, secret)
    assert _last_use(database) is None
    assert uses.write(database) == 1
    last = _last_use(database)
    assert last is not None
    assert utc_now() - last < timedelta(minutes=1)
    assert uses.write(database) == 0


def test_a_use_changes_nothing_else(database: Database, secret: str) -> None:
    with database.reading() as session:
        before = session.scalars(select(ApiKey)).one().updated_at
    uses = Uses()
    _used(database, uses, secret)
    uses.write(database)
    with database.reading() as session:
        assert session.scalars(select(ApiKey)).one().updated_at == before


def test_a_read_does_not_wait_for_a_writer(
    anonymous: TestClient, database: Database, secret: str
) -> None:
    client = with_key(anonymous, secret)
    with database.writing() as session:
        session.scalars(select(ApiKey)).one().name = "being written"
        session.flush()
        assert client.get("/v1/needs").status_code == 200
    assert _last_use(database) is None


def test_what_cannot_be_written_is_kept(
    database: Database, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    uses = Uses()
    _used(database, uses, secret)
    nowhere = Database.at("sqlite:////proc/no-such-folder.db")
    UsesWriter(uses, nowhere).write()
    assert "tried again" in caplog.text
    assert uses.write(database) == 1


def test_the_service_writes_at_its_end(
    application: FastAPI, engine: Engine, database: Database, secret: str
) -> None:
    with serving(application, engine) as client:
        with_key(client, secret).get("/v1/needs")
    assert _last_use(database) is not None
