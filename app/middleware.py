"""What stands between the server and the application: requests are checked before any route."""

import asyncio
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import FieldProblem, Problem, respond
from app.json_shape import JsonFault, check_json

BODY_SECONDS: Final = 60
"""A body that takes longer to arrive is given up."""
LARGE: Final = 100_000
"""Bytes from which on a body is checked in a thread, so that other requests go on meanwhile."""
HELD_BODIES: Final = 20
"""So many bodies of the largest size may be in memory at once, those without a key included."""

_NULL: Final = b"%00"
_PORT: Final = re.compile(r":\d*$")


class RequestGuard:
    """Reads the body of a request, refuses what is not plain JSON of a sound size, passes it on.

    413 over the limit, also with no or a false length; 415 for packed bodies and, where the API
    is, for other media types than JSON; 422 for JSON that is too deep, too large or ambiguous; 408
    and 503 where bodies come too slowly or too many at once; 400 for a foreign host name.
    """

    def __init__(self, app: ASGIApp, *, maximum: int, api: str, hosts: Sequence[str] = ()) -> None:
        """`maximum` bytes; `api`: the start of the paths that take JSON and nothing else.

        `hosts`: names by which the service may be called, `*.example.jp` for all below; empty
        means any.
        """
        self._app = app
        self._maximum = maximum
        self._api = api
        self._hosts = frozenset(host for host in hosts if not host.startswith("*."))
        self._domains = tuple(host[1:] for host in hosts if host.startswith("*."))
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a problem, or pass the request on with its body in one piece."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = bytearray()
        try:
            whole = await self._checked(scope, receive, body)
            again = _again(bytes(body), receive, whole=whole)
        except Problem as problem:
            await respond(problem)(scope, receive, send)
        else:
            await self._app(scope, again, send)
        finally:
            self._held -= len(body)

    async def _checked(self, scope: Scope, receive: Receive, body: bytearray) -> bool:
        """Fill `body`; False if the client went away before its end. Raises Problem."""
        self._check_head(scope)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                whole = await self._read(receive, body)
        except TimeoutError:
            detail = f"The request body did not arrive within {BODY_SECONDS} seconds."
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, detail) from None
        if whole and body:
            await self._check_body(scope, bytes(body))
        return whole

    def _check_head(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if not self._admits(headers.get("host", "")):
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                "The service is not known by this host name: call it by one that its operator set.",
            )
        if _NULL in scope.get("query_string", b"") or "\x00" in scope["path"]:
            raise Problem(
                HTTPStatus.BAD_REQUEST, "The address holds a null character: leave it out."
            )
        if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
            raise Problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "Packed request bodies are not taken: send it without Content-Encoding.",
                headers={"Accept-Encoding": "identity"},
            )
        if "content-length" in headers and "transfer-encoding" in headers:
            # A proxy that believes the other one would take the rest for a request of its own.
            raise Problem(
                HTTPStatus.BAD_REQUEST,
                "The request states its length in two ways: send Content-Length or chunks.",
                headers={"Connection": "close"},
            )
        stated = headers.get("content-length", "0")
        if stated.isdigit() and int(stated[:20]) > self._maximum:
            raise self._too_large()

    def _admits(self, host: str) -> bool:
        if not (self._hosts or self._domains):
            return True
        name = _PORT.sub("", host).lower()
        return name in self._hosts or name.endswith(self._domains)

    async def _read(self, receive: Receive, body: bytearray) -> bool:
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return False
            piece: bytes = message.get("body", b"")
            body += piece
            self._held += len(piece)
            if len(body) > self._maximum:
                raise self._too_large()
            if self._held > HELD_BODIES * self._maximum:
                raise Problem(
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    "The service is busy with other large requests: try again shortly.",
                    headers={"Retry-After": "2"},
                )
            if not message.get("more_body", False):
                return True

    async def _check_body(self, scope: Scope, body: bytes) -> None:
        if not _is_json(Headers(scope=scope).get("content-type", "")):
            if scope["path"].startswith(self._api):
                raise Problem(
                    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                    "The API takes JSON: send the body with `Content-Type: application/json`.",
                )
            return
        try:
            if len(body) < LARGE:
                check_json(body)
            else:
                await run_in_threadpool(check_json, body)
        except JsonFault as fault:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"The request body {fault}.",
                errors=[FieldProblem(field="body", message=str(fault))],
            ) from None

    def _too_large(self) -> Problem:
        return Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The request body is larger than {self._maximum} bytes: send it in parts.",
        )


def _is_json(content_type: str) -> bool:
    """True of `application/json` and its kin, as FastAPI tells them."""
    kind, _, subtype = content_type.partition(";")[0].strip().lower().partition("/")
    return kind == "application" and (subtype == "json" or subtype.endswith("+json"))


def _again(body: bytes, receive: Receive, *, whole: bool) -> Receive:
    """Gives the body that was read, once, and then whatever else comes."""
    waiting: list[Message] = (
        [{"type": "http.request", "body": body, "more_body": False}]
        if whole
        else [{"type": "http.disconnect"}]
    )

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed
