from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.db import Database
from app.services.keys import create_key
from models import Account, Role, utc_now
from tests.app.asking import UNKNOWN, create, delete, everything, get, organisation, patch, problem
from tests.app.people import EMAIL, OTHER, PASSWORD, browser, person, signed_in, try_to_sign_in
from tests.conftest import with_key
from tests.factories import make_organisation, make_partner

pytestmark = pytest.mark.usefixtures("cheap_passwords")


@pytest.fixture
def admin(anonymous: TestClient, database: Database) -> TestClient:
    """Called by an administrator."""
    with database.writing() as session:
        _, secret = create_key(session, name="admin", role=Role.ADMIN)
    return with_key(anonymous, secret)


def _body(**changes: Any) -> dict[str, Any]:
    return {"name": "Ms Sato", "email": EMAIL, "role": "coordinator", **changes}


def test_from_nothing_to_signed_in(admin: TestClient, anonymous: TestClient) -> None:
    made = create(admin, "/v1/accounts", _body(email="SATO@example.jp"))
    assert made["email"] == EMAIL
    assert made["has_password"] is False
    problem(try_to_sign_in(browser(anonymous)), 401)
    answer = admin.put(f"/v1/accounts/{made['id']}/password", json={"password": PASSWORD})
    assert answer.status_code == 204
    assert get(signed_in(anonymous), "/v1/me")["id"] == made["id"]
    found = get(admin, f"/v1/accounts/{made['id']}")
    assert found["has_password"] is True
    assert found["last_sign_in_at"] is not None
    assert not [name for name in found if "hash" in name]


def test_lists(admin: TestClient, database: Database) -> None:
    made = [create(admin, "/v1/accounts", _body(email=f"p{i}@example.jp"))["id"] for i in range(5)]
    me = get(admin, "/v1/me")["id"]
    assert everything(admin, "/v1/accounts", limit=2) == [me, *made]
    assert everything(admin, "/v1/accounts", role="admin") == [me]
    assert everything(admin, "/v1/accounts", email="P3@example.jp") == [made[3]]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "nonsense"}, "email"),
        ({"email": "sato@example"}, "email"),
        ({"email": "sato@example.jp\r\nBcc: x@example.jp"}, "email"),
        ({"email": "=?utf-8?q?x?=@example.jp"}, "email"),
        ({"email": "a b@example.jp"}, "email"),
        ({"name": ""}, "name"),
        ({"name": "\u200b"}, "name"),
        ({"role": "emperor"}, "role"),
        ({"language": "fr"}, "language"),
        ({"role": "company"}, "organisation"),
        ({"role": "company", "organisation_id": UNKNOWN}, "organisation"),
        ({"role": "partner"}, "partner"),
        ({"organisation_id": UNKNOWN}, "organisation"),
        ({"partner_id": UNKNOWN}, "partner"),
        ({"password": PASSWORD}, "body"),  # a name that is not known is not echoed
    ],
)
def test_what_is_refused(admin: TestClient, changes: dict[str, Any], field: str) -> None:
    answer = admin.post("/v1/accounts", json=_body(**changes))
    problem(answer, 422, field)


def test_an_address_belongs_to_one(admin: TestClient) -> None:
    create(admin, "/v1/accounts", _body())
    problem(admin.post("/v1/accounts", json=_body(email="Sato@Example.jp")), 409)
    other = create(admin, "/v1/accounts", _body(email="mori@example.jp"))
    problem(admin.patch(f"/v1/accounts/{other['id']}", json={"email": EMAIL}), 409)
    assert patch(admin, f"/v1/accounts/{other['id']}", {"name": "M"})["email"] == "mori@example.jp"


def test_roles_and_bindings(admin: TestClient, anonymous: TestClient, database: Database) -> None:
    with database.writing() as session:
        home, who = str(make_organisation(session).id), str(make_partner(session).id)
    company = create(admin, "/v1/accounts", _body(role="company", organisation_id=home))
    create(admin, "/v1/accounts", _body(role="partner", partner_id=who, email="k@example.jp"))
    path = f"/v1/accounts/{company['id']}"
    admin.put(f"{path}/password", json={"password": PASSWORD})
    client = signed_in(anonymous)
    problem(client.get("/v1/partners"), 403)
    problem(admin.patch(path, json={"role": "coordinator"}), 422, "organisation")
    changed = patch(admin, path, {"role": "coordinator", "organisation_id": None})
    assert changed["role"] == "coordinator"
    problem(client.get("/v1/partners"), 401)  # signed out
    assert signed_in(anonymous).get("/v1/partners").status_code == 200


def test_another_role_or_binding_ends_keys(
    admin: TestClient, anonymous: TestClient, database: Database
) -> None:
    with database.writing() as session:
        homes = [str(make_organisation(session).id) for _ in range(2)]
    made = create(admin, "/v1/accounts", _body(role="company", organisation_id=homes[0]))
    path = f"/v1/accounts/{made['id']}"
    for change in (
        {"organisation_id": homes[1]},
        {"role": "coordinator", "organisation_id": None},
        {"role": "machine"},
    ):
        secret = create(admin, f"{path}/keys", {"name": "x"})["secret"]
        keyed = with_key(anonymous, secret)
        patch(admin, path, {"name": f"Ms Sato {change}"[:40]})
        assert keyed.get("/v1/me").status_code == 200
        patch(admin, path, change)
        problem(keyed.get("/v1/me"), 401)
    assert all(key["revoked_at"] for key in get(admin, f"{path}/keys")["items"])
    assert get(admin, "/v1/me")["role"] == "admin"  # other accounts keep theirs


