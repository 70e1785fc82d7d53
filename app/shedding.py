"""So many requests are worked on at once, a few wait, and the rest is sent away at once.

A process that takes on all that comes gets slower for everybody until nobody is served. Those who
watch over it ask `/healthz`, `/readyz` and `/metrics`, which never wait here.
"""

import asyncio
from collections import deque
from http import HTTPStatus
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.admission import until_answered
from app.errors import Problem, respond
from app.limiting import EXEMPT
from app.metrics import REQUESTS_SHED

PATIENCE: Final = 10.0
"""Seconds after which a request that still waits is sent away as well."""
RETRY_AFTER: Final = 1

_BUSY: Final = Problem(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The service is busy: try again shortly.",
    headers={"Retry-After": str(RETRY_AFTER)},
)
_Slot = asyncio.Future[None]


class Places:
    """Where requests are worked on, and where they wait, of one process."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._free = at_once
        self._most_waiting = waiting
        self._queue: deque[_Slot] = deque()

    @property
    def free(self) -> int:
        """How many more requests could be worked on."""
        return self._free

    @property
    def are_full(self) -> bool:
        """True if a request that comes now can neither be worked on nor wait."""
        return self._free == 0 and len(self._queue) >= self._most_waiting

    def take(self) -> bool:
        """Take a place, if there is one; it must be given back."""
        if self._free == 0:
            return False
        self._free -= 1
        return True

    def queue_up(self) -> _Slot:
        """Done when a place has been taken for who waits."""
        slot: _Slot = asyncio.get_running_loop().create_future()
        self._queue.append(slot)
        return slot

    def give_up(self, slot: _Slot) -> None:
        """Wait no more, or give back the place that was got meanwhile."""
        if slot.done():
            self.give_back()
        else:
            self._queue.remove(slot)

    def give_back(self) -> None:
        """Give a place to who waits longest, or keep it free."""
        if self._queue:
            self._queue.popleft().set_result(None)
        else:
            self._free += 1


class Overload:
    """Sends away what has no place, before anything else is done for it.

    It stands outside of everything: to send somebody away must cost next to nothing, since who
    does not heed Retry-After asks again at once.
    """

    def __init__(self, app: ASGIApp, *, places: Places) -> None:
        self._app = app
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 503, or pass the request on."""
        if self._places.are_full and scope["type"] == "http" and scope["path"] not in EXEMPT:
            await _send_away(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class Shedding:
    """Has requests wait for a place, and answers 503 with Retry-After where there is none.

    It stands inside of what reads the bodies, so that a slow sender holds no place; a place is
    free again when the answer begins, so that a slow reader holds none either.
    """

    def __init__(self, app: ASGIApp, *, places: Places) -> None:
        """A request waits for `PATIENCE` seconds at most."""
        self._app = app
        self._places = places
        self._patience = PATIENCE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when its turn comes, or answer 503."""
        if scope["type"] != "http" or scope["path"] in EXEMPT:
            await self._app(scope, receive, send)
        elif self._places.take():
            await self._work(scope, receive, send)
        elif self._places.are_full:
            await _send_away(scope, receive, send)
        else:
            await self._wait(scope, receive, send)

    async def _wait(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await receive()  # in one piece: what comes next is that the client went away
        gone = asyncio.ensure_future(receive())
        try:
            if await self._turn(gone):
                await self._work(scope, _again(body, gone), send)
            elif not gone.done():
                await _send_away(scope, receive, send)
        finally:
            gone.cancel()

    async def _turn(self, gone: asyncio.Future[Message]) -> bool:
        """Wait for a place; False if none came free in time, or nobody waits for an answer."""
        slot = self._places.queue_up()
        try:
            either: set[asyncio.Future[Any]] = {slot, gone}
            await asyncio.wait(either, timeout=self._patience, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            self._places.give_up(slot)
            raise
        if slot.done() and not gone.done():
            return True
        self._places.give_up(slot)
        return False

    async def _work(self, scope: Scope, receive: Receive, send: Send) -> None:
        """In a place that is taken already."""
        await until_answered(self._app, scope, receive, send, self._places.give_back)


async def _send_away(scope: Scope, receive: Receive, send: Send) -> None:
    REQUESTS_SHED.inc()
    await respond(_BUSY)(scope, receive, send)  # made anew: it bears the request's number


def _again(body: Message, gone: asyncio.Future[Message]) -> Receive:
    """Gives the body, and then what was waited for meanwhile."""
    given: list[Message] = [body]

    async def replayed() -> Message:
        # Shielded: whoever asks and stops waiting must not end it for the next who asks.
        return given.pop() if given else await asyncio.shield(gone)

    return replayed
