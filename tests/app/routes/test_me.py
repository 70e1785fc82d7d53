from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from app.access import Scope
from app.db import Database
from app.services.keys import add_key, create_key
from models import Account, Role, utc_now
from tests.app.asking import SECRET, UNKNOWN, create, delete, get, patch, problem
from tests.app.people import EMAIL, OTHER, PASSWORD, browser, person, signed_in, try_to_sign_in
from tests.conftest import with_key

pytestmark = pytest.mark.usefixtures("cheap_passwords")


def test_ones_own_account(anonymous: TestClient, database: Database) -> None:
    account = person(database)
    client = signed_in(anonymous)
    found = get(client, "/v1/me")
    assert found["id"] == str(account.id)
    assert (found["email"], found["role"]) == (EMAIL, "coordinator")
    assert found["has_password"] is True
    assert not {"password_hash", "failed_sign_ins", "locked_until"} & found.keys()


def test_changing_it(anonymous: TestClient, database: Database) -> None:
    person(database)
    client = signed_in(anonymous)
    changed = patch(client, "/v1/me", {"language": "en", "name": "Ms  Sato-Mori"})
    assert (changed["language"], changed["name"]) == ("en", "Ms Sato-Mori")
    assert get(client, "/v1/me")["language"] == "en"
    for body in ({"role": "admin"}, {"email": "x@example.jp"}, {"language": "fr"}, {"name": " "}):
        problem(client.patch("/v1/me", json=body), 422)


def _change(current: str = PASSWORD, new: str = OTHER) -> dict[str, str]:
    return {"current_password": current, "new_password": new}


def test_a_new_password_signs_out_everywhere(anonymous: TestClient, database: Database) -> None:
    person(database)
    client, other = signed_in(anonymous), signed_in(anonymous)
    answer = client.put("/v1/me/password", json=_change())
    assert answer.status_code == 204
    assert "__Host-enmusubi" not in client.cookies
    problem(other.get("/v1/me"), 401)
    problem(try_to_sign_in(browser(anonymous)), 401)
    signed_in(anonymous, password=OTHER)


def test_a_password_that_breaks_a_rule(anonymous: TestClient, database: Database) -> None:
    person(database, email="a-long-address@example.jp")
    client = signed_in(anonymous, "a-long-address@example.jp")
    for new in ("short", "a-long-address@example.jp", "aaaaaaaaaaaaaaa"):
        answer = client.put("/v1/me/password", json=_change(new=new))
        assert new not in problem(answer, 422, "new_password")["detail"]
    assert client.get("/v1/me").status_code == 200


def test_guessing_the_current_password_locks(anonymous: TestClient, database: Database) -> None:
    """Somebody at an unlocked screen has no more guesses than somebody at the door."""
    account = person(database)
    client = signed_in(anonymous)
    for _ in range(5):
        answer = client.put("/v1/me/password", json=_change(current=SECRET))
        problem(answer, 422, "current_password")
    problem(client.put("/v1/me/password", json=_change()), 422, "current_password")
    problem(try_to_sign_in(browser(anonymous)), 401)
    with database.reading() as session:
        assert session.get_one(Account, account.id).locked_until is not None


def test_only_a_person_changes_a_password(
    anonymous: TestClient, staff: TestClient, database: Database
) -> None:
    problem(staff.put("/v1/me/password", json=_change()), 403)
    account = person(database)
    client = signed_in(anonymous)
    with database.writing() as session:
        session.get_one(Account, account.id).password_hash = None
    problem(client.put("/v1/me/password", json=_change()), 409)


# Keys


def test_ones_own_keys(anonymous: TestClient, database: Database) -> None:
    person(database)
    client = signed_in(anonymous)
    until = (utc_now() + timedelta(days=90)).isoformat()
    made = create(
        client, "/v1/me/keys", {"name": "my script", "scopes": ["needs"], "expires_at": until}
    )
    assert made["secret"].startswith(made["prefix"])
    assert made["scopes"] == ["needs"]
    (listed,) = get(client, "/v1/me/keys")["items"]
    assert listed == {name: value for name, value in made.items() if name != "secret"}
    keyed = with_key(anonymous, made["secret"])
    assert keyed.get("/v1/needs").status_code == 200
    problem(keyed.get("/v1/partners"), 403)
    delete(client, f"/v1/me/keys/{made['id']}")
    problem(keyed.get("/v1/needs"), 401)
    assert get(client, "/v1/me/keys")["items"][0]["revoked_at"] is not None


