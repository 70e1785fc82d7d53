import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.db import Database
from app.routes import health
from app.schemas.health import ReadyOut
from app.services.corpus import Engine
from app.services.engines import Engines
from app.services.keys import create_key
from app.services.readiness import readiness
from matching.encoders import EncoderError, Progress, Role, Vectors
from matching.encoders.hashing import HashingEncoder
from models import Role as KeyRole
from tests.app.asking import Body, capability, create, get, need, organisation, partner, problem
from tests.conftest import serving, with_key
from tests.factories import make_capability, make_partner

SECONDS = 10
"""Longer than anything here takes; reached only by a failure."""


class GatedEncoder(HashingEncoder):
    """Blocks on texts of the shut roles until `gate` is opened, like a model that still loads."""

    def __init__(self, *shut: Role) -> None:
        self.gate = threading.Event()
        self.waiting = threading.Event()
        self._shut = shut

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Progress | None = None
    ) -> Vectors:
        if role in self._shut:
            self.waiting.set()
            assert self.gate.wait(3 * SECONDS)
        return super().encode(texts, role=role, progress=progress)


class BrokenEncoder(HashingEncoder):
    """Cannot be loaded."""

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Progress | None = None
    ) -> Vectors:
        raise EncoderError("the weights are gone")


@contextmanager
def opened_at_the_end(encoder: GatedEncoder) -> Iterator[None]:
    """Whatever fails, nothing is left waiting."""
    try:
        yield
    finally:
        encoder.gate.set()


def _engine(database: Database, encoder: HashingEncoder, *, inline: int = 32) -> Engine:
    return Engine.make(database, encoder, inline=inline, sentence_cache=100)


def _coordinator(client: TestClient, database: Database) -> TestClient:
    with database.writing() as session:
        _, secret = create_key(session, name="coordinator", role=KeyRole.COORDINATOR)
    return with_key(client, secret)


def _ready(client: TestClient) -> Body:
    """What /readyz says once the corpus is loaded."""
    deadline = time.monotonic() + SECONDS
    while client.get("/readyz").status_code == 503 and time.monotonic() < deadline:
        time.sleep(0.005)
    return get(client, "/readyz")


def test_healthz(anonymous: TestClient) -> None:
    assert get(anonymous, "/healthz") == {"status": "ok"}


def test_readyz(anonymous: TestClient, staff: TestClient) -> None:
    stored = create(staff, "/v1/partners", partner())
    create(staff, f"/v1/partners/{stored['id']}/capabilities", capability())
    found = _ready(anonymous)
    assert found["status"] == "ready"
    assert found["encoder"].startswith("hashing")
    assert found["pending_embeddings"] == 0


def test_readyz_without_an_encoder(application: FastAPI, database: Database) -> None:
    with database.writing() as session:
        make_capability(session, make_partner(session))
    with serving(application, _engine(database, BrokenEncoder())) as client:
        assert get(client, "/healthz") == {"status": "ok"}
        answer = client.get("/readyz")
        problem(answer, 503)
        assert answer.headers["retry-after"]


def test_readyz_without_a_database(anonymous: TestClient, database: Database) -> None:
    _ready(anonymous)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE corpus_revision RENAME TO gone")
    problem(anonymous.get("/readyz"), 503)
    assert get(anonymous, "/healthz") == {"status": "ok"}


