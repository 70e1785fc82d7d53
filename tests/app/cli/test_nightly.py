"""`enmusubi nightly` as cron starts it: what it needs, what it prints, and how it ends."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import func, make_url, select
from typer.testing import CliRunner

from app.cli import app, main, nightly, nightly_log
from app.cli.nightly import TROUBLE, exit_code
from app.clock import today
from app.contexts import SYSTEM
from app.db import Database
from app.jobs.run_tools import Ending, Outcome
from app.services.mail_halts import halt
from app.settings import Settings, get_settings
from models import AuditEntry, Mail, MailState, Run, Suggestion
from tests.app.cli.test_commands import run
from tests.app.emails.sink import Sink, running
from tests.app.jobs.night_region import make_region
from tests.copies import wipe

CANARY = "canary-text-of-a-need"


@pytest.fixture
def region(database: Database) -> Database:
    """Twelve recipients, who all have something to be told."""
    with database.writing(SYSTEM) as session:
        make_region(session)
    return database


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running() as sink:
        yield sink


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, settings: Settings, sink: Sink) -> None:
    """All that a run needs; it may start at any hour."""
    server = sink.server()
    for name, value in {
        "PUBLIC_URL": "https://enmusubi.example.jp",
        "SMTP_HOST": server.host,
        "SMTP_PORT": server.port,
        "SMTP_SECURITY": "none",
        "MAIL_FROM": "office@example.jp",
        "MAIL_SENDER": "The Office",
        "MAIL_POSTAL_ADDRESS": "1-1 Miyazaki",
        "MAIL_CONTACT": "contact@example.jp",
        "MAIL_RATE": "1000/second",
        "NIGHTLY_LATEST_START": "23:59:59",
    }.items():
        monkeypatch.setenv(f"ENMUSUBI_{name}", str(value))
    get_settings.cache_clear()


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of the program itself, to which errors come last."""
    monkeypatch.setattr("sys.argv", ["enmusubi", "nightly", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    return int(str(caught.value.code or 0))


def rows(database: Database, table: Any) -> int:
    with database.reading(SYSTEM) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_dry_run_needs_no_settings_of_mail(region: Database, tmp_path: Path) -> None:
    before = rows(region, AuditEntry)
    folder = tmp_path / "mails"
    told = json.loads(run("nightly", "--dry-run", "--json", "--out", str(folder)))
    assert told == {"mails": 12, "suggestions": 12, "index": str(folder / "index.html")}
    assert (folder / "index.html").is_file()
    mail = (folder / "001.eml").read_text()
    assert "List-Unsubscribe" not in mail
    assert "/mail/" not in (folder / "001.txt").read_text()
    assert (rows(region, Run), rows(region, Mail), rows(region, Suggestion)) == (0, 0, 0)
    assert rows(region, AuditEntry) == before + 1, "that it was exported, and nothing else"


@pytest.mark.usefixtures("region", "configured")
def test_a_run_is_told_as_json(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(run("nightly", "--json"))
    assert (told["ending"], told["mails"], told["alerts"]) == ("finished", {"sent": 12}, [])
    assert len(sink.received) == 12
    assert json.loads(run("nightly", "--resume", "--json"))["ending"] == "before"
    assert "done before" in run("nightly")


@pytest.mark.usefixtures("database")
def test_what_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "ENMUSUBI_PUBLIC_URL" in said
    assert "ENMUSUBI_MAIL_POSTAL_ADDRESS" in said


@pytest.mark.usefixtures("configured")
def test_an_unsafe_server_is_refused_before_anything_is_done(
    region: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENMUSUBI_SMTP_HOST", "smtp.example.jp")
    get_settings.cache_clear()
    assert ended(monkeypatch) == 2
    said = capsys.readouterr().err
    assert "ENMUSUBI_SMTP_SECURITY is none" in said
    assert "Traceback" not in said
    assert rows(region, Run) == 0


@pytest.mark.usefixtures("configured")
def test_a_database_without_tables(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wipe(make_url(settings.url))
    assert ended(monkeypatch) == 2
    assert "enmusubi migrate" in capsys.readouterr().err


@pytest.mark.usefixtures("configured")
def test_a_day_that_is_past_is_late(region: Database, sink: Sink) -> None:
    yesterday = ("nightly", "--date", (today() - timedelta(days=1)).isoformat())
    assert "halted" in run(*yesterday, code=3)
    assert "halted" in run(*yesterday, "--resume", code=3)
    assert sink.received == []
    run(*yesterday, "--resume", "--late")
    assert len(sink.received) == 12


@pytest.mark.usefixtures("configured")
def test_a_day_to_come_cannot_start(
    region: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "--date", "2999-01-01") == 2
    assert "still to come" in capsys.readouterr().err
    assert rows(region, Run) == 0


@pytest.mark.usefixtures("configured")
def test_alerts_are_lines_of_json_for_a_machine(region: Database) -> None:
    with region.writing(SYSTEM) as session:
        halt(session, None)
    result = CliRunner().invoke(app, ["nightly"])
    assert result.exit_code == 3
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    errors = [line for line in lines if line.get("level") == "error"]
    assert len(errors) == 1
    assert "enmusubi mail go" in errors[0]["message"]


@pytest.mark.usefixtures("region", "configured")
def test_an_error_is_told_without_its_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Outcome:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(nightly, "run_nightly", fail)
    result = CliRunner().invoke(app, ["nightly"])
    assert result.exit_code == TROUBLE
    assert CANARY not in result.output
    line = json.loads(result.stderr.splitlines()[-1])
    assert line["level"] == "error"
    assert line["trace"].endswith("RuntimeError")


def test_for_a_person_there_are_lines_and_no_json(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = StringIO()
    console = Console(file=printed, force_terminal=True, width=40, no_color=True)
    monkeypatch.setattr(nightly_log, "ERRORS", console)
    ours = logging.getLogger("app.somewhere")
    with nightly_log.logged():
        ours.error("[bold]key enm_abcdefghijkl is wrong, and this line is long[/bold]")
        ours.debug("not told")
    ours.error("afterwards")
    assert printed.getvalue().splitlines() == [
        "ERROR: [bold]key enm_[...] is wrong, and this line is long[/bold]"
    ]


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome(Ending.FINISHED, mails={MailState.SENT: 3, MailState.WITHHELD: 1}), 0),
        (Outcome(Ending.FINISHED, mails={MailState.UNKNOWN: 1}), 1),
        (Outcome(Ending.BEFORE, mails={MailState.FAILED: 1}), 1),
        (Outcome(Ending.BEFORE), 0),
        (Outcome(Ending.FINISHED, alerts=("The run before: 1 mails are unknown.",)), 1),
        (Outcome(Ending.BUSY), 0),
        (Outcome(Ending.CUT_OFF), 1),
        (Outcome(Ending.CLOSED), 1),
        (Outcome(Ending.HALTED, mails={MailState.FAILED: 1}), 3),
    ],
)
def test_exit_codes(outcome: Outcome, code: int) -> None:
    assert exit_code(outcome) == code
