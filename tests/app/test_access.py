from collections.abc import Callable
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.access import (
    Actor,
    Rule,
    match_view,
    may_post_needs_for,
    rule,
    rule_of,
    visible_needs,
    visible_organisations,
)
from app.db import Database
from app.deps import get_actor
from app.services.keys import create_key, revoke_key
from models import Need, Organisation, Role, new_id
from tests.app.asking import SECRET, UNKNOWN, problem
from tests.conftest import with_key
from tests.factories import make_need, make_organisation

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


def test_rules() -> None:
    coordinator = Actor(new_id(), Role.COORDINATOR)
    administrator = Actor(new_id(), Role.ADMIN)
    company = Actor(new_id(), Role.COMPANY, new_id())
    assert [Rule.STAFF.admits(a) for a in (coordinator, administrator, company)] == [1, 1, 0]
    assert [Rule.ANY_KEY.admits(a) for a in (coordinator, administrator, company)] == [1, 1, 1]
    assert [match_view(a) for a in (coordinator, administrator, company)] == [
        "full",
        "full",
        "coarse",
    ]


def test_rule_of() -> None:
    @rule(Rule.STAFF)
    def endpoint() -> None: ...

    assert rule_of(endpoint) is Rule.STAFF
    assert rule_of(test_rules) is None


def test_what_an_actor_sees(database: Database) -> None:
    with database.writing() as session:
        own, foreign = make_organisation(session), make_organisation(session)
        needs = {o.id: make_need(session, organisation_id=o.id).id for o in (own, foreign)}
        staff = Actor(new_id(), Role.COORDINATOR)
        company = Actor(new_id(), Role.COMPANY, own.id)
        unbound = Actor(new_id(), Role.COMPANY)  # cannot be made, but must see nothing

        def seen(actor: Actor) -> tuple[set[UUID], set[UUID]]:
            return (
                set(session.scalars(select(Need.id).where(visible_needs(actor)))),
                set(session.scalars(select(Organisation.id).where(visible_organisations(actor)))),
            )

        assert seen(staff) == (set(needs.values()), {own.id, foreign.id})
        assert seen(company) == ({needs[own.id]}, {own.id})
        assert seen(unbound) == (set(), set())
        assert may_post_needs_for(staff, own.id)
        assert may_post_needs_for(company, own.id)
        assert not may_post_needs_for(company, foreign.id)
        assert not may_post_needs_for(unbound, own.id)
