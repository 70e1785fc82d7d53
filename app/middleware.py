"""ASGI middleware."""

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import Problem, respond


class _TooLargeError(Exception):
    """More came than the limit allows."""


class BodyLimit:
    """Refuses request bodies over a limit with 413, also those that state no or a false length."""

    def __init__(self, app: ASGIApp, *, maximum: int) -> None:
        self._app = app
        self._maximum = maximum

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        received = 0
        started = False

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._maximum:
                raise _TooLargeError
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        refusal = respond(
            Problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The request body is larger than {self._maximum} bytes: send it in parts.",
            )
        )
        if stated.isdigit() and int(stated) > self._maximum:
            await refusal(scope, receive, send)
            return
        try:
            await self._app(scope, limited, watched)
        except _TooLargeError:
            if started:
                raise
            await refusal(scope, receive, send)
