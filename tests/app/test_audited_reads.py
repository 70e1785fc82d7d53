"""What staff is shown over HTTP is in the audit log before the answer leaves."""

import inspect
from typing import Any, get_args
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.params import Depends as DependsOn
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from app.access import Noun, Scope, rule_of
from app.db import Database
from app.deps import ReadSession, WriteSession
from app.routes import introductions
from app.services.audit_verification import verify
from app.services.keys import create_key
from app.settings import get_settings
from models import AuditEntry, Confidentiality, IntroductionState, Role
from tests.app.asking import problem
from tests.conftest import with_key
from tests.factories import (
    make_account,
    make_capability,
    make_introduction,
    make_need,
    make_partner,
)
from tests.guards.routes import served

SHOWS = {
    "GET /v1/needs",
    "GET /v1/needs/{need_id}",
    "PATCH /v1/needs/{need_id}",
    "POST /v1/needs/{need_id}/close",
    "GET /v1/needs/{need_id}/matches",
    "POST /v1/needs/{need_id}/team",
    "POST /v1/needs/{need_id}/match-runs",
    "GET /v1/needs/{need_id}/match-runs",
    "GET /v1/match-runs/{run_id}",
    "GET /v1/partners/{partner_id}/matches",
    "POST /v1/needs/{need_id}/teaser",
    "GET /v1/needs/{need_id}/briefs",
    "GET /v1/needs/{need_id}/briefs/{brief_id}",
    "PATCH /v1/needs/{need_id}/briefs/{brief_id}",
    "POST /v1/needs/{need_id}/briefs/{brief_id}/release",
    "POST /v1/needs/{need_id}/briefs/{brief_id}/withdraw",
    "POST /v1/needs/{need_id}/introductions",
    "GET /v1/introductions",
    "GET /v1/introductions/{introduction_id}",
    "POST /v1/introductions/{introduction_id}/release",
    "POST /v1/introductions/{introduction_id}/consent",
    "POST /v1/introductions/{introduction_id}/introduce",
    "POST /v1/introductions/{introduction_id}/meet",
    "POST /v1/introductions/{introduction_id}/agree",
    "POST /v1/introductions/{introduction_id}/close",
    "GET /v1/introductions/{introduction_id}/notes",
}
"""Endpoints by which staff is shown confidential text: each calls `audit.shown`."""

SHOWS_NONE = {
    "POST /v1/needs": "shows what the caller has just sent; it has its entry as a creation",
    "POST /v1/match": "shows nothing of a stored need",
    "GET /v1/needs/{need_id}/staff": "shows ids of accounts",
    "PUT /v1/needs/{need_id}/staff": "shows ids of accounts",
    "GET /v1/needs/{need_id}/disclosures": "shows who has seen which version, no word of it",
    "POST /v1/introductions/{introduction_id}/decline": "answers without a body",
    "POST /v1/introductions/{introduction_id}/notes": "shows what the caller has just sent",
    "GET /v1/mail/switch": "shows whether mail may leave",
    "GET /v1/runs": "shows numbers",
    "GET /v1/runs/{run_id}": "shows numbers",
    "GET /v1/runs/{run_id}/mails": "shows ids of accounts and how far their mails are",
}
"""Endpoints of needs and introductions that show staff no such text, and why."""


def _about_needs(application: FastAPI) -> set[str]:
    found = set()
    for route in served(application):
        action = rule_of(route.endpoint)
        if action is not None and (
            action.noun in (Noun.NEED, Noun.INTRODUCTION)
            or action.scope in (Scope.NEEDS, Scope.NEEDS_WRITE, Scope.INTRODUCTIONS)
        ):
            found.add(f"{route.method} {route.path}")
    return found


def test_every_endpoint_of_needs_says_whether_it_shows_text(application: FastAPI) -> None:
    assert _about_needs(application) == SHOWS | SHOWS_NONE.keys()
    for route in served(application):
        if f"{route.method} {route.path}" in SHOWS:
            source = inspect.getsource(route.endpoint)
            # The steps of introductions answer by one function that says it.
            assert "audit.shown(" in source or "return _answer(" in source, route
    assert "audit.shown(" in inspect.getsource(introductions._answer)


