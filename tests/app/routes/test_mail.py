"""One's own wishes about mail, recorded consents, and the switch for all mail."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.access import Scope
from app.db import Database
from app.services.audit import list_entries
from app.services.keys import create_key
from app.services.mail_consents import BY_THE_OFFICE, current, has_consent
from app.services.mail_halts import is_halted
from app.services.mail_suppressions import is_suppressed, suppress
from models import AuditEvent, ConsentMeans, MailConsent, MailHalt, Role, utc_now
from tests.app.asking import UNKNOWN, create, everything, get, problem
from tests.app.people import person, signed_in
from tests.conftest import with_key
from tests.factories import make_account, make_organisation

pytestmark = pytest.mark.usefixtures("cheap_passwords")


@pytest.fixture
def admin(anonymous: TestClient, database: Database) -> TestClient:
    """Called by an administrator."""
    with database.writing() as session:
        _, secret = create_key(session, name="admin", role=Role.ADMIN)
    return with_key(anonymous, secret)


def _put(client: TestClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.put(path, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


# One's own


def test_a_company_consents_for_itself(company: TestClient, database: Database) -> None:
    account = UUID(get(company, "/v1/me")["id"])
    found = get(company, "/v1/me/mail")
    assert found == {
        "frequency": "daily",
        "consent": False,
        "consent_needed": True,
        "means": None,
        "at": None,
    }
    changed = _put(company, "/v1/me/mail", {"frequency": "weekly", "consent": True})
    assert (changed["frequency"], changed["consent"]) == ("weekly", True)
    assert changed["means"] == "self_service"
    assert get(company, "/v1/me/mail") == changed
    with database.reading() as session:
        row = current(session, account)
        assert row is not None
        assert row.recorded_by == account
        assert has_consent(session, account)


def test_a_withdrawal_counts_after_the_clock_was_set_back(
    company: TestClient, database: Database
) -> None:
    """The consent bears a date to come, on which it would count again."""
    before = _put(company, "/v1/me/mail", {"frequency": "daily", "consent": True})
    assert before["consent"]
    with database.writing() as session:
        (row,) = session.scalars(select(MailConsent))
        row.at += timedelta(days=1)
    after = _put(company, "/v1/me/mail", {"frequency": "daily", "consent": False})
    assert not after["consent"]
    with database.reading() as session:
        assert not has_consent(session, row.account_id)


def test_only_a_change_of_the_consent_is_recorded(company: TestClient, database: Database) -> None:
    for consent, rows in ((False, 0), (True, 1), (True, 1), (False, 2), (False, 2), (True, 3)):
        body = {"frequency": "daily", "consent": consent}
        assert _put(company, "/v1/me/mail", body)["consent"] is consent
        with database.reading() as session:
            assert len(session.scalars(select(MailConsent)).all()) == rows


def test_a_consent_ends_with_its_address(
    admin: TestClient, company: TestClient, database: Database
) -> None:
    """Who reads the new mailbox has not been asked."""
    me = get(company, "/v1/me")
    path = f"/v1/accounts/{me['id']}"
    assert admin.patch(path, json={"email": "first@example.jp"}).status_code == 200
    _put(company, "/v1/me/mail", {"frequency": "daily", "consent": True})
    assert admin.patch(path, json={"name": "Another name"}).status_code == 200
    assert get(company, "/v1/me/mail")["consent"] is True
    assert admin.patch(path, json={"email": "second@example.jp"}).status_code == 200
    assert get(company, "/v1/me/mail")["consent"] is False
    records = get(admin, f"{path}/mail-consents")["items"]
    assert [(each["given"], each["means"]) for each in records] == [
        (True, "self_service"),
        (False, "address_changed"),
    ]


def test_staff_needs_no_consent(staff: TestClient) -> None:
    assert get(staff, "/v1/me/mail")["consent_needed"] is False


def test_only_what_was_read_is_changed(company: TestClient) -> None:
    etag = company.get("/v1/me/mail").headers["etag"]
    _put(company, "/v1/me/mail", {"frequency": "never", "consent": False})
    body = {"frequency": "daily", "consent": True}
    problem(company.put("/v1/me/mail", json=body, headers={"If-Match": etag}), 412)
    assert get(company, "/v1/me/mail")["frequency"] == "never"


def test_a_key_with_few_scopes_changes_nothing(anonymous: TestClient, database: Database) -> None:
    with database.writing() as session:
        _, secret = create_key(session, name="x", role=Role.COORDINATOR, scopes={Scope.DIRECTORY})
    client = with_key(anonymous, secret)
    problem(client.put("/v1/me/mail", json={"frequency": "never", "consent": False}), 403)
    assert get(client, "/v1/me/mail")["frequency"] == "daily"


def test_a_person_in_a_browser(anonymous: TestClient, database: Database) -> None:
    person(database)
    client = signed_in(anonymous)
    assert _put(client, "/v1/me/mail", {"frequency": "never", "consent": False})["at"] is None


@pytest.mark.parametrize(
    "body",
    [{}, {"frequency": "daily"}, {"frequency": "hourly", "consent": True}, {"consent": True}],
)
def test_wishes_that_are_none(company: TestClient, body: dict[str, Any]) -> None:
    problem(company.put("/v1/me/mail", json=body), 422)


# Consents that the office records


def _consent(**changes: Any) -> dict[str, Any]:
    return {"given": True, "means": "written", "at": "2026-04-01T09:00:00+09:00", **changes}


@pytest.fixture
def consents(admin: TestClient, company: TestClient) -> str:
    """Path of the company's consents."""
    return f"/v1/accounts/{get(company, '/v1/me')['id']}/mail-consents"


