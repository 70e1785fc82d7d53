"""All endpoints of an application, also those of routers included in routers."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Mount, Route

STATIC = "/static-offline-docs"
"""Scripts and styles of the documentation page: files of a package, no endpoint of ours."""


@dataclass(frozen=True, slots=True)
class Served:
    """An endpoint under one method."""

    method: str
    path: str
    endpoint: Callable[..., object]


def served(app: FastAPI) -> Iterator[Served]:
    """Everything that the application answers, by method and path as it is served."""
    for context in iter_route_contexts(app.routes):
        if context.path == STATIC:
            continue
        methods: Iterable[str] = context.methods or ["ANY"]
        for method in methods:
            if context.endpoint is None:
                raise AssertionError(f"{context.path} has no endpoint that could have a rule")
            yield Served(method, context.path or "", context.endpoint)


def leaves(routes: Iterable[BaseRoute]) -> Iterator[Callable[..., object]]:
    """The endpoints found by walking the routers themselves: a check on `served`."""
    for route in routes:
        router = getattr(route, "original_router", None)
        if router is not None:
            yield from leaves(router.routes)
        elif isinstance(route, Mount):
            yield from leaves(route.routes)
        elif isinstance(route, Route):
            yield route.endpoint
        else:
            raise AssertionError(f"a kind of route that this test does not know: {route!r}")
