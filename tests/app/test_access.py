from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.access import (
    DENIED,
    SCOPES_OF,
    Action,
    Scope,
    State,
    View,
    decide,
    may_ever,
    rule,
    rule_of,
)
from app.db import Database
from app.deps import get_actor
from app.errors import Problem
from app.services.keys import create_key, revoke_key
from models import Confidentiality, Role
from tests.app.asking import SECRET, UNKNOWN, problem
from tests.conftest import with_key

STAFF_ONLY = [
    ("POST", "/v1/organisations"),
    ("PATCH", f"/v1/organisations/{UNKNOWN}"),
    ("DELETE", f"/v1/organisations/{UNKNOWN}"),
    ("POST", "/v1/clusters"),
    ("POST", "/v1/partners"),
    ("GET", "/v1/partners"),
    ("GET", f"/v1/partners/{UNKNOWN}"),
    ("PATCH", f"/v1/partners/{UNKNOWN}"),
    ("DELETE", f"/v1/partners/{UNKNOWN}"),
    ("POST", f"/v1/partners/{UNKNOWN}/capabilities"),
    ("GET", f"/v1/partners/{UNKNOWN}/capabilities"),
    ("GET", f"/v1/partners/{UNKNOWN}/matches"),
    ("POST", "/v1/capabilities/bulk"),
    ("GET", f"/v1/capabilities/{UNKNOWN}"),
    ("PATCH", f"/v1/capabilities/{UNKNOWN}"),
    ("DELETE", f"/v1/capabilities/{UNKNOWN}"),
    ("POST", f"/v1/needs/{UNKNOWN}/team"),
    ("POST", f"/v1/needs/{UNKNOWN}/match-runs"),
    ("GET", f"/v1/needs/{UNKNOWN}/match-runs"),
    ("GET", f"/v1/match-runs/{UNKNOWN}"),
]
ANY_KEY = [
    ("GET", "/v1/organisations"),
    ("GET", f"/v1/organisations/{UNKNOWN}"),
    ("GET", "/v1/clusters"),
    ("POST", "/v1/needs"),
    ("GET", "/v1/needs"),
    ("GET", f"/v1/needs/{UNKNOWN}"),
    ("PATCH", f"/v1/needs/{UNKNOWN}"),
    ("POST", f"/v1/needs/{UNKNOWN}/close"),
    ("GET", f"/v1/needs/{UNKNOWN}/matches"),
    ("POST", "/v1/match"),
]


@pytest.mark.parametrize(("method", "path"), STAFF_ONLY + ANY_KEY)
def test_no_key(anonymous: TestClient, method: str, path: str) -> None:
    answer = anonymous.request(method, path, json={"brief_en": SECRET})
    problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path"), STAFF_ONLY)
def test_wrong_role(company: TestClient, method: str, path: str) -> None:
    problem(company.request(method, path, json={"brief_en": SECRET}), 403)


@pytest.mark.parametrize(("method", "path"), ANY_KEY)
def test_a_company_may_call(company: TestClient, method: str, path: str) -> None:
    body = None if method == "GET" else {"colour": 1}
    assert company.request(method, path, json=body).status_code not in {401, 403}


@pytest.fixture
def administrator(anonymous: TestClient, database: Database) -> TestClient:
    with database.writing() as session:
        _, secret = create_key(session, name="admin", role=Role.ADMIN)
    return with_key(anonymous, secret)


@pytest.mark.parametrize(("method", "path"), STAFF_ONLY + ANY_KEY)
def test_staff_may_call_everything(
    staff: TestClient, administrator: TestClient, method: str, path: str
) -> None:
    body = None if method == "GET" else {"colour": 1}
    for client in (staff, administrator):
        assert client.request(method, path, json=body).status_code not in {401, 403}


