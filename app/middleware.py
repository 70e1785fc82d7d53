"""ASGI middleware."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import Problem, respond


class BodyLimit:
    """Refuses request bodies over a limit with 413, also those that state no or a false length."""

    def __init__(self, app: ASGIApp, *, maximum: int) -> None:
        self._app = app
        self._maximum = maximum
        self._detail = f"The request body is larger than {maximum} bytes: send it in parts."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        if stated.isdigit() and int(stated) > self._maximum:
            refusal = respond(Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._detail))
            await refusal(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._maximum:
                # The one exception that FastAPI's body reader lets through to the handlers.
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._detail)
            return message

        await self._app(scope, limited, send)
