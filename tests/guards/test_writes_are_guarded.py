"""Each POST that writes takes an Idempotency-Key, each change If-Match, each object has a tag."""

from typing import Any

import pytest
from fastapi import FastAPI

from app.api_route import writes_for_an_actor
from app.etags import IF_MATCH, IF_NONE_MATCH
from app.services.idempotency import FIELD
from tests.guards.routes import Served, served

WITHOUT_TAG = {"/v1/match-runs/{run_id}", "/v1/introductions/{introduction_id}"}
"""A run is never changed once it is kept; an introduction's tag is its revision, for `If-Match`."""

WITHOUT_CONDITION = {
    "DELETE /v1/session",
    "DELETE /v1/me/sessions",
    "DELETE /v1/me/sessions/{session_id}",
    "DELETE /v1/me/keys/{key_id}",
    "PUT /v1/me/password",
    "DELETE /v1/accounts/{account_id}/sessions",
    "DELETE /v1/accounts/{account_id}/keys/{key_id}",
    "PUT /v1/accounts/{account_id}/password",
    "DELETE /v1/accounts/{account_id}/mail-suppression",
}
"""They end something, or replace a secret that nobody can read: right in whatever state it was."""


OUTSIDE_THE_API = {"/healthz", "/readyz", "/mail/{token}", "/mail/{token}/one-click"}
"""What they take is a form of a page, which can carry none of these headers: the pages of mails act
once for each link, and change nothing when they are asked for."""


@pytest.fixture
def ours(application: FastAPI) -> list[Served]:
    return [route for route in served(application) if route.path.startswith("/v1/")]


def test_only_these_lie_outside_the_api(application: FastAPI) -> None:
    made_by_libraries = ("/docs", "/openapi.json", "/redoc", "/metrics")
    paths = {route.path for route in served(application)}
    assert {
        path for path in paths if not path.startswith(("/v1/", *made_by_libraries))
    } == OUTSIDE_THE_API


def _takes(application: FastAPI, route: Served, header: str) -> bool:
    operation: dict[str, Any] = application.openapi()["paths"][route.path][route.method.lower()]
    return header in {
        parameter["name"]
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "header"
    }


def test_posts_that_write_take_a_key(application: FastAPI, ours: list[Served]) -> None:
    posts = [route for route in ours if route.method == "POST"]
    writing = {route for route in posts if writes_for_an_actor(route.endpoint)}
    assert len(writing) > 8
    # A router without `route_class=ApiRoute` is found here.
    assert [r.path for r in writing if not _takes(application, r, FIELD)] == []
    assert [r.path for r in set(posts) - writing if _takes(application, r, FIELD)] == []


def test_changes_take_a_condition(application: FastAPI, ours: list[Served]) -> None:
    changes = [
        route
        for route in ours
        if route.method in {"PATCH", "DELETE", "PUT"}
        and f"{route.method} {route.path}" not in WITHOUT_CONDITION
    ]
    assert len(changes) >= 7
    assert [r for r in changes if not _takes(application, r, IF_MATCH)] == []


def test_single_objects_have_a_tag(application: FastAPI, ours: list[Served]) -> None:
    single = [
        route
        for route in ours
        if route.method == "GET" and route.path.endswith("}") and route.path not in WITHOUT_TAG
    ]
    assert len(single) >= 4
    assert [r for r in single if not _takes(application, r, IF_NONE_MATCH)] == []
