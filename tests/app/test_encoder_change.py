"""A change of the encoder as those see it who ask for lists over HTTP meanwhile."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import delete

from app.contexts import SYSTEM
from app.db import Database
from app.jobs import changing, embedding
from app.main import create_app
from app.services.corpus import Engine
from app.services.embeddings import count_passages
from app.services.encoders import adopt, ask_for, serving
from app.services.engines import Engines
from app.services.keys import create_key
from app.settings import Settings
from models import Role, StoredEncoder
from tests.app.asking import Body, capability, create, eventually, get, partner, problem
from tests.app.encoders import (
    SUBJECTS,
    FakeEncoder,
    embed,
    engines,
    fill,
    left,
    maker,
    offered,
    right,
    wide,
)
from tests.conftest import with_key

TEXT = {"text": "bitter brown juice in bottles", "include_unavailable": True}


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three texts a chunk, and a note after each."""
    monkeypatch.setattr(embedding, "CHUNK", 3)
    monkeypatch.setattr(changing, "NOTE_SECONDS", 0)


@pytest.fixture
def need(database: Database) -> UUID:
    """An open need in a database that left has read."""
    need = fill(database)
    embed(database, left())
    return need


@contextmanager
def running(application: FastAPI, held: Engines) -> Iterator[TestClient]:
    """The service on these engines, called by a coordinator."""
    application.state.engines = held
    with held.database.writing(SYSTEM) as session:
        _, secret = create_key(session, name="coordinator", role=Role.COORDINATOR)
    with TestClient(application, raise_server_exceptions=False) as client:
        yield with_key(client, secret)


def lists(client: TestClient, need: UUID) -> Iterator[Body]:
    """The lists of each kind, one after the other."""
    yield get(client, f"/v1/needs/{need}/matches", explain="full")
    yield client.post("/v1/match", json=TEXT).json()
    best = get(client, f"/v1/needs/{need}/matches", top=1)["items"][0]
    yield get(client, f"/v1/partners/{best['partner']['id']}/matches")


@dataclass(frozen=True, slots=True)
class Expected:
    """What each encoder alone gives."""

    by_encoder: dict[str, list[Body]]

    def holds(self, found: Body) -> bool:
        """True if it is one of the lists of the encoder that it names."""
        return essence(found) in self.by_encoder[found["encoder"]]


def essence(found: Body) -> Body:
    """All of a list but the revision."""
    return {key: value for key, value in found.items() if key != "corpus_revision"}


def expected(
    application: FastAPI, database: Database, need: UUID, *encoders: FakeEncoder
) -> Expected:
    """Asked of services that know one encoder only, without storing anything."""
    found = {}
    for encoder in encoders:
        alone = Engine.make(database, encoder, inline=100, sentence_cache=1000)
        application.state.engines = Always(alone)
        with database.writing() as session:
            _, secret = create_key(session, name=encoder.name, role=Role.COORDINATOR)
        client = TestClient(application, headers={"Authorization": f"Bearer {secret}"})
        found[encoder.id] = [essence(each) for each in lists(client, need)]
    return Expected(found)


class Always:
    """In place of `Engines`: one engine, whatever the database says. Not started, so no worker."""

    def __init__(self, engine: Engine) -> None:
        self.database = engine.database
        self._engine = engine

    def current(self, session: object) -> Engine:
        """That one."""
        return self._engine


def test_the_old_index_serves_until_the_switch(
    application: FastAPI, database: Database, need: UUID
) -> None:
    alone = expected(application, database, need, left(), right())
    assert alone.by_encoder[left().id] != alone.by_encoder[right().id]
    new, old = right(), left()
    new.shut()
    with running(application, engines(database, new, old)) as client:
        assert new.waiting.wait(10)
        eventually(lambda: client.get("/readyz").status_code == 200)
        state = get(client, "/readyz")
        assert state["encoder"] == old.id
        assert state["encoder_change"]["encoder"] == new.id
        assert state["encoder_change"]["total"] == len(SUBJECTS)
        assert [essence(each) for each in lists(client, need)] == alone.by_encoder[old.id]

        new.let(1)
        eventually(lambda: get(client, "/readyz")["encoder_change"]["embedded"])
        assert get(client, "/readyz")["encoder_change"]["texts_per_second"] > 0
        assert [essence(each) for each in lists(client, need)] == alone.by_encoder[old.id]

        new.let()
        eventually(lambda: get(client, "/readyz")["encoder"] == new.id)
        assert get(client, "/readyz")["encoder_change"] is None
        assert [essence(each) for each in lists(client, need)] == alone.by_encoder[new.id]
    with database.reading() as session:
        assert count_passages(session) == {new.id: len(SUBJECTS)}


@pytest.mark.slow
@pytest.mark.parametrize("other", [right, wide])
def test_requests_in_the_middle_of_a_switch_get_one_encoder_or_the_other(
    application: FastAPI, database: Database, need: UUID, other: Callable[[], FakeEncoder]
) -> None:
    alone = expected(application, database, need, left(), other())
    new = other()
    new.shut()

    def ask(client: TestClient) -> list[Body]:
        found: list[Body] = []
        after = 0
        while after < 3:  # until the new one has answered some
            some = list(lists(client, need))
            found += some
            after += any(each.get("encoder") == new.id for each in some)
        return found

    with (
        running(application, engines(database, new, left())) as client,
        ThreadPoolExecutor(6) as threads,
    ):
        assert new.waiting.wait(10)
        asked = [threads.submit(ask, client) for _ in range(6)]
        new.let()
        answers = [each.result(60) for each in asked]

    for of_one in answers:
        assert all(alone.holds(found) for found in of_one)
        order = [found["encoder"] for found in of_one]
        assert order == sorted(order)  # left, then right or wide: never back