def test_readyz_while_the_database_hangs(
    anonymous: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many ask: each is told no in time, one thread waits, and then all is as before."""
    _ready(anonymous)
    let_go, asked = threading.Event(), []

    def hanging(engines: Engines) -> ReadyOut:
        asked.append(engines)
        assert let_go.wait(6 * SECONDS)
        return readiness(engines)

    monkeypatch.setattr(health, "WAIT_SECONDS", 0.1)
    monkeypatch.setattr(health, "readiness", hanging)
    with ThreadPoolExecutor(4) as threads:
        try:
            answers = list(threads.map(lambda _: anonymous.get("/readyz"), range(8)))
            assert get(anonymous, "/healthz") == {"status": "ok"}
            assert len(asked) == 1
        finally:
            let_go.set()
    for answer in answers:
        assert "does not answer" in problem(answer, 503)["detail"]
        assert answer.headers["retry-after"]
    monkeypatch.setattr(health, "WAIT_SECONDS", 12 * SECONDS)
    assert _ready(anonymous)["status"] == "ready"


def test_readyz_of_a_server_that_says_nothing(
    anonymous: TestClient, application: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the connection, and there it ends."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = Database.at(f"postgresql://me@127.0.0.1:{silent.getsockname()[1]}/none")
        monkeypatch.setattr(application.state.engines, "database", database)
        monkeypatch.setattr(health, "WAIT_SECONDS", 0.5)  # libpq itself would wait for five
        assert "does not answer" in problem(anonymous.get("/readyz"), 503)["detail"]


def test_healthz_answers_while_the_encoder_loads_and_matches_wait(
    application: FastAPI, database: Database
) -> None:
    with database.writing() as session:
        make_capability(session, make_partner(session))
    encoder = GatedEncoder("query", "passage")
    with (
        ThreadPoolExecutor(4) as threads,
        serving(application, _engine(database, encoder)) as client,
        opened_at_the_end(encoder),
    ):
        assert encoder.waiting.wait(SECONDS)  # the worker has begun to load it
        problem(client.get("/readyz"), 503)
        staff = _coordinator(client, database)  # in the same event loop
        answer = threads.submit(client.get, "/healthz")
        assert answer.result(SECONDS).json() == {"status": "ok"}
        match = threads.submit(staff.post, "/v1/match", json={"text": "citrus juice"})
        for _ in range(3):
            answer = threads.submit(client.get, "/healthz")
            assert answer.result(SECONDS).json() == {"status": "ok"}
        listed = threads.submit(staff.get, "/v1/partners")
        assert len(listed.result(SECONDS).json()["items"]) == 1
        assert not match.done()
        encoder.gate.set()
        assert len(match.result(SECONDS).json()["items"]) == 1
        _ready(client)


def test_many_new_texts_count_by_words_until_the_background_has_embedded_them(
    application: FastAPI, database: Database
) -> None:
    encoder = GatedEncoder("passage")
    with (
        serving(application, _engine(database, encoder, inline=4)) as client,
        opened_at_the_end(encoder),
    ):
        staff = _coordinator(client, database)
        home = create(staff, "/v1/organisations", organisation())
        buses = create(staff, "/v1/partners", partner(name_en="Buses"))["id"]
        juice = create(staff, "/v1/partners", partner(name_en="Juice"))["id"]
        items = [
            capability(partner_id=buses, title_en=f"Bus line {i}", text_en="Late buses")
            for i in range(4)
        ]
        items.append(capability(partner_id=juice))
        create(staff, "/v1/capabilities/bulk", {"items": items})
        stored = create(staff, "/v1/needs", need(organisation_id=home["id"]))
        path = f"/v1/needs/{stored['id']}/matches"

        found = get(staff, path, explain=False)
        assert found["pending_embeddings"] == 5
        assert found["items"][0]["partner"]["id"] == juice
        assert _signal(found["items"][0], "topic") is None
        assert _signal(found["items"][0], "profile_words") > 0
        assert get(staff, "/readyz")["pending_embeddings"] == 5

        encoder.gate.set()
        deadline = time.monotonic() + SECONDS
        while (found := get(staff, path))["pending_embeddings"] and time.monotonic() < deadline:
            time.sleep(0.01)
        assert found["pending_embeddings"] == 0
        assert found["items"][0]["partner"]["id"] == juice
        assert _signal(found["items"][0], "topic") > 0


def test_few_new_texts_are_embedded_by_the_request(
    application: FastAPI, database: Database
) -> None:
    with serving(application, _engine(database, HashingEncoder(), inline=4)) as client:
        staff = _coordinator(client, database)
        juice = create(staff, "/v1/partners", partner())["id"]
        items = [capability(partner_id=juice, title_en=f"Juice {i}") for i in range(4)]
        create(staff, "/v1/capabilities/bulk", {"items": items})
        assert _ready(staff)["pending_embeddings"] == 0


def _signal(item: Body, name: str) -> float:
    values = {signal["name"]: signal["value"] for signal in item["signals"]}
    value: float = values[name]
    return value