HEADERS: list[Callable[[str], dict[str, str]]] = [
    lambda key: {"Authorization": key},
    lambda key: {"Authorization": f"Basic {key}"},
    lambda key: {"Authorization": f"Bearer {key}x"},
    lambda key: {"Authorization": f"Bearer {key[:-1]}"},
    lambda key: {"Authorization": f"Bearer {key[:10]}"},
    lambda key: {"Authorization": "Bearer "},
    lambda key: {"X-API-Key": ""},
    lambda key: {"X-API-Key": key.upper()},
    lambda key: {"X-API-Key": "é"},
    lambda key: {"Cookie": f"key={key}"},
]


@pytest.mark.parametrize("headers", HEADERS)
def test_invalid_keys(
    anonymous: TestClient, database: Database, headers: Callable[[str], dict[str, str]]
) -> None:
    with database.writing() as session:
        _, secret = create_key(session, name="x", role=Role.ADMIN)
    sent = {name: value.encode("latin-1") for name, value in headers(secret).items()}
    answer = anonymous.get("/v1/needs", headers=sent)  # type: ignore[arg-type]
    problem(answer, 401)
    assert secret not in answer.text


def test_a_key_in_either_header(anonymous: TestClient, database: Database) -> None:
    with database.writing() as session:
        key, secret = create_key(session, name="x", role=Role.ADMIN)
    for headers in ({"Authorization": f"Bearer {secret}"}, {"X-API-Key": secret}):
        assert anonymous.get("/v1/needs", headers=headers).status_code == 200
    assert anonymous.get("/v1/needs", params={"api_key": secret}).status_code == 401
    with database.reading() as session:
        stored = session.get_one(type(key), key.id)
        assert secret not in str(vars(stored))


def test_a_revoked_key_ends_at_once(anonymous: TestClient, database: Database) -> None:
    with database.writing() as session:
        key, secret = create_key(session, name="x", role=Role.ADMIN)
    client = with_key(anonymous, secret)
    assert client.get("/v1/needs").status_code == 200
    with database.writing() as session:
        revoke_key(session, key.prefix)
    problem(client.get("/v1/needs"), 401)


def test_an_endpoint_without_a_rule_admits_nobody(
    staff: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.deps.rule_of", lambda endpoint: None)
    assert get_actor.__module__ == "app.deps"
    problem(staff.get("/v1/needs"), 403)


def test_no_gap_in_the_policy() -> None:
    """Each role and action is spoken of: allowed by a clause somewhere, or denied outright."""
    gaps = [
        (role, action)
        for role in Role
        for action in Action
        if may_ever(role, action) == ((role, action) in DENIED)
    ]
    assert gaps == []


def test_nothing_is_allowed_by_default() -> None:
    assert decide(Role.MACHINE, Action.READ_NEED, State()) is View.NONE
    assert decide(Role.COMPANY, Action.READ_NEED, State(level=Confidentiality.PUBLIC)) is View.NONE


def test_every_scope_of_a_role_is_of_use() -> None:
    for role in Role:
        useful = {action.scope for action in Action if may_ever(role, action)} - {None}
        assert SCOPES_OF[role] == useful, role


def test_a_key_without_the_scope(anonymous: TestClient, database: Database) -> None:
    with database.writing() as session:
        _, secret = create_key(session, name="x", role=Role.COORDINATOR, scopes=[Scope.DIRECTORY])
    client = with_key(anonymous, secret)
    assert client.get("/v1/partners").status_code == 200
    assert "needs" in problem(client.get("/v1/needs"), 403)["detail"]
    assert "directory:write" in problem(client.post("/v1/partners", json={}), 403)["detail"]


def test_scopes_beyond_the_role_are_refused(database: Database) -> None:
    with database.writing() as session, pytest.raises(Problem, match="can have"):
        create_key(session, name="x", role=Role.MACHINE, scopes=[Scope.NEEDS])


def test_rule_of() -> None:
    @rule(Action.READ_NEED)
    def endpoint() -> None: ...

    assert rule_of(endpoint) is Action.READ_NEED
    assert rule_of(test_rule_of) is None