def test_texts_that_arrive_during_a_change_are_read_by_both(
    application: FastAPI, database: Database, need: UUID
) -> None:
    new, old = right(), left()
    new.shut()
    with running(application, engines(database, new, old)) as client:
        assert new.waiting.wait(10)
        expert = create(client, "/v1/partners", partner())["id"]
        late = capability(title_en="Bitter brown juice in bottles", text_en=None)
        create(client, f"/v1/partners/{expert}/capabilities", late)

        found = client.post("/v1/match", json=TEXT).json()
        assert found["encoder"] == old.id
        assert found["items"][0]["partner"]["id"] == expert
        new.let(1)  # the background comes to it between two chunks
        eventually(lambda: stored(database, old) == len(SUBJECTS) + 1)

        new.let()
        eventually(lambda: get(client, "/readyz")["encoder"] == new.id)
        found = client.post("/v1/match", json=TEXT).json()
        assert found["items"][0]["partner"]["id"] == expert
        assert found["pending_embeddings"] == 0
    assert any("Bitter brown" in text for text in new.seen)


def stored(database: Database, encoder: FakeEncoder) -> int:
    """Number of its vectors."""
    with database.reading() as session:
        return count_passages(session).get(encoder.id, 0)


def test_a_service_that_is_stopped_goes_on_at_its_next_start(
    application: FastAPI, database: Database, need: UUID
) -> None:
    first = right()
    first.shut()
    with running(application, engines(database, first, left())):
        assert first.waiting.wait(10)
        first.let(1)
        eventually(lambda: stored(database, first))
        eventually(first.waiting.is_set)
        # What is in the encoder when the service ends is finished, as no one kills a thread.
        application.state.engines.on_missing = lambda: None
        first.let(1)
    begun = stored(database, first)
    assert begun > 0
    second = right()
    second.shut()
    with running(application, engines(database, second, left())) as client:
        if begun < len(SUBJECTS):
            assert second.waiting.wait(10)
            eventually(lambda: client.get("/readyz").status_code == 200)
            assert get(client, "/readyz")["encoder"] == left().id
            assert get(client, "/readyz")["encoder_change"]["embedded"] == begun
        second.let()
        eventually(lambda: get(client, "/readyz")["encoder"] == second.id)
    assert set(first.seen).isdisjoint(second.seen)
    assert len(first.seen) + len(second.seen) == len(SUBJECTS)


def test_two_services_on_one_database_switch_together(
    application: FastAPI, settings: Settings, database: Database, need: UUID
) -> None:
    alone = expected(application, database, need, left(), right())
    new = right()
    new.shut()
    another = Database.at(settings.url)
    # One was asked for the old encoder and can make both.
    slow = create_app(settings, engines(another, left(), right()))
    with (
        running(application, engines(database, new, left())) as client,
        running(slow, slow.state.engines) as other,
    ):
        for asked in (client, other):
            assert [essence(each) for each in lists(asked, need)] == alone.by_encoder[left().id]
        new.let()
        eventually(lambda: get(client, "/readyz")["encoder"] == new.id)
        # Its very next request, though nobody told it.
        for asked in (other, client):
            assert [essence(each) for each in lists(asked, need)] == alone.by_encoder[new.id]


def test_a_service_that_cannot_follow_refuses(
    application: FastAPI, database: Database, need: UUID
) -> None:
    with running(application, engines(database, left())) as client:
        eventually(lambda: client.get("/readyz").status_code == 200)
        new = right()
        embed(database, new, serves=False)
        with database.writing() as session:
            assert ask_for(session, offered(new))

        refused = client.get(f"/v1/needs/{need}/matches")
        assert "`enmusubi encoder status`" in problem(refused, 503)["detail"]
        assert refused.headers["retry-after"]
        problem(client.get("/readyz"), 503)
        assert len(get(client, "/v1/partners")["items"]) == len(SUBJECTS)
        assert get(client, "/healthz") == {"status": "ok"}


def test_words_serve_where_the_old_encoder_is_gone(
    application: FastAPI, database: Database, need: UUID
) -> None:
    new = right()
    new.shut()
    with running(application, engines(database, new)) as client:
        assert new.waiting.wait(10)
        for found in lists(client, need):
            assert found["encoder"] == "words-only"
            assert found["items"]
        assert get(client, "/readyz")["encoder"] == "words-only"
        new.let()
        eventually(lambda: get(client, "/readyz")["encoder"] == new.id)
    with database.reading() as session:
        assert "words-only" not in count_passages(session)


def test_a_database_from_before_is_adopted_and_changed(
    application: FastAPI, database: Database
) -> None:
    old, new = left(), right()
    need = fill(database)
    embed(database, old, serves=False)
    # As migration 0004 finds a database: vectors, and nobody has written down whose they are.
    with database.writing(SYSTEM) as session:
        session.execute(delete(StoredEncoder))
    # The name is written down by a start with the encoder of before, as one does who updates.
    with database.writing() as session:
        adopt(session, offered(old), make=maker())
        assert serving(session) is not None
    new.shut()
    with running(application, engines(database, new, old)) as client:
        assert new.waiting.wait(10)
        assert {each["encoder"] for each in lists(client, need)} == {old.id}
        assert stored(database, old) == len(SUBJECTS)
        new.let()
        eventually(lambda: get(client, "/readyz")["encoder"] == new.id)
    assert stored(database, new) == len(SUBJECTS)


def test_damaged_vectors_are_refused_with_what_to_run(
    application: FastAPI, database: Database, need: UUID
) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE embeddings SET vector = substr(vector, 1, 100)")
    with running(application, engines(database, left())) as client:
        refused = client.get(f"/v1/needs/{need}/matches")
        assert "`enmusubi embed`" in problem(refused, 503)["detail"]
