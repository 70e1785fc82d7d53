"""Requests wait outside until there is room, and not forever."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI

from app import admission
from app.admission import Admission, admit


class Slow:
    """An application whose requests stay until they are let go."""

    def __init__(self) -> None:
        self.inside = self.most = self.served = 0
        self.go = asyncio.Event()
        self.entered = asyncio.Semaphore(0)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.entered.release()
        try:
            await self.go.wait()
            self.served += 1
        finally:
            self.inside -= 1


async def _ask(app: Admission, api: FastAPI, path: str = "/v1/needs") -> int:
    """The status of what it answers by itself; 0 if it passes the request on."""
    status = 0

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    await app({"type": "http", "path": path, "app": api}, None, send)  # type: ignore[arg-type]
    return status


def test_no_more_at_once_than_there_is_room_for() -> None:
    async def run() -> None:
        api, slow = FastAPI(), Slow()
        admit(api, most=3)
        app = Admission(slow, free=["/healthz"])
        asked = [asyncio.create_task(_ask(app, api)) for _ in range(10)]
        for _ in range(3):
            await slow.entered.acquire()
        free = asyncio.create_task(_ask(app, api, "/healthz"))
        await slow.entered.acquire()
        slow.go.set()
        assert await asyncio.gather(*asked, free) == [0] * 11
        assert (slow.most, slow.served) == (4, 11)

    asyncio.run(run())


def test_who_waits_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "WAIT_SECONDS", 0.01)

    async def run() -> None:
        api, slow = FastAPI(), Slow()
        admit(api, most=1)
        app = Admission(slow, free=[])
        first = asyncio.create_task(_ask(app, api))
        await slow.entered.acquire()
        assert await _ask(app, api) == 503
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        slow.go.set()
        assert await _ask(app, api) == 0, "who went away has left its place"

    asyncio.run(run())


def test_a_slow_reader_holds_no_place() -> None:
    async def run() -> None:
        api, read = FastAPI(), asyncio.Event()

        async def answering(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            started.append(True)
            if len(started) == 3:
                all_started.set()
            await read.wait()

        started: list[bool] = []
        all_started = asyncio.Event()
        admit(api, most=1)
        app = Admission(answering, free=[])
        asked = [asyncio.create_task(_ask(app, api)) for _ in range(3)]
        await all_started.wait()  # each has left its place to the next
        assert api.state.admission.borrowed_tokens == 0
        read.set()
        assert await asyncio.gather(*asked) == [200] * 3

    asyncio.run(asyncio.wait_for(run(), 30))
