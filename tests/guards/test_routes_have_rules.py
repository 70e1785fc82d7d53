"""No endpoint without a rule, and no rule without a key behind it."""

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.access import OPEN_ACTIONS, Action, may_ever, rule_of
from app.deps import get_actor
from models import Role
from tests.app.asking import UNKNOWN, problem
from tests.guards.routes import Served, leaves, served

FRAMEWORK = {"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"}
"""Made by FastAPI itself: they describe the API and hold no data."""

OPEN = {
    "POST /v1/session",
    "GET /v1/session/oidc/start",
    "GET /v1/session/oidc/callback",
    "GET /healthz",
    "GET /readyz",
    # The token in the path says who answers; without a link of it they show nothing and do nothing.
    "GET /mail/{token}",
    "HEAD /mail/{token}",
    "POST /mail/{token}",
    "GET /mail/{token}/one-click",
    "HEAD /mail/{token}/one-click",
    "POST /mail/{token}/one-click",
}
"""Whoever adds one here has thought about who may see it."""


@pytest.fixture
def ours(application: FastAPI) -> list[Served]:
    """All endpoints but the framework's."""
    return [route for route in served(application) if route.path not in FRAMEWORK]


def _url(route: Served) -> str:
    return re.sub(r"\{[^}]*\}", UNKNOWN, route.path)


def test_every_route_is_found(application: FastAPI) -> None:
    found = {route.endpoint for route in served(application)}
    assert found == set(leaves(application.routes))
    assert len(found) > 30


def test_every_route_has_a_rule(ours: list[Served]) -> None:
    assert [route for route in ours if rule_of(route.endpoint) is None] == []


def test_only_these_routes_are_open(ours: list[Served]) -> None:
    found = {f"{r.method} {r.path}" for r in ours if rule_of(r.endpoint) in OPEN_ACTIONS}
    assert found == OPEN


def test_open_routes_need_no_key(anonymous: TestClient, ours: list[Served]) -> None:
    for route in ours:
        answer = anonymous.request(route.method, _url(route))
        if rule_of(route.endpoint) is Action.OPEN:
            # 503: /readyz until the corpus is loaded
            assert answer.status_code in {200, 503}, route
        elif rule_of(route.endpoint) is Action.SIGN_IN:
            # No password in the body, no OpenID provider in the settings.
            assert answer.status_code in {422, 404}, route
        elif rule_of(route.endpoint) is Action.ANSWER_LINK:
            assert answer.status_code == 404, route  # there is no link of that token


def test_all_others_answer_401_without_a_key(anonymous: TestClient, ours: list[Served]) -> None:
    for route in ours:
        if rule_of(route.endpoint) not in OPEN_ACTIONS:
            for headers in ({}, {"Authorization": "Bearer enm_unknown"}):
                answer = anonymous.request(route.method, _url(route), headers=headers)
                assert answer.status_code == 401, route


def test_what_a_company_may_never_do_answers_403(company: TestClient, ours: list[Served]) -> None:
    never = [
        route
        for route in ours
        if (action := rule_of(route.endpoint)) is not None and not may_ever(Role.COMPANY, action)
    ]
    assert len(never) > 15
    for route in never:
        problem(company.request(route.method, _url(route)), 403)


def test_the_guard_would_notice(staff: TestClient, application: FastAPI) -> None:
    """An endpoint that forgets its rule or its actor is found by the tests above."""
    app = FastAPI()

    @app.get("/forgotten")
    def forgotten() -> str:
        return "everything"

    (route,) = [route for route in served(app) if route.path == "/forgotten"]
    assert rule_of(route.endpoint) is None
    assert TestClient(app).get("/forgotten").status_code == 200
    assert get_actor.__name__ == "get_actor"
