"""The server stops and starts under load; connections run out; nobody answers."""

import gc
import socket
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import count
from threading import Event

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app import db_engines
from app.db import Database
from app.services.corpus import Engine
from app.services.keys import create_key
from models import Need, Role
from tests.app.asking import capability, create, get, grown, need, partner, problem
from tests.conftest import serving, with_key
from tests.faults.server.clusters import Server, free_port

pytestmark = pytest.mark.slow

PATIENCE = 60
CLIENTS = 4


class Load:
    """Clients that write and read until they are stopped, and what they were answered."""

    def __init__(self, owner: str) -> None:
        self.stop = Event()
        self.sent: list[str] = []
        self.stored: list[str] = []
        self.refused: list[int] = []
        self.longest = 0.0
        self._owner = owner
        self._numbers = count()

    def work(self, client: TestClient) -> None:
        """One client."""
        while not self.stop.is_set():
            title = f"need {next(self._numbers)}"
            self.sent.append(title)
            body = need(title_en=title, organisation_id=self._owner)
            if self._ask(partial(client.post, "/v1/needs", json=body), 201):
                self.stored.append(title)
            self._ask(partial(client.get, "/v1/organisations"), 200)

    def _ask(self, ask: Callable[[], Response], status: int) -> bool:
        began = time.monotonic()
        answer = ask()
        self.longest = max(self.longest, time.monotonic() - began)
        if answer.status_code == status:
            return True
        problem(answer, 503)
        assert answer.headers["Retry-After"]
        self.refused.append(answer.status_code)
        time.sleep(0.05)
        return False


# A cursor on a connection that is gone cannot be closed; SQLAlchemy drops both.
@pytest.mark.filterwarnings("ignore:.*ServerCursor.* was deleted while still open:ResourceWarning")
def test_stopped_and_started_under_load(
    server: Server, staff: TestClient, company_id: str, database: Database
) -> None:
    load = Load(company_id)
    secret = staff.headers["Authorization"].removeprefix("Bearer ")
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(load.work, with_key(staff, secret)) for _ in range(CLIENTS)]
        try:
            for mode in ("immediate", "fast"):
                grown(load.stored, 10, PATIENCE)
                server.stop(mode)
                grown(load.refused, 8, PATIENCE)
                server.start()
            grown(load.stored, 10, PATIENCE)
        finally:
            load.stop.set()
        for client in clients:
            client.result()
    gc.collect()  # what cannot be closed goes here, and not in another test
    assert load.longest < PATIENCE
    with database.reading() as session:
        there = Counter(session.scalars(select(Need.title_en)))
    assert set(load.stored) <= set(there), "what was answered 201 is there"
    assert set(there) <= set(load.sent)
    assert set(there.values()) == {1}


def test_no_free_connection_is_a_503(
    staff: TestClient, served: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.engine.pool, "_timeout", 0.2)
    taken = []
    with suppress(PoolTimeout):  # the process itself may hold one, by which it hears of changes
        for _ in range(db_engines.CONNECTIONS):
            taken.append(served.engine.connect())  # noqa: PERF401 - all that were got are kept
    assert len(taken) >= db_engines.CONNECTIONS - 1
    answer = staff.get("/v1/organisations")
    for connection in taken:
        connection.close()
    problem(answer, 503)
    assert answer.headers["Retry-After"]
    get(staff, "/v1/organisations")


def test_few_connections_are_enough_for_many_requests(
    application: FastAPI, engine: Engine, served: Database, database: Database
) -> None:
    """Requests hold one and wait for another: no more are let in than leave some free."""
    with database.writing() as session:
        _, secret = create_key(session, name="coordinator", role=Role.COORDINATOR)
    small = Database.at(str(served.engine.url), connections=8)
    assert db_engines.requests_at_once(small.engine) == 3
    few = Engine.make(small, engine.encoder, inline=32, sentence_cache=1000)
    with serving(application, few) as client:
        staff = with_key(client, secret)
        somebody = create(staff, "/v1/partners", partner())
        create(staff, f"/v1/partners/{somebody['id']}/capabilities", capability())

        def ask(_: int) -> int:
            body = {"text": "Our citrus juice turns brown."}
            return with_key(client, secret).post("/v1/match", json=body).status_code

        with ThreadPoolExecutor(20) as pool:
            assert set(pool.map(ask, range(40))) == {200}


def test_a_server_that_never_answers_is_given_up() -> None:
    """The address is taken, and nobody speaks: as behind a firewall that swallows everything."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", free_port()))
        silent.listen()
        port = silent.getsockname()[1]
        database = Database.at(f"postgresql://web@127.0.0.1:{port}/x?connect_timeout=2")
        began = time.monotonic()
        with pytest.raises(OperationalError), database.engine.connect():
            pass
        assert time.monotonic() - began < PATIENCE
        database.dispose()
