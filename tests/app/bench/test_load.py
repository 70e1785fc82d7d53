"""The load client and the made-up region, against a real server in this process."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI, Response

from app.bench.load import FAILED, Answers, Client, closed_loop, open_loop, watch
from app.bench.region import fill
from app.contexts import SYSTEM
from app.db import Database
from app.schemas.explanation import Explain
from app.services.corpus import Engine
from app.services.embeddings import measure
from app.services.matches import match_need
from app.services.needs import query_of
from app.shedding import Places, Shedding
from matching.encoders.hashing import HashingEncoder
from matching.filters import Filters
from matching.synthetic import make_region
from models import Need

AT_ONCE, WAITING, CLIENTS = 2, 3, 25


@contextmanager
def _served(app: FastAPI) -> Iterator[int]:
    """The port of a real server, on this machine alone."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", http="h11"))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(timeout=30)


def _slow_app(go_on: threading.Event) -> FastAPI:
    app = FastAPI()
    app.add_middleware(Shedding, places=Places(AT_ONCE, WAITING))

    @app.get("/healthz")
    async def health() -> str:
        return "ok"

    @app.get("/slow")
    def slow() -> str:
        go_on.wait(30)
        return "done"

    @app.get("/missing")
    async def missing() -> Response:
        return Response(status_code=404)

    return app


def test_under_too_much_load_some_are_served_some_sent_away_and_health_goes_on() -> None:
    go_on = threading.Event()

    async def load(port: int) -> tuple[Answers, Answers]:
        health = Answers()
        clients = [Client("127.0.0.1", port) for _ in range(CLIENTS)]
        answers = Answers()
        asking = [asyncio.create_task(client.timed("/slow", answers)) for client in clients]
        pending = set(asking)
        while len(pending) > AT_ONCE + WAITING:
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        watching = asyncio.create_task(
            watch(Client("127.0.0.1", port), "/healthz", health, pause=0.0)
        )
        async with Client("127.0.0.1", port) as another:
            for _ in range(20):
                await another.timed("/healthz", health)
        assert answers.statuses == {503: CLIENTS - AT_ONCE - WAITING}
        go_on.set()
        await asyncio.gather(*asking)
        watching.cancel()
        await asyncio.wait([watching])
        for client in clients:
            client.close()
        return answers, health

    with _served(_slow_app(go_on)) as port:
        answers, health = asyncio.run(asyncio.wait_for(load(port), 60))
    assert answers.statuses == {200: AT_ONCE + WAITING, 503: CLIENTS - AT_ONCE - WAITING}
    assert answers.retry_after == CLIENTS - AT_ONCE - WAITING
    assert health.statuses.keys() == {200}


def test_both_loops_ask_as_often_as_they_say() -> None:
    go_on = threading.Event()
    go_on.set()

    async def load(port: int) -> tuple[Answers, Answers]:
        def make() -> Client:
            return Client("127.0.0.1", port)

        paths = ["/healthz", "/missing"]
        closed = await closed_loop(make, paths, clients=3, requests=30)
        return closed, await open_loop(make, paths, rate=200, seconds=0.1)

    with _served(_slow_app(go_on)) as port:
        closed, opened = asyncio.run(asyncio.wait_for(load(port), 60))
    assert closed.statuses == {200: 15, 404: 15}
    assert opened.statuses == {200: 10, 404: 10}
    report = closed.report()
    assert report["requests"] == 30
    assert report["milliseconds"]["200"]["p50"] > 0
    assert opened.milliseconds(500) == {}


def test_no_answer_is_counted_as_failed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    answers = Answers()
    assert asyncio.run(Client("127.0.0.1", port).timed("/", answers)) == FAILED
    assert answers.statuses == {FAILED: 1}


class MadeUp(HashingEncoder):
    """Whose vectors the region's are said to be."""

    @property
    def id(self) -> str:
        return "made-up"


def test_a_region_is_written_as_the_engine_reads_it(database: Database, engine: Engine) -> None:
    region = make_region(12, 60, 3, seed=1)
    with database.writing(SYSTEM) as session:
        needs = fill(session, region, MadeUp())
        assert measure(session, MadeUp()).is_complete
    with database.reading(SYSTEM) as session:
        corpus = engine.corpora.current(session).corpus
        assert len(corpus.partners) == 12
        assert sorted(piece.text for piece in corpus.evidence) == sorted(
            piece.text for piece in region.evidence
        )
        asked = session.get_one(Need, needs[0])
        assert query_of(asked).text == region.requests[0].query.text
        found = match_need(session, engine, asked, filters=Filters(), top=5, explain=Explain.NONE)
    assert found.matches
