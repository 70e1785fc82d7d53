import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from joserfc.jwk import ECKey

from app.db import Database
from app.services.accounts import disable_account
from app.services.keys import create_key
from app.services.oidc import Provider
from models import Account, Role
from tests.app.asking import get, patch, problem
from tests.app.openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider, running
from tests.app.people import EMAIL, browser, person
from tests.conftest import with_key

pytestmark = pytest.mark.usefixtures("cheap_passwords")

CALLBACK = "https://testserver/v1/session/oidc/callback"


@pytest.fixture(scope="module")
def served() -> Iterator[OpenIdProvider]:
    with running(CALLBACK) as provider:
        yield provider


@pytest.fixture
def provider(
    served: OpenIdProvider,
    anonymous: TestClient,
    application: FastAPI,
    monkeypatch: pytest.MonkeyPatch,
) -> OpenIdProvider:
    """The provider as it should be, at which the application is registered."""
    fresh = OpenIdProvider(address=served.address, redirect_uri=CALLBACK, key=served.key)
    vars(served).update(vars(fresh))
    registered = Provider(served.address, CLIENT_ID, CLIENT_SECRET, CALLBACK)
    gate = replace(application.state.gate, provider=registered)
    monkeypatch.setitem(application.state._state, "gate", gate)
    return served


def _come_back(client: TestClient, provider: OpenIdProvider) -> Response:
    """The whole round: to the provider, signed in there, and back."""
    start = client.get("/v1/session/oidc/start")
    assert start.status_code == 303, start.text
    return client.get(provider.authorize(start.headers["location"]))


def _bound(database: Database, account: Account) -> tuple[str | None, str | None]:
    with database.reading() as session:
        row = session.get_one(Account, account.id)
        return row.oidc_issuer, row.oidc_subject


def test_signing_in(anonymous: TestClient, database: Database, provider: OpenIdProvider) -> None:
    account = person(database, password=None)
    client = browser(anonymous)
    answer = _come_back(client, provider)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/v1/session"
    found = get(client, "/v1/session")
    assert found["account"]["id"] == str(account.id)
    assert found["account"]["has_openid"] is True
    assert _bound(database, account) == (provider.address, "person-1")
    assert "__Host-enmusubi-openid" not in client.cookies
    cookie = answer.headers.get_list("set-cookie")[-1]
    for attribute in ("HttpOnly", "Secure", "Path=/", "SameSite=lax"):
        assert attribute in cookie


def test_what_the_provider_is_asked(anonymous: TestClient, provider: OpenIdProvider) -> None:
    start = browser(anonymous).get("/v1/session/oidc/start")
    asked = parse_qs(urlsplit(start.headers["location"]).query)
    assert start.headers["location"].startswith(f"{provider.address}/authorize?")
    assert asked["code_challenge_method"] == ["S256"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name][0]) >= 43
    cookie = start.headers["set-cookie"]
    assert cookie.startswith("__Host-enmusubi-openid=")
    for attribute in ("HttpOnly", "Secure", "Max-Age=600", "SameSite=lax"):
        assert attribute in cookie
    assert start.headers["cache-control"] == "no-store"


def test_once_bound_the_subject_decides(
    anonymous: TestClient, database: Database, provider: OpenIdProvider
) -> None:
    account = person(database, password=None)
    _come_back(browser(anonymous), provider)
    provider.claims = {"email": "married@example.jp"}
    client = browser(anonymous)
    assert _come_back(client, provider).status_code == 303
    assert get(client, "/v1/session")["account"]["id"] == str(account.id)
    provider.claims = {"sub": "person-2"}  # somebody else, later, with the same address
    problem(_come_back(browser(anonymous), provider), 401)


def test_another_address_hands_the_account_over(
    anonymous: TestClient, database: Database, provider: OpenIdProvider
) -> None:
    account = person(database, password=None)
    client = browser(anonymous)
    _come_back(client, provider)
    with database.writing() as session:
        _, secret = create_key(session, name="admin", role=Role.ADMIN)
    admin, path = with_key(anonymous, secret), f"/v1/accounts/{account.id}"
    patch(admin, path, {"name": "Ms Mori", "email": EMAIL.upper()})  # the same address
    assert _bound(database, account) == (provider.address, "person-1")
    assert client.get("/v1/me").status_code == 200
    assert patch(admin, path, {"email": "mori@example.jp"})["has_openid"] is False
    assert _bound(database, account) == (None, None)
    problem(client.get("/v1/me"), 401)
    problem(_come_back(browser(anonymous), provider), 401)  # who had the account before
    provider.claims = {"sub": "person-2", "email": "mori@example.jp"}
    assert _come_back(browser(anonymous), provider).status_code == 303
    assert _bound(database, account) == (provider.address, "person-2")


def test_nobody_gets_an_account_by_signing_in(
    anonymous: TestClient, database: Database, provider: OpenIdProvider
) -> None:
    person(database, email="mori@example.jp", role=Role.ADMIN)
    client = browser(anonymous)
    answer = _come_back(client, provider)
    problem(answer, 401)
    assert "__Host-enmusubi" not in client.cookies


def test_a_disabled_account_stays_out(
    anonymous: TestClient, database: Database, provider: OpenIdProvider
) -> None:
    account = person(database, password=None)
    with database.writing() as session:
        disable_account(session, session.get_one(Account, account.id))
    problem(_come_back(browser(anonymous), provider), 401)
    assert _bound(database, account) == (None, None)


