import hashlib
import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.db import Database
from app.services import passwords
from app.services.accounts import disable_account, set_password
from app.services.audit import list_entries
from app.services.sessions import SessionRules
from models import Account, Role, SignInSession, utc_now
from tests.app.asking import SECRET, get, problem
from tests.app.people import EMAIL, OTHER, browser, person, signed_in, try_to_sign_in

pytestmark = pytest.mark.usefixtures("cheap_passwords")


def _account(database: Database, account: Account) -> Account:
    with database.reading() as session:
        return session.get_one(Account, account.id)


def test_signing_in_sets_a_cookie_that_only_this_host_gets(
    anonymous: TestClient, database: Database
) -> None:
    person(database)
    answer = try_to_sign_in(browser(anonymous))
    assert answer.status_code == 204
    assert answer.headers["cache-control"] == "no-store"
    (cookie,) = answer.headers.get_list("set-cookie")
    name, _, rest = cookie.partition("=")
    token, _, attributes = rest.partition(";")
    assert name == "__Host-enmusubi"
    assert len(token) >= 43  # 256 bits
    assert {part.strip().lower() for part in attributes.split(";")} == {
        "httponly",
        "secure",
        "path=/",
        "samesite=lax",
    }


def test_by_plain_http_the_cookie_is_not_marked_secure(
    anonymous: TestClient, database: Database
) -> None:
    person(database)
    answer = try_to_sign_in(browser(anonymous, address="http://testserver"))
    assert answer.headers["set-cookie"].startswith("enmusubi=")
    assert "secure" not in answer.headers["set-cookie"].lower()


def test_the_token_is_stored_as_its_hash(anonymous: TestClient, database: Database) -> None:
    person(database)
    client = browser(anonymous)
    try_to_sign_in(client)
    token = client.cookies["__Host-enmusubi"]
    with database.reading() as session:
        (row,) = session.scalars(select(SignInSession))
        assert row.sha256 == hashlib.sha256(token.encode()).hexdigest()


def test_who_is_signed_in(anonymous: TestClient, database: Database) -> None:
    account = person(database, role=Role.ADMIN)
    found = get(signed_in(anonymous), "/v1/session")
    assert found["account"]["id"] == str(account.id)
    assert found["account"]["last_sign_in_at"] is not None
    assert "accounts" in found["scopes"]
    assert re.fullmatch(r"[0-9a-f]{64}", found["csrf_token"])
    assert "password" not in str(found).replace("has_password", "")


def test_a_key_has_no_csrf_token(staff: TestClient) -> None:
    assert get(staff, "/v1/session")["csrf_token"] is None
    problem(staff.delete("/v1/session"), 409)


@pytest.mark.parametrize(
    "email", [EMAIL, "SATO@Example.JP", " sato@example.jp ", "ｓａｔｏ@example.jp"]
)
def test_an_address_is_found_however_it_is_typed(
    anonymous: TestClient, database: Database, email: str
) -> None:
    person(database)
    assert try_to_sign_in(browser(anonymous), email).status_code == 204


def test_a_session_may_do_what_the_role_may(anonymous: TestClient, database: Database) -> None:
    person(database)
    client = signed_in(anonymous)
    assert client.get("/v1/needs").status_code == 200
    assert client.post("/v1/clusters", json={"slug": "x", "name_en": "X"}).status_code == 201
    problem(client.get("/v1/accounts"), 403)


def test_without_the_token_nothing_is_changed(anonymous: TestClient, database: Database) -> None:
    person(database)
    person(database, email="mori@example.jp")
    client, other = signed_in(anonymous), signed_in(anonymous, "mori@example.jp")
    cluster = {"slug": "x", "name_en": "X"}
    theirs = str(other.headers["X-CSRF-Token"])
    del client.headers["X-CSRF-Token"]
    for token in ("", "0" * 64, theirs, "é"):
        answer = client.post(
            "/v1/clusters", json=cluster, headers={b"X-CSRF-Token": token.encode("latin-1")}
        )
        assert "X-CSRF-Token" in problem(answer, 403)["detail"]
    problem(client.post("/v1/clusters", json=cluster), 403)
    problem(client.delete("/v1/session"), 403)
    assert get(client, "/v1/clusters")["items"] == []  # and reading needs no token


