"""`enmusubi audit`, as an auditor uses it."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from app.db import Database
from app.services.audit import shown
from models import ObjectKind
from tests.app.cli.test_commands import RUNNER, run
from tests.factories import make_account, make_need


@pytest.fixture
def log(database: Database) -> Database:
    """A log of four entries: an organisation, a need, its change, its reading."""
    with database.writing() as session:
        need = make_need(session, title_en="Aluminium caps")
    with database.writing() as session:
        session.merge(need).trl_from = 4
    with database.reading() as session:
        shown(session, ObjectKind.NEED, [need.id])
    return database


TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    " AND tbl_name = 'audit_entries'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_entries'::regclass"
    " AND NOT tgisinternal",
}


def _tamper(database: Database, statement: str) -> None:
    table = "" if database.engine.dialect.name == "sqlite" else " ON audit_entries"
    with database.engine.begin() as connection:
        for trigger in connection.scalars(text(TRIGGERS[database.engine.dialect.name])).all():
            connection.execute(text(f"DROP TRIGGER {trigger}{table}"))
        connection.execute(text(statement))


def _failure(*arguments: str) -> str:
    from app.cli import app

    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 1, result.output
    return result.stderr


def test_a_whole_log(log: Database, tmp_path: Path) -> None:
    head = tmp_path / "head.json"
    printed = run("audit", "head")
    assert run("audit", "head", "--out", str(head)) == ""
    assert json.loads(printed)["seq"] == json.loads(head.read_text())["seq"] == 4
    assert "4 entries are whole" in run("audit", "verify")
    assert "no head was given" in run("audit", "verify")
    assert "reaches the head of" in run("audit", "verify", "--head", str(head))


def test_an_edited_entry(log: Database) -> None:
    _tamper(log, "UPDATE audit_entries SET event = 'change' WHERE seq = 4")
    assert _failure("audit", "verify").startswith("Entry 4, edited:")


def test_a_cut_end(log: Database, tmp_path: Path) -> None:
    head = tmp_path / "head.json"
    run("audit", "head", "--out", str(head))
    _tamper(log, "DELETE FROM audit_entries WHERE seq = 4")
    assert "3 entries are whole" in run("audit", "verify")
    assert _failure("audit", "verify", "--head", str(head)).startswith("Entry 4, truncated:")


def test_a_forged_head(log: Database, tmp_path: Path) -> None:
    head = tmp_path / "head.json"
    head.write_text(run("audit", "head").replace('"seq": 4', '"seq": 3'))
    assert "forged_head" in _failure("audit", "verify", "--head", str(head))


@pytest.mark.parametrize("content", [None, b"no head", b"\xff"])
def test_what_is_no_head_is_refused(log: Database, tmp_path: Path, content: bytes | None) -> None:
    from app.cli import app

    head = tmp_path / "head.json"
    if content is not None:
        head.write_bytes(content)
    result = RUNNER.invoke(app, ["audit", "verify", "--head", str(head)])
    assert "head" in str(result.exception)


def test_entries_are_listed_without_texts(log: Database) -> None:
    entries = [json.loads(line) for line in run("audit", "list", "--json").splitlines()]
    assert [entry["event"] for entry in entries] == ["read", "change", "create", "create"]
    assert entries[1]["fields"] == ["trl_from"]
    need = entries[1]["object_id"]
    assert "Aluminium" not in run("audit", "list")
    found = run("audit", "list", "--object", need, "--event", "change", "--json").splitlines()
    assert [json.loads(line) for line in found] == [entries[1]]
    assert len(run("audit", "list", "--limit", "2", "--json").splitlines()) == 2
    assert len(run("audit", "list", "--since", "2026-01-01", "--json").splitlines()) == 4
    assert "no such entry" in run("audit", "list", "--since", "2999-01-01")


def test_entries_of_one_account(log: Database) -> None:
    with log.writing() as session:
        account = make_account(session).id
    assert "no such entry" in run("audit", "list", "--account", str(account))


def test_a_list_at_the_terminal_is_a_reading(log: Database) -> None:
    with log.reading() as session:
        need = session.execute(text("SELECT id FROM needs")).scalar_one()
    run("match", str(need))
    newest = json.loads(run("audit", "list", "--limit", "1", "--json"))
    assert (newest["event"], newest["object_kind"], newest["role"]) == ("read", "need", "system")
    assert newest["object_id"].replace("-", "") == str(need).replace("-", "")
