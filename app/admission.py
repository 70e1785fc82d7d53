"""How many requests are worked on at once, so that their connections do not run out.

A request holds a connection to the database while it waits for a thread, and may want a second one:
if as many were let in as come, all connections would be held by requests that wait for another,
until each is given up. Those that are not let in yet hold nothing. How many requests of users come
so far is bounded before (`app.shedding`); those who watch over the service come past that.
"""

from collections.abc import Callable, Collection
from functools import partial
from http import HTTPStatus
from typing import Final

from anyio import CapacityLimiter, fail_after
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import Problem, respond

WAIT_SECONDS: Final = 10.0
"""After which a request that was not let in is answered 503."""


def admit(app: FastAPI, *, most: int) -> None:
    """Let in at most that many requests at once; to be called in the event loop that serves."""
    app.state.admission = CapacityLimiter(most)


class Admission:
    """Lets requests in one after the other as others leave, but for paths that ask no database.

    One has left when its answer begins: its connections are free then, however slowly it is read.
    """

    def __init__(self, app: ASGIApp, *, free: Collection[str]) -> None:
        """`free`: paths that are always let in."""
        self._app = app
        self._free = frozenset(free)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 503 and Retry-After."""
        if scope["type"] != "http" or scope["path"] in self._free:
            await self._app(scope, receive, send)
            return
        limiter: CapacityLimiter | None = getattr(scope["app"].state, "admission", None)
        if limiter is None:  # the service has not started: nothing is held yet
            await self._app(scope, receive, send)
            return
        borrower = object()  # not the task, since a library may send from another one
        try:
            with fail_after(WAIT_SECONDS):
                await limiter.acquire_on_behalf_of(borrower)
        except TimeoutError:
            problem = Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The service is busy: try again shortly.",
                headers={"Retry-After": "5"},
            )
            await respond(problem)(scope, receive, send)
            return
        leave = partial(limiter.release_on_behalf_of, borrower)
        await until_answered(self._app, scope, receive, send, leave)


async def until_answered(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, leave: Callable[[], None]
) -> None:
    """Pass a request on, and `leave` once: when its answer begins, or when it ends without one.

    A slow reader then holds nothing.
    """
    held = True

    def leave_once() -> None:
        nonlocal held
        if held:
            held = False
            leave()

    async def leaving(message: Message) -> None:
        leave_once()
        await send(message)

    try:
        await app(scope, receive, leaving)
    finally:
        leave_once()
