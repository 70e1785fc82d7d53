import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import shedding as shedding_module
from app.admission import Admission
from app.db_engines import SPARE_CONNECTIONS
from app.limiting import EXEMPT
from app.main import create_app
from app.metrics import REQUESTS_SHED
from app.settings import Settings
from app.shedding import Overload, Places, Shedding
from tests.app.asking import problem

GONE: Message = {"type": "http.disconnect"}
BODY: Message = {"type": "http.request", "body": b"x", "more_body": False}


class Held:
    """An application whose answers begin when `let` is called, and end when `end` is."""

    def __init__(self) -> None:
        self.bodies: list[Message] = []
        self.at_work = self.most_at_work = 0
        self.let, self.end = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        self.bodies.append(await receive())
        await self.let.wait()
        self.at_work -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.end.wait()
        await send({"type": "http.response.body", "body": b""})


class Caller:
    """One request; `leave` closes its connection."""

    def __init__(self, shedding: ASGIApp, path: str = "/v1/needs") -> None:
        self.sent: list[Message] = []
        self._left, self._given = asyncio.Event(), False
        self.task = asyncio.create_task(self._call(shedding, path))

    async def _call(self, app: ASGIApp, path: str) -> None:
        await app({"type": "http", "path": path}, self._receive, self._send)

    async def _receive(self) -> Message:
        if not self._given:
            self._given = True
            return BODY
        await self._left.wait()
        return GONE

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    def leave(self) -> None:
        self._left.set()

    @property
    def status(self) -> int | None:
        return self.sent[0]["status"] if self.sent else None


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def _run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 30))


def test_some_work_some_wait_and_the_rest_is_sent_away() -> None:
    async def test() -> None:
        app = Held()
        shedding = Shedding(app, places=Places(2, 3))
        callers = [Caller(shedding) for _ in range(9)]
        await _settle()
        assert app.at_work == 2
        away = [caller for caller in callers if caller.status == 503]
        assert away == callers[5:]
        headers = dict(away[0].sent[0]["headers"])
        assert headers[b"retry-after"] == b"1"
        app.let.set()
        app.end.set()
        await asyncio.gather(*(caller.task for caller in callers))
        assert [caller.status for caller in callers[:5]] == [200] * 5
        assert app.most_at_work == 2
        assert app.bodies == [BODY] * 5

    _run(test)


def test_a_place_is_free_again_whatever_became_of_the_request() -> None:
    async def test() -> None:
        async def broken(scope: Scope, receive: Receive, send: Send) -> None:
            await asyncio.sleep(0)
            raise RuntimeError

        shedding = Shedding(broken, places=Places(1, 2))
        for _ in range(3):
            callers = [Caller(shedding) for _ in range(3)]
            for caller in callers:
                with suppress(RuntimeError):
                    await caller.task
            assert all(caller.status is None for caller in callers)
        assert shedding._places.free == 1

    _run(test)


def test_a_slow_reader_holds_no_place() -> None:
    async def test() -> None:
        app = Held()
        shedding = Shedding(app, places=Places(1, 1))
        app.let.set()  # the answer begins, and does not end
        first = Caller(shedding)
        await _settle()
        assert first.status == 200
        assert not first.task.done()
        second = Caller(shedding)
        await _settle()
        assert second.status == 200
        app.end.set()
        await asyncio.gather(first.task, second.task)

    _run(test)


def test_nothing_is_done_for_who_went_away() -> None:
    async def test() -> None:
        app = Held()
        shedding = Shedding(app, places=Places(1, 2))
        first, gone, last = (Caller(shedding) for _ in range(3))
        await _settle()
        gone.leave()
        await gone.task
        assert gone.sent == []
        app.let.set()
        app.end.set()
        await asyncio.gather(first.task, last.task)
        assert last.status == 200
        assert len(app.bodies) == 2
        assert shedding._places.free == 1

    _run(test)


def test_who_waits_too_long_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shedding_module, "PATIENCE", 0.01)

    async def test() -> None:
        app = Held()
        shedding = Shedding(app, places=Places(1, 2))
        first, second = Caller(shedding), Caller(shedding)
        await second.task
        assert second.status == 503
        app.let.set()
        app.end.set()
        await first.task
        assert shedding._places.free == 1

    _run(test)


@pytest.mark.parametrize("path", sorted(EXEMPT))
def test_those_who_watch_never_wait(path: str) -> None:
    async def test() -> None:
        app = Held()
        shedding = Shedding(app, places=Places(1, 0))
        busy = Caller(shedding)
        await _settle()
        watching = Caller(shedding, path)
        await _settle()
        assert app.at_work == 2
        app.let.set()
        app.end.set()
        await asyncio.gather(busy.task, watching.task)
        assert watching.status == 200

    _run(test)


def test_the_application_sheds(
    application: FastAPI, anonymous: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = _layers(application.middleware_stack)
    inner = next(layer for layer in layers if isinstance(layer, Shedding))
    outer = next(layer for layer in layers if isinstance(layer, Overload))
    assert inner._places is outer._places
    monkeypatch.setattr(inner._places, "_free", 0)
    monkeypatch.setattr(inner._places, "_most_waiting", 0)
    before = REQUESTS_SHED._value.get()
    answer = anonymous.get("/v1/needs")
    problem(answer, 503)
    assert REQUESTS_SHED._value.get() == before + 1
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert anonymous.get("/healthz").status_code == 200


def test_nobody_waits_for_a_connection_outside_of_the_places(tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path,
        encoder="hashing",
        database_url=SecretStr("postgresql://nobody@127.0.0.1/none"),  # never opened
        database_connections=8,
        requests_at_once=32,
    )
    layers = _layers(create_app(settings).build_middleware_stack())
    kinds = [type(layer) for layer in layers]
    assert kinds.index(Overload) < kinds.index(Shedding) < kinds.index(Admission)
    inner = next(layer for layer in layers if isinstance(layer, Shedding))
    assert inner._places.free == 8 - SPARE_CONNECTIONS


def _layers(app: object) -> list[object]:
    found = []
    while app is not None:
        found.append(app)
        app = getattr(app, "_app", None) or getattr(app, "app", None)
    return found


def test_who_has_no_place_costs_nothing() -> None:
    async def test() -> None:
        app = Held()
        places = Places(1, 0)
        shedding = Shedding(app, places=places)
        first = Caller(shedding)
        await _settle()
        passed: list[Scope] = []

        async def noted(scope: Scope, receive: Receive, send: Send) -> None:
            passed.append(scope)
            await send({"type": "http.response.start", "status": 200, "headers": []})

        away, watching = (Caller(Overload(noted, places=places), path) for path in ("/", "/readyz"))
        await asyncio.gather(away.task, watching.task)
        assert (away.status, watching.status) == (503, 200)
        app.let.set()
        app.end.set()
        await first.task
        again = Caller(Overload(noted, places=places))
        await again.task
        assert again.status == 200
        assert [scope["path"] for scope in passed] == ["/readyz", "/v1/needs"]

    _run(test)


def test_more_requests_at_once_than_threads_are_refused() -> None:
    with pytest.raises(ValueError, match="less than or equal to 32"):
        Settings(_env_file=None, requests_at_once=33)
