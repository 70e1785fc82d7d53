"""`introductions due` as a person uses it."""

import json
from datetime import timedelta

from typer.testing import CliRunner

from app.cli import app
from app.clock import today
from app.db import Database
from models import IntroductionState
from tests.factories import make_introduction, make_need, make_partner

RUNNER = CliRunner()


def run(*arguments: str) -> str:
    """What the command prints."""
    result = RUNNER.invoke(app, ["introductions", "due", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_nobody_waits(database: Database) -> None:
    assert "No introduction waits" in run()
    assert json.loads(run("--json")) == []


def test_who_waits_is_listed_without_a_word_of_the_need(database: Database) -> None:
    day = today()
    with database.writing() as session:
        need = make_need(session, title_en="Canary title")
        partner = make_partner(session, name_en="Canary name")
        key = str(
            make_introduction(
                session,
                need,
                partner,
                state=IntroductionState.COMPANY_CONSENTED,
                remind_on=day - timedelta(days=2),
            ).id
        )
        make_introduction(session, make_need(session), partner, remind_on=day + timedelta(days=1))

    printed = run()

    assert key in printed
    assert "company_consented" in printed
    assert "partner" in printed
    assert "Canary" not in printed
    assert str(need.id) not in printed
    assert json.loads(run("--json")) == [
        {
            "introduction_id": key,
            "state": "company_consented",
            "side": "partner",
            "due_on": (day - timedelta(days=2)).isoformat(),
        }
    ]