def test_the_office_records_a_consent(
    admin: TestClient, company: TestClient, consents: str
) -> None:
    made = create(admin, consents, _consent())
    assert made["recorded_by"] == get(admin, "/v1/me")["id"]
    assert made["at"] == "2026-04-01T00:00:00Z"
    assert get(company, "/v1/me/mail")["consent"] is True
    withdrawn = create(admin, consents, _consent(given=False, means="spoken", at=_ago(hours=1)))
    assert get(company, "/v1/me/mail")["consent"] is False
    assert everything(admin, consents, limit=1) == [made["id"], withdrawn["id"]]
    problem(company.get(consents), 403)
    problem(company.post(consents, json=_consent()), 403)


def _ago(**time: float) -> str:
    return (utc_now() - timedelta(**time)).isoformat()


def test_the_last_one_by_its_own_time_counts(
    admin: TestClient, company: TestClient, consents: str
) -> None:
    """A consent of earlier that is written down late does not undo what came after it."""
    create(admin, consents, _consent(given=False, at=_ago(hours=1)))
    create(admin, consents, _consent(given=True, at=_ago(days=5)))
    assert get(company, "/v1/me/mail")["consent"] is False
    create(admin, consents, _consent(given=True, at=_ago(minutes=1)))
    assert get(company, "/v1/me/mail")["consent"] is True


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"means": "one_click"}, "means"),
        ({"means": "stop_link"}, "means"),
        ({"means": "self_service"}, "means"),
        ({"means": "telepathy"}, "means"),
        ({"at": "2026-04-01T09:00:00"}, "at"),
        ({"at": "2999-01-01T00:00:00Z"}, "at"),
        ({"given": None}, "given"),
    ],
)
def test_consents_that_are_none(
    admin: TestClient, consents: str, changes: dict[str, Any], field: str
) -> None:
    problem(admin.post(consents, json=_consent(**changes)), 422, field)
    assert get(admin, consents)["items"] == []


def test_consents_of_nobody(admin: TestClient) -> None:
    path = f"/v1/accounts/{UNKNOWN}/mail-consents"
    problem(admin.get(path), 404)
    problem(admin.post(path, json=_consent()), 404)


# Frequency and clusters of accounts


def test_whose_suggestions_a_coordinator_is_mailed(admin: TestClient, database: Database) -> None:
    for slug in ("food-health", "it-resort"):
        create(admin, "/v1/clusters", {"slug": slug, "name_en": slug})
    body = {"name": "Ms Sato", "role": "coordinator", "clusters": ["it-resort"]}
    made = create(admin, "/v1/accounts", body)
    assert (made["clusters"], made["digest_frequency"]) == (["it-resort"], "daily")
    path = f"/v1/accounts/{made['id']}"
    both = admin.patch(path, json={"clusters": ["it-resort", "food-health"]}).json()
    assert both["clusters"] == ["food-health", "it-resort"]
    weekly = admin.patch(path, json={"digest_frequency": "weekly"}).json()
    assert (weekly["clusters"], weekly["digest_frequency"]) == (both["clusters"], "weekly")
    assert get(admin, path) == weekly
    assert get(admin, "/v1/accounts")["items"][-1]["clusters"] == both["clusters"]
    problem(admin.patch(path, json={"clusters": ["nowhere"]}), 422, "clusters")
    with database.writing() as session:
        home = str(make_organisation(session).id)
    change = {"role": "company", "organisation_id": home}
    problem(admin.patch(path, json=change), 422, "clusters")
    assert admin.patch(path, json={**change, "clusters": []}).status_code == 200


def test_changing_ones_name_keeps_them(admin: TestClient) -> None:
    create(admin, "/v1/clusters", {"slug": "it-resort", "name_en": "IT"})
    path = f"/v1/accounts/{get(admin, '/v1/me')['id']}"
    admin.patch(path, json={"clusters": ["it-resort"], "digest_frequency": "weekly"})
    assert admin.patch("/v1/me", json={"name": "Ms Mori"}).status_code == 200
    found = get(admin, path)
    assert (found["clusters"], found["digest_frequency"]) == (["it-resort"], "weekly")


# The switch


def test_an_administrator_stops_all_mail(
    admin: TestClient, staff: TestClient, company: TestClient, database: Database
) -> None:
    path = "/v1/mail/switch"
    assert get(staff, path) == {"allowed": True, "halted_at": None}
    stopped = _put(admin, path, {"allowed": False})
    assert stopped["allowed"] is False
    assert stopped["halted_at"] is not None
    assert _put(admin, path, {"allowed": False}) == stopped
    assert get(staff, path) == stopped
    problem(staff.put(path, json={"allowed": True}), 403)
    problem(company.get(path), 403)
    problem(company.put(path, json={"allowed": True}), 403)
    with database.reading() as session:
        assert is_halted(session)
    assert _put(admin, path, {"allowed": True}) == {"allowed": True, "halted_at": None}
    _put(admin, path, {"allowed": True})
    with database.reading() as session:
        assert not is_halted(session)
        (row,) = session.scalars(select(MailHalt))
        me = UUID(get(admin, "/v1/me")["id"])
        assert (row.halted_by, row.lifted_by) == (me, me)


def test_the_switch_is_set_as_it_was_read(admin: TestClient) -> None:
    etag = admin.get("/v1/mail/switch").headers["etag"]
    _put(admin, "/v1/mail/switch", {"allowed": False})
    answer = admin.put("/v1/mail/switch", json={"allowed": True}, headers={"If-Match": etag})
    problem(answer, 412)


# Refused addresses


def test_an_administrator_lifts_the_refusal_of_an_address(
    admin: TestClient, staff: TestClient, database: Database
) -> None:
    with database.writing() as session:
        account = make_account(session, email="sato@example.jp")
        other = make_account(session)  # without an address
        suppress(session, "sato@example.jp", 550)
    path = f"/v1/accounts/{account.id}/mail-suppression"
    problem(staff.delete(path), 403)
    problem(admin.delete(f"/v1/accounts/{UNKNOWN}/mail-suppression"), 404)
    for _ in range(2):  # what is lifted stays so
        assert admin.delete(path).status_code == 204
    assert admin.delete(f"/v1/accounts/{other.id}/mail-suppression").status_code == 204
    with database.reading() as session:
        assert not is_suppressed(session, "sato@example.jp")
        entries = list_entries(session, object_id=account.id, event=AuditEvent.CHANGE, limit=9)
        assert [entry.fields for entry in entries] == [["mail_suppression"]]


def test_means_that_the_office_records_are_not_those_of_the_service() -> None:
    assert set(ConsentMeans) - set(BY_THE_OFFICE) == {
        ConsentMeans.SELF_SERVICE,
        ConsentMeans.STOP_LINK,
        ConsentMeans.ONE_CLICK,
        ConsentMeans.ADDRESS_CHANGED,
    }