def _provider(annotation: Any) -> Any:
    (depends,) = (extra for extra in get_args(annotation) if isinstance(extra, DependsOn))
    return depends.dependency


def test_who_reads_and_writes_opens_the_reading_first(application: FastAPI) -> None:
    """What is opened first is closed last: reads are appended when the write is committed, for
    the other way round each would wait for the other.
    """
    read, write = _provider(ReadSession), _provider(WriteSession)
    for route in served(application):
        annotations = inspect.signature(route.endpoint, eval_str=True).parameters.values()
        order = [
            _provider(parameter.annotation)
            for parameter in annotations
            if any(isinstance(extra, DependsOn) for extra in get_args(parameter.annotation))
        ]
        if read in order and write in order:
            assert order.index(read) < order.index(write), route


@pytest.fixture
def ids(database: Database) -> dict[str, str]:
    """A need and a partner who fits it."""
    with database.writing() as session:
        need, partner = make_need(session), make_partner(session)
        make_capability(session, partner)
        return {"need": str(need.id), "partner": str(partner.id)}


def reads(database: Database) -> list[tuple[str, str, str, str | None]]:
    """Kind, id, role and purpose of the reads so far."""
    with database.reading() as session:
        assert verify(session).fault is None
        found = session.scalars(
            select(AuditEntry).where(AuditEntry.event == "read").order_by(AuditEntry.seq)
        )
        return [(e.object_kind, str(e.object_id), e.role, e.purpose) for e in found]


def test_each_endpoint_leaves_an_entry(
    staff: TestClient, database: Database, ids: dict[str, str]
) -> None:
    need, partner = ids["need"], ids["partner"]
    kept = staff.post(f"/v1/needs/{need}/match-runs").json()["id"]
    expected = [("match_run", kept)]
    for method, path, shown in (
        ("GET", "/v1/needs", [("need", need)]),
        ("GET", f"/v1/needs/{need}", [("need", need)]),
        ("PATCH", f"/v1/needs/{need}", [("need", need)]),
        ("GET", f"/v1/needs/{need}/matches", [("need", need)]),
        ("POST", f"/v1/needs/{need}/team", [("need", need)]),
        ("GET", f"/v1/needs/{need}/match-runs", [("match_run", kept)]),
        ("GET", f"/v1/match-runs/{kept}", [("match_run", kept)]),
        ("GET", f"/v1/partners/{partner}/matches", [("need", need)]),
        ("POST", f"/v1/needs/{need}/close", [("need", need)]),
    ):
        body: dict[str, Any] | None = {} if method in ("POST", "PATCH") else None
        answer = staff.request(method, path, json=body, headers={"X-Purpose": "brokering"})
        assert answer.status_code == 200, (path, answer.text)
        expected += shown
        assert [read[:2] for read in reads(database)] == expected, path
    assert {read[2:] for read in reads(database)[1:]} == {("coordinator", "brokering")}
    assert reads(database)[0][3] == "unstated"


def test_a_list_leaves_an_entry_for_each_need_it_shows(
    staff: TestClient, database: Database
) -> None:
    with database.writing() as session:
        shown = {str(make_need(session).id) for _ in range(5)}
    found = {item["id"] for item in staff.get("/v1/needs?limit=3").json()["items"]}
    assert {read[1] for read in reads(database)} == found < shown
    assert len(reads(database)) == 3


def test_changes_name_who_made_them(
    staff: TestClient, database: Database, ids: dict[str, str]
) -> None:
    staff.patch(f"/v1/needs/{ids['need']}", json={"trl_from": 3})
    with database.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.event == "change")).one()
    assert (entry.role, entry.fields, str(entry.object_id)) == (
        "coordinator",
        ["trl_from"],
        ids["need"],
    )
    assert entry.account_id is not None


def test_introductions_and_notes_leave_entries(
    staff: TestClient, company: TestClient, company_id: str, database: Database
) -> None:
    with database.writing() as session:
        need = make_need(session, organisation_id=UUID(company_id))
        brokered = make_introduction(
            session, need, make_partner(session), state=IntroductionState.RELEASED
        )
    path = f"/v1/introductions/{brokered.id}"
    staff.post(f"{path}/notes", json={"text": "They know each other."})
    assert reads(database) == []
    note = staff.get(f"{path}/notes").json()["items"][0]["id"]
    for asked in (path, "/v1/introductions"):
        assert staff.get(asked, headers={"X-Purpose": "support"}).is_success
        assert company.get(asked).is_success
    assert [(read[0], read[1]) for read in reads(database)] == [
        ("introduction_note", note),
        ("introduction", str(brokered.id)),
        ("introduction", str(brokered.id)),
    ]
    with database.reading() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.event != "read"))
        assert "They know" not in str([vars(entry) for entry in entries])