ALLOWED: list[dict[str, str]] = [
    {},
    {"Origin": "https://testserver"},
    {"Origin": "HTTPS://TestServer"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
]
REFUSED: list[dict[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://testserver"},
    {"Origin": "https://testserver.evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://testserver"},
]


@pytest.mark.parametrize("headers", REFUSED)
def test_another_site_acts_through_no_browser(
    anonymous: TestClient, database: Database, headers: dict[str, str]
) -> None:
    """Even with the token; and it signs nobody in under an account of its own."""
    person(database)
    client = signed_in(anonymous)
    cluster = {"slug": "x", "name_en": "X"}
    problem(client.post("/v1/clusters", json=cluster, headers=headers), 403)
    problem(try_to_sign_in(browser(anonymous), **headers), 403)
    assert client.get("/v1/clusters", headers=headers).status_code == 200


@pytest.mark.parametrize("headers", ALLOWED)
def test_the_own_site_does(
    anonymous: TestClient, database: Database, headers: dict[str, str]
) -> None:
    person(database)
    client = signed_in(anonymous)
    answer = client.post("/v1/clusters", json={"slug": "x", "name_en": "X"}, headers=headers)
    assert answer.status_code == 201
    assert try_to_sign_in(browser(anonymous), **headers).status_code == 204


def test_a_key_needs_neither(staff: TestClient) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    cluster = {"slug": "x", "name_en": "X"}
    assert staff.post("/v1/clusters", json=cluster, headers=headers).status_code == 201


def test_a_wrong_key_is_not_made_good_by_a_cookie(
    anonymous: TestClient, database: Database
) -> None:
    person(database)
    client = signed_in(anonymous)
    problem(client.get("/v1/needs", headers={"Authorization": "Bearer enm_wrong"}), 401)


def test_signing_out(anonymous: TestClient, database: Database) -> None:
    person(database)
    client, other = signed_in(anonymous), signed_in(anonymous)
    token = client.cookies["__Host-enmusubi"]
    answer = client.delete("/v1/session")
    assert answer.status_code == 204
    assert "__Host-enmusubi" not in client.cookies
    again = browser(anonymous)
    again.cookies.set("__Host-enmusubi", token)
    problem(again.get("/v1/needs"), 401)
    assert other.get("/v1/needs").status_code == 200


def test_signing_in_ends_the_session_there_was(anonymous: TestClient, database: Database) -> None:
    """Nobody is signed in by a token that somebody else knows."""
    person(database)
    client = signed_in(anonymous)
    before = client.cookies["__Host-enmusubi"]
    assert try_to_sign_in(client).status_code == 204
    assert client.cookies["__Host-enmusubi"] != before
    old = browser(anonymous)
    old.cookies.set("__Host-enmusubi", before)
    problem(old.get("/v1/needs"), 401)
    planted = browser(anonymous)
    planted.cookies.set("__Host-enmusubi", "chosen-by-somebody-else")
    assert try_to_sign_in(planted).headers["set-cookie"].count("chosen") == 0


@pytest.mark.parametrize(
    "values",
    [
        {"last_seen_at": timedelta(minutes=-121)},
        {"expires_at": timedelta(seconds=-1)},
        {"revoked_at": timedelta(seconds=-1)},
    ],
    ids=lambda values: next(iter(values)),
)
def test_a_session_ends(
    anonymous: TestClient, database: Database, values: dict[str, timedelta]
) -> None:
    person(database)
    client = browser(anonymous)
    try_to_sign_in(client)
    with database.writing() as session:
        row = session.scalars(select(SignInSession)).one()
        for name, offset in values.items():
            setattr(row, name, utc_now() + offset)
    assert "sign in again" in problem(client.get("/v1/needs"), 401)["detail"]


def test_a_session_that_is_used_stays(
    anonymous: TestClient, database: Database, application: FastAPI
) -> None:
    """The last use is known before it is written down."""
    person(database)
    client = signed_in(anonymous)
    with database.writing() as session:
        session.scalars(select(SignInSession)).one().last_seen_at = utc_now() - timedelta(hours=5)
    assert client.get("/v1/needs").status_code == 200
    application.state.gate.uses.write(database)
    with database.reading() as session:
        row = session.scalars(select(SignInSession)).one()
        assert utc_now() - row.last_seen_at < timedelta(minutes=1)


def test_the_rules_are_those_of_the_settings(
    anonymous: TestClient, database: Database, application: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(database)
    short = SessionRules(idle=timedelta(hours=1), lifetime=timedelta(hours=3))
    gate = replace(application.state.gate, rules=short)
    monkeypatch.setitem(application.state._state, "gate", gate)
    try_to_sign_in(browser(anonymous))
    with database.reading() as session:
        row = session.scalars(select(SignInSession)).one()
        assert row.expires_at - row.created_at == timedelta(hours=3)


def test_what_has_run_out_is_removed_at_the_next_sign_in(
    anonymous: TestClient, database: Database
) -> None:
    person(database)
    signed_in(anonymous)
    with database.writing() as session:
        session.scalars(select(SignInSession)).one().expires_at = utc_now() - timedelta(days=1)
    signed_in(anonymous)
    with database.reading() as session:
        assert len(session.scalars(select(SignInSession)).all()) == 1


def test_a_disabled_account_is_out_at_once(anonymous: TestClient, database: Database) -> None:
    account = person(database)
    client = signed_in(anonymous)
    with database.writing() as session:
        disable_account(session, session.get_one(Account, account.id))
    problem(client.get("/v1/needs"), 401)
    problem(try_to_sign_in(browser(anonymous)), 401)


def test_an_old_hash_is_renewed(
    anonymous: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With today's parameters, at the next sign-in; which ends no session."""
    account = person(database)
    client = signed_in(anonymous)
    before = _account(database, account).password_hash
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(2, 16, 1))
    problem(try_to_sign_in(browser(anonymous), password=OTHER), 401)
    assert _account(database, account).password_hash == before
    signed_in(anonymous)
    renewed = _account(database, account).password_hash
    assert renewed is not None
    assert "m=16,t=2,p=1" in renewed
    signed_in(anonymous)
    assert _account(database, account).password_hash == renewed
    assert client.get("/v1/needs").status_code == 200


def test_a_new_password_ends_all_sessions(anonymous: TestClient, database: Database) -> None:
    account = person(database)
    clients = [signed_in(anonymous) for _ in range(2)]
    with database.writing() as session:
        set_password(session, session.get_one(Account, account.id), OTHER)
    for client in clients:
        problem(client.get("/v1/needs"), 401)
    problem(try_to_sign_in(browser(anonymous)), 401)
    signed_in(anonymous, password=OTHER)


def test_the_audit_log_says_who_came_and_who_failed(
    anonymous: TestClient, database: Database
) -> None:
    account = person(database)
    client = browser(anonymous)
    problem(try_to_sign_in(client, password=OTHER), 401)
    problem(try_to_sign_in(client, "unknown@example.jp"), 401)
    assert try_to_sign_in(client).status_code == 204
    with database.reading() as session:
        entries = list_entries(session, limit=100)
    told = [
        (entry.event, entry.role, entry.account_id, entry.object_id)
        for entry in reversed(entries)
        if entry.event.startswith("sign_in")
    ]
    assert told == [
        ("sign_in_failed", "system", None, account.id),
        ("sign_in_failed", "system", None, None),
        ("sign_in", "coordinator", account.id, account.id),
    ]


def test_no_password_comes_back_in_an_error(anonymous: TestClient, database: Database) -> None:
    for body in (
        {"email": "x", "password": SECRET},
        {"email": "sato@example.jp", "password": SECRET * 100},
        {"email": "sato@example.jp", "password": [SECRET]},
        {"email": "sato@example.jp", "password": "x", "totp": SECRET},
        {"email": "sato@example.jp", "password": "\ud800" + SECRET},
    ):
        headers = {"Content-Type": "application/json"}
        content = json.dumps(body)  # a lone surrogate as an escape
        problem(browser(anonymous).post("/v1/session", content=content, headers=headers), 422)
