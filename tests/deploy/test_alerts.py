"""Every metric that an alert names is in a real answer of /metrics."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient

from app.contexts import SYSTEM
from app.db import Database
from models import MailState, RunState, RunStep, utc_now
from tests.app.asking import SECRET, create, get, need, organisation
from tests.factories import make_account, make_capability, make_mail, make_partner, make_run

ROOT = Path(__file__).resolve().parents[2]
METRIC = re.compile(r"\benmusubi_[a-z_]+\b")


def rules() -> list[dict[str, Any]]:
    """The alerts."""
    read = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())
    return [rule for group in read["groups"] for rule in group["rules"]]


def shown(client: TestClient) -> str:
    """What /metrics answers."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    return answer.text


def value(text: str, name: str) -> float:
    """Of a metric, with its labels if it has any."""
    (found,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(found.rsplit(" ", 1)[1])


def _night(database: Database) -> None:
    with database.writing(SYSTEM) as session:
        done = make_run(
            session,
            date(2026, 11, 25),
            state=RunState.FINISHED,
            step=RunStep.DONE,
            finished_at=utc_now(),
        )
        make_mail(session, done, make_account(session, email="a@example.jp"))
        last = make_run(session, date(2026, 11, 26))
        for number in range(3):
            account = make_account(session, email=f"{number}@example.jp")
            make_mail(session, last, account, state=MailState.UNKNOWN)


def test_what_alerts_name_exists(staff: TestClient, database: Database, tmp_path: Path) -> None:
    _night(database)
    with database.writing(SYSTEM) as session:
        make_capability(session, make_partner(session))
    (tmp_path / "snapshots" / "encoder" / "7").mkdir(parents=True)
    home = create(staff, "/v1/organisations", organisation(name_en=SECRET))["id"]
    stored = create(staff, "/v1/needs", need(organisation_id=home, brief_en=SECRET))["id"]
    get(staff, f"/v1/needs/{stored}/matches")
    text = shown(staff)
    # A metric with labels shows its help line before its first value.
    known = set(re.findall(r"^(?:# HELP )?(enmusubi_[a-z_]+)[ {]", text, re.MULTILINE))
    for rule in rules():
        named = set(METRIC.findall(rule["expr"]))
        assert named <= known, rule["alert"]
        assert named or "up{" in rule["expr"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
    assert SECRET not in text
    assert stored not in text


def test_the_figures_are_right(staff: TestClient, database: Database) -> None:
    _night(database)
    with database.writing(SYSTEM) as session:
        for _ in range(2):
            make_capability(session, make_partner(session))
    staff.post("/v1/match", json={"text": "citrus juice"})
    text = shown(staff)
    assert value(text, "enmusubi_corpus_pieces") == 2
    revision = value(text, "enmusubi_corpus_revision")
    assert revision == value(text, "enmusubi_database_revision") > 0
    assert value(text, "enmusubi_corpus_pending_vectors") == 0
    assert value(text, "enmusubi_corpus_loaded_timestamp_seconds") > 1e9
    assert value(text, "enmusubi_database_up") == 1
    used, size = (value(text, f"enmusubi_database_pool_{kind}") for kind in ("used", "size"))
    assert 0 <= used <= size > 0
    assert value(text, 'enmusubi_nightly_mails{state="unknown"}') == 3
    assert value(text, 'enmusubi_nightly_mails{state="failed"}') == 0
    assert value(text, "enmusubi_nightly_halted") == 0
    assert value(text, "enmusubi_nightly_last_success_timestamp_seconds") > 1e9
    assert value(text, "enmusubi_index_build_seconds_count") >= 1
    assert "enmusubi_snapshot_timestamp_seconds" not in text  # there is none


def test_one_of_several_processes_tells_of_the_database_and_the_night(
    staff: TestClient, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _night(database)
    folder = tmp_path / "counts"
    folder.mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))
    text = shown(staff)
    assert value(text, "enmusubi_database_up") == 1
    assert value(text, "enmusubi_nightly_halted") == 0
    assert value(text, 'enmusubi_nightly_mails{state="unknown"}') == 3


def test_readings_by_staff_are_timed(staff: TestClient) -> None:
    home = create(staff, "/v1/organisations", organisation())["id"]
    stored = create(staff, "/v1/needs", need(organisation_id=home))["id"]
    before = value(shown(staff), "enmusubi_audit_commit_seconds_count")
    get(staff, f"/v1/needs/{stored}")
    assert value(shown(staff), "enmusubi_audit_commit_seconds_count") == before + 1


def test_labels_are_a_handful(staff: TestClient) -> None:
    """Of our own metrics; handlers are templates of routes."""
    labels = set(re.findall(r"^enmusubi_(?!http_)[a-z_]+\{(\w+)=", shown(staff), re.MULTILINE))
    assert labels <= {"state", "le"}
