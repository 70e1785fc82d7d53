"""`needs` as a person uses it."""

import json

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.db import Database
from app.settings import Settings
from tests.factories import make_capability, make_need, make_partner

RUNNER = CliRunner()


def run(*arguments: str) -> str:
    """What the command prints, its line breaks and frames left out."""
    result = RUNNER.invoke(app, ["needs", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_needs_of_a_partner_with_place_and_reason(database: Database) -> None:
    with database.writing() as session:
        for name in ("p-1", "p-2"):
            make_capability(session, make_partner(session, external_id=name))
        make_need(session, title_en="Keep juice fresh")
        make_need(session, title_en="Licences", engagement_types=["licence"])

    printed = run("p-1")

    assert "Keep juice fresh" in printed
    assert "1 of 2" in printed
    assert "many partners about equally well" in printed
    assert "同程度" in run("p-1", "--language", "ja")
    listed = json.loads(run("p-2", "--json"))["items"]
    assert [item["standing"]["eligible"] for item in listed] == [2, 2]
    assert listed[0]["evidence"]
    assert len(json.loads(run("p-2", "--json", "--top", "1"))["items"]) == 1


def test_a_partner_without_evidence_is_told_so(database: Database) -> None:
    with database.writing() as session:
        partner = str(make_partner(session).id)
        make_need(session)

    assert "no evidence yet" in run(partner)


@pytest.mark.parametrize("reference", ["p-9", "01900000-0000-7000-8000-000000000000"])
def test_an_unknown_partner_is_refused(settings: Settings, reference: str) -> None:
    result = RUNNER.invoke(app, ["needs", reference])

    assert "partner" in str(result.exception)