NOT_VERIFIED: list[dict[str, Any]] = [
    {"email_verified": False},
    {"email_verified": None},
    {"email_verified": "true"},
    {"email": [EMAIL]},
]
WRONG: list[dict[str, Any]] = [
    {"nonce": "another"},
    {"nonce": None},
    {"aud": "another-client"},
    {"aud": [CLIENT_ID, "another-client"]},
    {"aud": None},
    {"iss": "https://evil.example"},
    {"exp": int(time.time()) - 3600},
    {"exp": None},
    {"iat": int(time.time()) + 3600},
    {"nbf": int(time.time()) + 3600},
    {"sub": None},
    {"sub": ""},
    {"azp": "another-client"},
]


@pytest.mark.parametrize("claims", [*NOT_VERIFIED, *WRONG], ids="-".join)
def test_wrong_tokens(
    anonymous: TestClient,
    database: Database,
    provider: OpenIdProvider,
    claims: dict[str, Any],
) -> None:
    account = person(database, password=None)
    provider.claims = claims
    client = browser(anonymous)
    body = problem(_come_back(client, provider), 401)
    assert EMAIL not in str(body)
    problem(client.get("/v1/session"), 401)
    assert _bound(database, account) == (None, None)


def test_a_token_that_another_key_signed(
    anonymous: TestClient, database: Database, provider: OpenIdProvider
) -> None:
    person(database, password=None)
    provider.shown_key = ECKey.generate_key("P-256", {"kid": "one"})
    problem(_come_back(browser(anonymous), provider), 401)


def test_a_provider_that_changes_its_key(
    anonymous: TestClient, database: Database, provider: OpenIdProvider
) -> None:
    """The key set is read anew for a key that it did not hold."""
    person(database, password=None)
    first = provider.key
    assert _come_back(browser(anonymous), provider).status_code == 303
    provider.key = ECKey.generate_key("P-256", {"kid": "two"})
    assert _come_back(browser(anonymous), provider).status_code == 303
    provider.key = first


def test_another_state(anonymous: TestClient, database: Database, provider: OpenIdProvider) -> None:
    """Somebody else's callback, in a browser that began a sign-in of its own, or none."""
    person(database, password=None)
    foreign = provider.authorize(
        browser(anonymous).get("/v1/session/oidc/start").headers["location"]
    )
    problem(browser(anonymous).get(foreign), 401)
    client = browser(anonymous)
    client.get("/v1/session/oidc/start")
    problem(client.get(foreign), 401)
    code = parse_qs(urlsplit(foreign).query)["code"][0]
    problem(client.get("/v1/session/oidc/callback", params={"code": code}), 401)
    problem(client.get("/v1/session/oidc/callback", params={"error": "access_denied"}), 401)


def test_a_forged_or_old_cookie(
    anonymous: TestClient,
    database: Database,
    provider: OpenIdProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person(database, password=None)
    client = browser(anonymous)
    url = provider.authorize(client.get("/v1/session/oidc/start").headers["location"])
    value = client.cookies["__Host-enmusubi-openid"]

    def come_back(cookie: str) -> Response:
        other = browser(anonymous)
        other.cookies.set("__Host-enmusubi-openid", cookie)
        return other.get(url)

    for wrong in (f"x{value}", value[:-1], "{}", ""):
        problem(come_back(wrong), 401)
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 601)
    problem(come_back(value), 401)
    monkeypatch.setattr("time.time", lambda: now + 590)
    provider.claims = {"iat": int(now), "exp": int(now) + 1200}
    assert come_back(value).status_code == 303


def test_a_code_is_good_once(
    anonymous: TestClient, database: Database, provider: OpenIdProvider
) -> None:
    person(database, password=None)
    client = browser(anonymous)
    url = provider.authorize(client.get("/v1/session/oidc/start").headers["location"])
    kept = client.cookies["__Host-enmusubi-openid"]
    assert client.get(url).status_code == 303
    again = browser(anonymous)
    again.cookies.set("__Host-enmusubi-openid", kept)
    problem(again.get(url), 401)


def test_an_address_that_only_userinfo_tells(
    anonymous: TestClient, database: Database, provider: OpenIdProvider
) -> None:
    account = person(database, password=None)
    provider.claims = {"email": None, "email_verified": None}
    provider.userinfo = {"sub": "somebody-else", "email": EMAIL, "email_verified": True}
    problem(_come_back(browser(anonymous), provider), 401)
    provider.userinfo = {"email": EMAIL, "email_verified": False}
    problem(_come_back(browser(anonymous), provider), 401)
    assert _bound(database, account) == (None, None)
    provider.userinfo = {"email": EMAIL, "email_verified": True}
    assert _come_back(browser(anonymous), provider).status_code == 303


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"authorization_endpoint": "http://evil.example/authorize"},
        {"authorization_endpoint": None},
    ],
    ids=str,
)
def test_a_provider_that_describes_itself_wrongly(
    anonymous: TestClient, provider: OpenIdProvider, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    answer = browser(anonymous).get("/v1/session/oidc/start")
    problem(answer, 503)
    assert "retry-after" in answer.headers


def test_a_provider_that_is_gone(
    anonymous: TestClient, application: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Provider("http://127.0.0.1:9", CLIENT_ID, CLIENT_SECRET, CALLBACK)
    gate = replace(application.state.gate, provider=gone)
    monkeypatch.setitem(application.state._state, "gate", gate)
    problem(browser(anonymous).get("/v1/session/oidc/start"), 503)


def test_without_a_provider(anonymous: TestClient) -> None:
    for path in ("start", "callback"):
        problem(anonymous.get(f"/v1/session/oidc/{path}"), 404)