def test_rotation_by_the_key_itself(staff: TestClient, anonymous: TestClient) -> None:
    (old,) = get(staff, "/v1/me/keys")["items"]
    answer = staff.post(f"/v1/me/keys/{old['id']}/rotate")
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    new = answer.json()
    fresh = with_key(anonymous, new["secret"])
    for client in (staff, fresh):
        assert client.get("/v1/needs").status_code == 200
    assert (
        "revoke one first" in problem(staff.post(f"/v1/me/keys/{new['id']}/rotate"), 409)["detail"]
    )
    problem(staff.post("/v1/me/keys", json={"name": "third"}), 409)
    delete(fresh, f"/v1/me/keys/{old['id']}")
    problem(staff.get("/v1/needs"), 401)
    until = "2100-01-01T00:00:00Z"
    third = create(fresh, f"/v1/me/keys/{new['id']}/rotate", {"expires_at": until})
    assert third["expires_at"].startswith("2100-01-01")


def test_no_key_gives_more_than_it_has(anonymous: TestClient, database: Database) -> None:
    with database.writing() as session:
        _, secret = create_key(session, name="x", role=Role.COORDINATOR, scopes=[Scope.DIRECTORY])
    client = with_key(anonymous, secret)
    body = {"name": "y", "scopes": ["directory", "needs"]}
    problem(client.post("/v1/me/keys", json=body), 422, "scopes")
    problem(client.post("/v1/me/keys", json={"name": "y", "scopes": [SECRET]}), 422, "scopes")
    assert create(client, "/v1/me/keys", {"name": "y"})["scopes"] == ["directory"]


def test_a_narrow_key_does_not_rotate_a_wide_one(anonymous: TestClient, database: Database) -> None:
    with database.writing() as session:
        wide, _ = create_key(session, name="wide", role=Role.COORDINATOR)
        _, secret = add_key(session, wide.account, name="narrow", scopes=[Scope.DIRECTORY])
    client = with_key(anonymous, secret)
    problem(client.post(f"/v1/me/keys/{wide.id}/rotate"), 403)


def _expiring(database: Database, until: datetime) -> str:
    with database.writing() as session:
        return create_key(session, name="x", role=Role.COORDINATOR, expires_at=until)[1]


def test_no_key_makes_one_that_outlives_it(anonymous: TestClient, database: Database) -> None:
    until = utc_now() + timedelta(minutes=5)
    client = with_key(anonymous, _expiring(database, until))
    later = {"name": "y", "expires_at": (until + timedelta(seconds=1)).isoformat()}
    answer = client.post("/v1/me/keys", json=later)
    assert "cannot live longer" in problem(answer, 422, "expires_at")["detail"]
    made = create(client, "/v1/me/keys", {"name": "y"})
    assert datetime.fromisoformat(made["expires_at"]) == until
    delete(client, f"/v1/me/keys/{made['id']}")
    earlier = (until - timedelta(minutes=1)).isoformat()
    made = create(client, "/v1/me/keys", {"name": "y", "expires_at": earlier})
    assert datetime.fromisoformat(made["expires_at"]) < until


def test_rotation_by_a_key_does_not_outlive_it(anonymous: TestClient, database: Database) -> None:
    until = utc_now() + timedelta(minutes=5)
    client = with_key(anonymous, _expiring(database, until))
    path = f"/v1/me/keys/{get(client, '/v1/me/keys')['items'][0]['id']}/rotate"
    problem(client.post(path, json={"expires_at": "2100-01-01T00:00:00Z"}), 422, "expires_at")
    made = create(client, path, {})
    assert datetime.fromisoformat(made["expires_at"]) == until


def test_a_person_chooses_any_expiry(anonymous: TestClient, database: Database) -> None:
    person(database)
    client = signed_in(anonymous)
    soon = (utc_now() + timedelta(minutes=5)).isoformat()
    made = create(client, "/v1/me/keys", {"name": "x", "expires_at": soon})
    body = {"expires_at": "2100-01-01T00:00:00Z"}
    rotated = create(client, f"/v1/me/keys/{made['id']}/rotate", body)
    assert rotated["expires_at"].startswith("2100-01-01")
    delete(client, f"/v1/me/keys/{made['id']}")
    assert create(client, "/v1/me/keys", {"name": "y"})["expires_at"] is None


def _narrow(database: Database, account: Account) -> str:
    with database.writing() as session:
        owner = session.get_one(Account, account.id)
        return add_key(session, owner, name="narrow", scopes=[Scope.METRICS])[1]


