"""Signing in, accounts and keys behind row-level security: each role reaches what is its own."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.contexts import AUTHENTICATION
from app.db import Database
from app.services.audit import list_entries
from app.services.corpus import Engine
from app.services.keys import create_key
from app.services.oidc import Identity, bound_account
from models import Account, ApiKey, Role
from tests.app.asking import create, delete, get, patch, problem
from tests.app.people import EMAIL, OTHER, PASSWORD, browser, person, signed_in, try_to_sign_in
from tests.conftest import with_key
from tests.factories import make_organisation, make_partner

pytestmark = pytest.mark.usefixtures("cheap_passwords")


@pytest.mark.parametrize("role", Role)
def test_everybody_manages_what_is_ones_own(
    anonymous: TestClient, database: Database, role: Role
) -> None:
    with database.writing() as session:
        home, who = make_organisation(session).id, make_partner(session).id
    person(database, email="other@example.jp", role=Role.ADMIN)
    account = person(
        database,
        role=role,
        organisation_id=home if role is Role.COMPANY else None,
        partner_id=who if role is Role.PARTNER else None,
    )
    client, second = signed_in(anonymous), signed_in(anonymous)
    assert patch(client, "/v1/me", {"language": "en"})["id"] == str(account.id)
    made = create(client, "/v1/me/keys", {"name": "x"})
    keyed = with_key(anonymous, made["secret"])
    new = keyed.post(f"/v1/me/keys/{made['id']}/rotate").json()
    problem(keyed.post("/v1/me/keys", json={"name": "third"}), 409)
    delete(with_key(anonymous, new["secret"]), f"/v1/me/keys/{made['id']}")
    problem(keyed.get("/v1/me"), 401)
    assert len(get(client, "/v1/me/sessions")["items"]) == 2
    delete(client, "/v1/me/sessions")
    problem(second.get("/v1/me"), 401)
    change = {"current_password": PASSWORD, "new_password": OTHER}
    assert client.put("/v1/me/password", json=change).status_code == 204
    problem(client.get("/v1/me"), 401)
    assert signed_in(anonymous, password=OTHER).delete("/v1/session").status_code == 204


def test_failures_at_once_lock(anonymous: TestClient, database: Database) -> None:
    account = person(database)
    client = browser(anonymous)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: try_to_sign_in(client, password=OTHER), range(8)))
    assert [answer.status_code for answer in answers] == [401] * 8
    problem(try_to_sign_in(client), 401)
    problem(try_to_sign_in(client, "unknown@example.jp"), 401)
    with database.reading() as session:
        row = session.get_one(Account, account.id)
        assert row.failed_sign_ins == 5
        assert row.locked_until is not None
        failed = [e for e in list_entries(session, limit=100) if e.event == "sign_in_failed"]
        assert len(failed) == 10


def test_an_administrator_manages_accounts(anonymous: TestClient, database: Database) -> None:
    with database.writing() as session:
        _, secret = create_key(session, name="admin", role=Role.ADMIN)
    admin = with_key(anonymous, secret)
    made = create(admin, "/v1/accounts", {"name": "Ms Sato", "email": EMAIL, "role": "coordinator"})
    path = f"/v1/accounts/{made['id']}"
    assert admin.put(f"{path}/password", json={"password": PASSWORD}).status_code == 204
    client = signed_in(anonymous)
    key = create(admin, f"{path}/keys", {"name": "x"})
    patch(admin, path, {"role": "admin"})
    problem(client.get("/v1/me"), 401)
    delete(admin, f"{path}/keys/{key['id']}")
    assert admin.post(f"{path}/disable").status_code == 200
    problem(try_to_sign_in(browser(anonymous)), 401)
    assert admin.post(f"{path}/enable").status_code == 200
    signed_in(anonymous)


def test_uses_are_written(
    staff: TestClient, database: Database, engine: Engine, application: FastAPI
) -> None:
    get(staff, "/v1/clusters")
    application.state.gate.uses.write(engine.database)
    with database.reading() as session:
        assert session.scalars(select(ApiKey)).one().last_used_at is not None


def test_an_identity_is_bound(engine: Engine, database: Database) -> None:
    account = person(database, password=None)
    identity = Identity("https://login.example", "person-1", EMAIL)
    with engine.database.writing(AUTHENTICATION) as session:
        found = bound_account(session, identity)
        assert found is not None
        assert found.id == account.id
    with database.reading() as session:
        assert session.get_one(Account, account.id).oidc_subject == "person-1"
