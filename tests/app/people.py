"""People with accounts, and browsers in which they sign in."""

from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from app.db import Database
from app.services.accounts import create_account, set_password
from models import Account, Role

EMAIL = "sato@example.jp"
PASSWORD = "うさぎ-kumo-47-hashi"
OTHER = "another-good-password"


def person(database: Database, *, password: str | None = PASSWORD, **values: Any) -> Account:
    """A coordinator with a password unless told otherwise."""
    with database.writing() as session:
        values = {"name": "Ms Sato", "role": Role.COORDINATOR, "email": EMAIL} | values
        account = create_account(session, **values)
        if password is not None:
            set_password(session, account, password)
        return account


def browser(client: TestClient, *, address: str = "https://testserver") -> TestClient:
    """The same application in a browser without cookies, by https unless told otherwise."""
    fresh = TestClient(
        client.app, base_url=address, raise_server_exceptions=False, follow_redirects=False
    )
    fresh.portal = client.portal
    return fresh


def try_to_sign_in(
    client: TestClient, email: str = EMAIL, password: str = PASSWORD, **headers: str
) -> Response:
    """The answer to a sign-in."""
    return client.post("/v1/session", json={"email": email, "password": password}, headers=headers)


def signed_in(client: TestClient, email: str = EMAIL, password: str = PASSWORD) -> TestClient:
    """A new browser in which the person is signed in, sending the CSRF token."""
    fresh = browser(client)
    answer = try_to_sign_in(fresh, email, password)
    assert answer.status_code == 204, answer.text
    fresh.headers["X-CSRF-Token"] = fresh.get("/v1/session").json()["csrf_token"]
    return fresh
