"""The class of the routes under `/v1`: what holds for all of them, around each endpoint."""

from collections.abc import Callable, Coroutine, Sequence
from functools import cache
from typing import Any

from fastapi import Depends, Request, Response, params
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.utils import get_dependant
from fastapi.routing import APIRoute

from app.deps import get_actor, write_session
from app.etags import unchanged
from app.idempotency import Replayed, claim_request, keep_response


class ApiRoute(APIRoute):
    """A POST that writes takes an `Idempotency-Key`; a GET answers 304 to `If-None-Match`."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: set[str] | list[str] | None = None,
        dependencies: Sequence[params.Depends] | None = None,
        **values: Any,
    ) -> None:
        if "POST" in (methods or ()) and writes_for_an_actor(endpoint):
            # First of all, hence entered before the write session and left after it.
            claim = Depends(claim_request, scope="function")
            dependencies = [claim, *(dependencies or ())]
        super().__init__(path, endpoint, methods=methods, dependencies=dependencies, **values)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint's handler, with the two around it.

        When it returns, the answer is made and the write session not committed yet.
        """
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                response = await answer(request)
            except Replayed as replayed:
                return replayed.response
            if hasattr(request.state, "claim"):
                await run_in_threadpool(keep_response, request, response)
            return unchanged(request, response)

        return handle


@cache
def writes_for_an_actor(endpoint: Callable[..., Any]) -> bool:
    """True if an endpoint takes an actor and a write session, itself or in its dependencies."""
    open_ones, calls = [get_dependant(path="/", call=endpoint)], set()
    while open_ones:
        dependant = open_ones.pop()
        calls.add(dependant.call)
        open_ones += dependant.dependencies
    return {get_actor, write_session} <= calls