def test_a_narrow_key_ends_no_wide_one(anonymous: TestClient, database: Database) -> None:
    account = person(database)
    person_in = signed_in(anonymous)
    wide = create(person_in, "/v1/me/keys", {"name": "wide"})
    client = with_key(anonymous, _narrow(database, account))
    answer = client.delete(f"/v1/me/keys/{wide['id']}")
    assert "more scopes" in problem(answer, 403)["detail"]
    assert with_key(anonymous, wide["secret"]).get("/v1/needs").status_code == 200
    itself = get(client, "/v1/me/keys")["items"][1]["id"]
    delete(client, f"/v1/me/keys/{itself}")
    delete(person_in, f"/v1/me/keys/{wide['id']}")


def test_a_wide_key_ends_a_narrow_one(staff: TestClient, anonymous: TestClient) -> None:
    narrow = create(staff, "/v1/me/keys", {"name": "narrow", "scopes": ["metrics"]})
    delete(staff, f"/v1/me/keys/{narrow['id']}")
    problem(with_key(anonymous, narrow["secret"]).get("/v1/me"), 401)


def test_a_narrow_key_leaves_the_account_alone(anonymous: TestClient, database: Database) -> None:
    account = person(database)
    person_in = signed_in(anonymous)
    (browsing,) = get(person_in, "/v1/me/sessions")["items"]
    client = with_key(anonymous, _narrow(database, account))
    answers = [
        client.patch("/v1/me", json={"name": "Somebody"}),
        client.delete("/v1/me/sessions"),
        client.delete(f"/v1/me/sessions/{browsing['id']}"),
        client.put("/v1/me/password", json=_change()),
    ]
    for answer in answers:
        assert "sign in" in problem(answer, 403)["detail"]
    assert get(person_in, "/v1/me")["name"] == "Ms Sato"
    assert get(client, "/v1/me")["name"] == "Ms Sato"  # which it may read


def test_a_whole_key_changes_the_account(anonymous: TestClient, database: Database) -> None:
    person(database)
    person_in = signed_in(anonymous)
    secret = create(person_in, "/v1/me/keys", {"name": "whole"})["secret"]
    client = with_key(anonymous, secret)
    assert patch(client, "/v1/me", {"name": "Ms Mori"})["name"] == "Ms Mori"
    delete(client, "/v1/me/sessions")
    problem(person_in.get("/v1/me"), 401)


def test_bad_keys(staff: TestClient) -> None:
    problem(staff.post("/v1/me/keys", json={"name": ""}), 422, "name")
    old = {"name": "x", "expires_at": "2020-01-01T00:00:00Z"}
    problem(staff.post("/v1/me/keys", json=old), 422, "expires_at")
    naive = {"name": "x", "expires_at": "2100-01-01T00:00:00"}
    problem(staff.post("/v1/me/keys", json=naive), 422, "expires_at")


def test_other_peoples_keys_and_sessions_are_not_there(
    anonymous: TestClient, staff: TestClient, database: Database
) -> None:
    person(database)
    client = signed_in(anonymous)
    (key,) = get(staff, "/v1/me/keys")["items"]
    (session,) = get(client, "/v1/me/sessions")["items"]
    paths = ("/v1/me/keys/{}/rotate", "/v1/me/keys/{}", "/v1/me/sessions/{}")
    for path, theirs, method in zip(
        paths, (key["id"], key["id"], session["id"]), ("POST", "DELETE", "DELETE"), strict=True
    ):
        asks = staff if "sessions" in path else client
        answers = [asks.request(method, path.format(i)) for i in (theirs, UNKNOWN)]
        assert problem(answers[0], 404) == problem(answers[1], 404)
    assert staff.get("/v1/me").status_code == 200
    assert client.get("/v1/me").status_code == 200


# Sessions


def test_ones_own_sessions(anonymous: TestClient, database: Database) -> None:
    person(database)
    first, second, third = (signed_in(anonymous) for _ in range(3))
    found = get(first, "/v1/me/sessions")["items"]
    assert [row["current"] for row in found] == [True, False, False]
    delete(first, f"/v1/me/sessions/{found[1]['id']}")
    problem(second.get("/v1/me"), 401)
    assert third.get("/v1/me").status_code == 200
    delete(first, "/v1/me/sessions")
    problem(third.get("/v1/me"), 401)
    assert len(get(first, "/v1/me/sessions")["items"]) == 1
    problem(first.delete(f"/v1/me/sessions/{found[1]['id']}"), 404)


def test_sessions_and_keys_need_the_csrf_token(anonymous: TestClient, database: Database) -> None:
    person(database)
    client = signed_in(anonymous)
    del client.headers["X-CSRF-Token"]
    problem(client.post("/v1/me/keys", json={"name": "x"}), 403)
    problem(client.delete("/v1/me/sessions"), 403)
    problem(client.put("/v1/me/password", json=_change()), 403)