def test_naming_staff_is_a_change_of_the_need(
    staff: TestClient, database: Database, ids: dict[str, str]
) -> None:
    path = f"/v1/needs/{ids['need']}"
    assert staff.patch(path, json={"confidentiality": "named_staff"}).is_success
    with database.writing() as session:
        other = str(make_account(session).id)
    named = staff.get(f"{path}/staff").json()["accounts"]
    assert staff.put(f"{path}/staff", json={"accounts": [*named, other]}).is_success
    with database.reading() as session:
        changes = session.scalars(
            select(AuditEntry).where(AuditEntry.event == "change").order_by(AuditEntry.seq)
        )
        found = [(str(e.object_id), e.fields) for e in changes]
    assert found == [(ids["need"], ["confidentiality", "staff"]), (ids["need"], ["staff"])]


def test_a_stub_is_no_confidential_text(anonymous: TestClient, database: Database) -> None:
    with database.writing() as session:
        need = make_need(session, confidentiality=Confidentiality.NAMED_STAFF)
        _, secret = create_key(session, name="admin", role=Role.ADMIN)
    admin = with_key(anonymous, secret)
    assert "title_en" not in admin.get(f"/v1/needs/{need.id}").json()
    assert len(admin.get("/v1/needs").json()["items"]) == 1
    assert reads(database) == []


def test_a_company_reading_its_own_needs_is_no_read_by_staff(
    company: TestClient, company_id: str, database: Database
) -> None:
    with database.writing() as session:
        need = make_need(session, organisation_id=UUID(company_id))
    assert company.get(f"/v1/needs/{need.id}").json()["title_en"] == need.title_en
    assert company.get("/v1/needs").is_success
    assert reads(database) == []


def test_what_is_not_shown_is_not_read(staff: TestClient, database: Database) -> None:
    problem(staff.get("/v1/needs/019abc00-0000-7000-8000-000000000000"), 404)
    assert staff.get("/v1/partners").status_code == 200
    assert reads(database) == []


@pytest.mark.parametrize("purpose", ["curiosity", "", "BROKERING", "a@example.jp"])
def test_an_unknown_purpose_is_refused_with_the_choices(
    staff: TestClient, database: Database, ids: dict[str, str], purpose: str
) -> None:
    answer = staff.get(f"/v1/needs/{ids['need']}", headers={"X-Purpose": purpose})
    body = problem(answer, 422)
    assert "erasure_request" in str(body["errors"])
    assert "curiosity" not in answer.text
    assert reads(database) == []


def test_a_purpose_can_be_demanded(
    staff: TestClient,
    company: TestClient,
    database: Database,
    ids: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ENMUSUBI_REQUIRE_PURPOSE", "true")
    get_settings.cache_clear()
    for path in (f"/v1/needs/{ids['need']}", f"/v1/partners/{ids['partner']}/matches"):
        body = problem(staff.get(path), 422)
        assert "brokering" in body["detail"]
        assert "X-Purpose" in body["detail"]
    assert reads(database) == []
    assert staff.get(f"/v1/needs/{ids['need']}", headers={"X-Purpose": "audit"}).is_success
    assert [read[3] for read in reads(database)] == ["audit"]
    assert staff.get("/v1/partners").is_success  # no confidential text
    assert company.get("/v1/needs").is_success  # no staff


def test_no_entry_no_answer(staff: TestClient, database: Database, ids: dict[str, str]) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit_entries RENAME TO gone"))
    answer = staff.get(f"/v1/needs/{ids['need']}")
    body = problem(answer, 503)
    assert "audit log" in body["detail"]
    assert "citrus" not in answer.text
    before = staff.get("/v1/partners").json()
    assert staff.post("/v1/partners", json={"kind": "researcher", "name_en": "X"}).status_code > 499
    assert staff.get("/v1/partners").json() == before
