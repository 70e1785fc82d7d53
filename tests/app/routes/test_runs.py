"""Runs of the nightly job as the office reads them."""

from datetime import date

import pytest
from fastapi.testclient import TestClient

from app.db import Database
from app.services import runs
from models import MailState, Run
from tests.app.asking import UNKNOWN, everything, get, problem
from tests.factories import make_account, make_mail

STATES = (MailState.SENT, MailState.SENT, MailState.UNKNOWN)


@pytest.fixture
def run(database: Database) -> Run:
    """A finished one with three mails."""
    with database.writing() as session:
        run = runs.begin_run(session, date(2026, 4, 1))
        assert run is not None
        runs.note(session, run, counts={"mails": 3})
        for state in STATES:
            make_mail(session, run, make_account(session), state=state)
        runs.finish(session, run, alerts=["1 mails are unknown."])
    return run


def test_a_run_is_told_with_its_mails_by_state(staff: TestClient, run: Run) -> None:
    found = get(staff, f"/v1/runs/{run.id}")
    assert found["mails"] == {"sent": 2, "unknown": 1}
    assert (found["run_date"], found["state"], found["counts"]) == (
        "2026-04-01",
        "finished",
        {"mails": 3},
    )
    assert found["alerts"] == ["1 mails are unknown."]
    assert everything(staff, "/v1/runs", limit=1) == [str(run.id)]


def test_it_is_asked_for_again_only_if_it_changed(
    staff: TestClient, run: Run, database: Database
) -> None:
    path = f"/v1/runs/{run.id}"
    etag = staff.get(path).headers["etag"]
    assert staff.get(path, headers={"If-None-Match": etag}).status_code == 304
    with database.writing() as session:
        runs.alert(session, session.merge(run), "Look here.")
    assert staff.get(path, headers={"If-None-Match": etag}).status_code == 200


def test_every_mail_is_told_by_its_state_and_account(staff: TestClient, run: Run) -> None:
    path = f"/v1/runs/{run.id}/mails"
    assert len(everything(staff, path, limit=2)) == 3
    (unknown,) = get(staff, path, state="unknown")["items"]
    assert unknown["state"] == "unknown"
    assert unknown["message_id"].startswith("<")
    assert "email" not in unknown
    problem(staff.get(f"{path}?state=lost"), 422)


def test_only_the_office_reads_them(staff: TestClient, company: TestClient, run: Run) -> None:
    for path in ("/v1/runs", f"/v1/runs/{run.id}", f"/v1/runs/{run.id}/mails"):
        problem(company.get(path), 403)
    problem(staff.get(f"/v1/runs/{UNKNOWN}"), 404)
    problem(staff.get(f"/v1/runs/{UNKNOWN}/mails"), 404)
