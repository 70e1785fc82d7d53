import re
from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.db import Database
from app.gate import make_gate
from app.limiting import RateLimits, address_of
from app.services.keys import create_key
from app.settings import Settings
from models import Role
from tests.app.asking import SECRET, problem
from tests.app.people import EMAIL, browser, person, signed_in, try_to_sign_in
from tests.conftest import with_key

HEADERS = (
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
)


@pytest.fixture
def limited(
    anonymous: TestClient, application: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> TestClient:
    """The application with small limits."""
    limits = RateLimits(address="8/minute", key="3/minute", sign_in="2/minute")
    gate = replace(application.state.gate, limits=limits)
    monkeypatch.setitem(application.state._state, "gate", gate)
    return anonymous


@pytest.fixture
def keyed(limited: TestClient, database: Database) -> TestClient:
    with database.writing() as session:
        _, secret = create_key(session, name="x", role=Role.COORDINATOR)
    return with_key(limited, secret)


def test_each_answer_says_how_the_caller_stands(keyed: TestClient) -> None:
    answer = keyed.get("/v1/clusters")
    assert answer.headers["ratelimit-policy"] == '"address";q=8;w=60, "key";q=3;w=60'
    assert re.fullmatch(
        r'"address";r=7;t=(59|60), "key";r=2;t=(59|60)', answer.headers["ratelimit"]
    )
    assert answer.headers["ratelimit-limit"] == "3"
    assert answer.headers["ratelimit-remaining"] == "2"
    assert 0 < int(answer.headers["ratelimit-reset"]) <= 60


def test_a_key_that_asks_too_often(
    keyed: TestClient, limited: TestClient, database: Database
) -> None:
    for left in (2, 1, 0):
        answer = keyed.get("/v1/clusters")
        assert answer.status_code == 200
        assert answer.headers["ratelimit-remaining"] == str(left)
    answer = keyed.get("/v1/clusters", params={"q": SECRET})
    assert "wait" in problem(answer, 429)["detail"]
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert answer.headers["ratelimit-remaining"] == "0"
    with database.writing() as session:
        _, secret = create_key(session, name="y", role=Role.COORDINATOR)
    assert with_key(limited, secret).get("/v1/clusters").status_code == 200


def test_pages_of_mails_are_counted(limited: TestClient) -> None:
    """Whoever guesses tokens."""
    answers = [limited.get(f"/mail/{i:043}").status_code for i in range(9)]
    assert answers == [404] * 8 + [429]


def test_an_address_that_asks_too_often(limited: TestClient) -> None:
    """Also with keys that are none, and also for what does not exist."""
    for i in range(8):
        answer = limited.get(f"/v1/nothing-{i}", headers={"Authorization": "Bearer enm_x"})
        assert answer.status_code == 404
        assert "ratelimit" in answer.headers
    answer = limited.get("/v1/clusters")
    problem(answer, 429)
    assert int(answer.headers["retry-after"]) > 0
    for path in ("/healthz", "/readyz"):  # whoever looks after the service is not kept out
        found = limited.get(path)
        assert found.status_code in {200, 503}
        assert "ratelimit" not in found.headers


def test_attempts_to_sign_in(limited: TestClient, database: Database) -> None:
    person(database, password=None)
    client = browser(limited)
    for _ in range(2):
        problem(try_to_sign_in(client), 401)
    for email in (EMAIL, "unknown@example.jp"):
        answer = try_to_sign_in(client, email)
        problem(answer, 429)
        assert "retry-after" in answer.headers
        assert '"sign-in";q=2;w=60' in answer.headers["ratelimit-policy"]


@pytest.mark.usefixtures("cheap_passwords")
def test_a_browser_is_counted_by_its_account(limited: TestClient, database: Database) -> None:
    person(database)
    client = signed_in(limited)  # and asks once for its token
    for _ in range(2):
        assert client.get("/v1/clusters").status_code == 200
    problem(client.get("/v1/clusters"), 429)


def test_x_forwarded_for_alone_changes_nothing(limited: TestClient) -> None:
    for i in range(8):
        limited.get("/v1/clusters", headers={"X-Forwarded-For": f"203.0.113.{i}"})
    problem(limited.get("/v1/clusters", headers={"X-Forwarded-For": "203.0.113.99"}), 429)


def test_behind_a_proxy_that_uvicorn_trusts(limited: TestClient, application: FastAPI) -> None:
    """As `FORWARDED_ALLOW_IPS` has it: those that the proxy forwards for are told apart."""
    trusting = ProxyHeadersMiddleware(application, trusted_hosts="10.0.0.1")  # type: ignore[arg-type]
    behind = TestClient(trusting, client=("10.0.0.1", 1234))  # type: ignore[arg-type]
    behind.portal = limited.portal
    for i in range(9):
        address = {"X-Forwarded-For": f"203.0.113.{i}"}
        assert behind.get("/v1/clusters", headers=address).status_code == 401
    forged = TestClient(trusting, client=("10.0.0.2", 1234))  # type: ignore[arg-type]
    forged.portal = limited.portal
    for i in range(8):
        forged.get("/v1/clusters", headers={"X-Forwarded-For": f"203.0.113.{i}"})
    assert forged.get("/v1/clusters").status_code == 429


def test_switched_off(staff: TestClient) -> None:
    answer = staff.get("/v1/clusters")
    assert not [name for name in HEADERS if name in answer.headers]


def test_on_by_default() -> None:
    assert make_gate(Settings(_env_file=None)).limits is not None


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        ("", "unknown"),
    ],
)
def test_addresses(host: str, counted: str) -> None:
    assert address_of({"client": (host, 1)}) == counted


def test_no_address() -> None:
    assert address_of({"client": None}) == "unknown"
    assert address_of({}) == "unknown"
