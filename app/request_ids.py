"""The number of the request that is being answered, for its log lines, its answer and its errors.

It lives in a context variable: Starlette hands the context to the threads in which endpoints run,
so a line that is logged there bears the same number.
"""

import re
from contextvars import ContextVar
from typing import Final
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER: Final = "X-Request-ID"

_SANE: Final = re.compile(r"[0-9a-fA-F-]{16,64}")
"""Figures, a to f and dashes, as proxies make them: no room for a name, a key or a word."""
_CURRENT: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)


def request_id() -> str | None:
    """The number of the request that is being answered here; None outside of one."""
    return _CURRENT.get()


class RequestIds:
    """Takes the number that a proxy gave a request, or makes one; sends it back with the answer.

    It belongs around everything else, so that refusals and unexpected errors have it, too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its number."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).getlist(HEADER)
        sane = len(given) == 1 and _SANE.fullmatch(given[0])
        number = given[0].lower() if sane else uuid4().hex

        async def numbered(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = number
            await send(message)

        token = _CURRENT.set(number)
        try:
            await self._app(scope, receive, numbered)
        finally:
            _CURRENT.reset(token)