def test_an_organisation_with_accounts_stays(admin: TestClient) -> None:
    home = create(admin, "/v1/organisations", organisation())["id"]
    made = create(admin, "/v1/accounts", _body(role="company", organisation_id=home))
    problem(admin.delete(f"/v1/organisations/{home}"), 409)
    patch(admin, f"/v1/accounts/{made['id']}", {"role": "machine", "organisation_id": None})
    delete(admin, f"/v1/organisations/{home}")


def test_a_partner_takes_its_accounts_along(
    admin: TestClient, anonymous: TestClient, database: Database
) -> None:
    with database.writing() as session:
        who = make_partner(session).id
    account = person(database, role=Role.PARTNER, partner_id=who)
    client = signed_in(anonymous)
    delete(admin, f"/v1/partners/{who}")
    problem(client.get("/v1/me"), 401)
    problem(admin.get(f"/v1/accounts/{account.id}"), 404)


def test_disabling(admin: TestClient, anonymous: TestClient, database: Database) -> None:
    account = person(database)
    path = f"/v1/accounts/{account.id}"
    secret = create(admin, f"{path}/keys", {"name": "x"})["secret"]
    client, keyed = signed_in(anonymous), with_key(anonymous, secret)
    assert admin.post(f"{path}/disable").json()["disabled_at"] is not None
    problem(client.get("/v1/me"), 401)
    problem(keyed.get("/v1/me"), 401)
    problem(try_to_sign_in(browser(anonymous)), 401)
    assert admin.post(f"{path}/enable").json()["disabled_at"] is None
    problem(client.get("/v1/me"), 401)
    assert keyed.get("/v1/me").status_code == 200
    signed_in(anonymous)


def test_the_last_administrator_stays(admin: TestClient) -> None:
    me = get(admin, "/v1/me")["id"]
    problem(admin.post(f"/v1/accounts/{me}/disable"), 409)
    problem(admin.patch(f"/v1/accounts/{me}", json={"role": "coordinator"}), 409)
    other = create(admin, "/v1/accounts", _body(role="admin"))["id"]
    assert admin.post(f"/v1/accounts/{other}/disable").status_code == 200
    problem(admin.post(f"/v1/accounts/{me}/disable"), 409)
    admin.post(f"/v1/accounts/{other}/enable")
    assert admin.post(f"/v1/accounts/{me}/disable").status_code == 200


def test_a_password_from_an_administrator(
    admin: TestClient, anonymous: TestClient, database: Database
) -> None:
    """It unlocks, and ends all sessions."""
    account = person(database)
    client = signed_in(anonymous)
    path = f"/v1/accounts/{account.id}"
    with database.writing() as session:
        session.get_one(Account, account.id).locked_until = utc_now().replace(year=2100)
    assert get(admin, path)["locked_until"].startswith("2100")
    problem(admin.put(f"{path}/password", json={"password": "short"}), 422, "password")
    problem(admin.put(f"{path}/password", json={"password": "s" * 20}), 422, "password")
    assert admin.put(f"{path}/password", json={"password": OTHER}).status_code == 204
    problem(client.get("/v1/me"), 401)
    signed_in(anonymous, password=OTHER)
    system = create(admin, "/v1/accounts", {"name": "import", "role": "machine"})
    problem(
        admin.put(f"/v1/accounts/{system['id']}/password", json={"password": OTHER}),
        422,
        "account",
    )


def test_keys_of_an_account(admin: TestClient, anonymous: TestClient) -> None:
    system = create(admin, "/v1/accounts", {"name": "import", "role": "machine"})
    path = f"/v1/accounts/{system['id']}/keys"
    problem(admin.post(path, json={"name": "x", "scopes": ["needs"]}), 422, "scopes")
    made = create(admin, path, {"name": "x", "scopes": ["directory"]})
    second = admin.post(f"{path}/{made['id']}/rotate").json()
    problem(admin.post(path, json={"name": "third"}), 409)
    assert [key["id"] for key in get(admin, path)["items"]] == [made["id"], second["id"]]
    delete(admin, f"{path}/{made['id']}")
    problem(with_key(anonymous, made["secret"]).get("/v1/partners"), 401)
    assert with_key(anonymous, second["secret"]).get("/v1/partners").status_code == 200
    problem(admin.delete(f"/v1/accounts/{UNKNOWN}/keys/{made['id']}"), 404)
    me = get(admin, "/v1/me")["id"]
    problem(admin.delete(f"/v1/accounts/{me}/keys/{made['id']}"), 404)


def test_signing_somebody_out(admin: TestClient, anonymous: TestClient, database: Database) -> None:
    account = person(database)
    client = signed_in(anonymous)
    delete(admin, f"/v1/accounts/{account.id}/sessions")
    problem(client.get("/v1/me"), 401)


def test_unknown_accounts(admin: TestClient) -> None:
    for method, tail, body in (
        ("GET", "", None),
        ("PATCH", "", {}),
        ("POST", "/disable", None),
        ("POST", "/enable", None),
        ("PUT", "/password", {"password": PASSWORD}),
        ("DELETE", "/sessions", None),
        ("GET", "/keys", None),
        ("POST", "/keys", {"name": "x"}),
        ("POST", f"/keys/{UNKNOWN}/rotate", None),
        ("DELETE", f"/keys/{UNKNOWN}", None),
    ):
        problem(admin.request(method, f"/v1/accounts/{UNKNOWN}{tail}", json=body), 404)
