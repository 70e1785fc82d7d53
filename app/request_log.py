"""One line of the log for each request, in place of the server's own, and its place in /metrics.

uvicorn writes the address as it was asked for, with ids, tokens of links in mails, and whatever a
caller puts there by mistake. This line has the route's template instead.
"""

import logging
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.metrics import REQUEST_SECONDS, REQUESTS

logger = logging.getLogger(__name__)

UNROUTED: Final = "-"
"""In place of a template, where a request was refused before its route was looked for, or has
none: the path is then whatever somebody typed."""
QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked for every few seconds by machines: told only if the answer is an error."""
UNCOUNTED: Final = frozenset({"/healthz", "/metrics"})
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Others are not quoted."""


class RequestLog:
    """Logs method, template, status, time taken and the kind of caller; never who or what."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._templates: Mapping[Any, str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; the line is written when the answer has been sent."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        # As Starlette answers what raises, and until an answer begins.
        status = int(HTTPStatus.INTERNAL_SERVER_ERROR)

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            seconds, route = time.perf_counter() - begun, self._template(scope)
            _count(scope, route, status, seconds)
            _tell(scope, route, status, seconds)

    def _template(self, scope: Scope) -> str:
        """The path of the route that a request came to, with names for its parts."""
        if self._templates is None:
            self._templates = _templates(scope["app"])
        return self._templates.get(scope.get("endpoint"), UNROUTED)


def _count(scope: Scope, route: str, status: int, seconds: float) -> None:
    """For /metrics; by the template, since the library looks for it anew among all routes."""
    if route not in UNCOUNTED:
        method = scope["method"] if scope["method"] in METHODS else UNROUTED
        REQUESTS.labels(route, method, str(status)).inc()
        REQUEST_SECONDS.labels(route, method).observe(seconds)


def _tell(scope: Scope, route: str, status: int, seconds: float) -> None:
    if route in QUIET and status < HTTPStatus.BAD_REQUEST:
        return
    fields = {
        "method": scope["method"] if scope["method"] in METHODS else UNROUTED,
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 1),
        # Set by `app.deps.get_actor`: the role and by what, such as `coordinator/key`.
        "actor": scope.get("state", {}).get("caller", "nobody"),
    }
    logger.info(
        "%(method)s %(route)s %(status)d %(ms).1f ms %(actor)s", fields, extra={"fields": fields}
    )


def _templates(app: FastAPI) -> Mapping[Any, str]:
    return {
        context.endpoint or getattr(context.original_route, "app", None): context.path or UNROUTED
        for context in iter_route_contexts(app.routes)
    }
