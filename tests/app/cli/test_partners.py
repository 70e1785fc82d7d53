"""`partner find`, `partner duplicates`, `partner merge`, `partner dismiss`."""

import json
from pathlib import Path

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from app.cli import app
from app.db import Database
from app.errors import Problem
from models import Partner
from tests.factories import make_capability, make_organisation, make_partner

RUNNER = CliRunner()


def run(*arguments: str, stdin: str | None = None, code: int = 0) -> str:
    """Run a command; what it printed, in one line since tables wrap."""
    result = RUNNER.invoke(app, arguments, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return " ".join(result.stdout.split())


@pytest.fixture
def pair(database: Database) -> None:
    with database.writing() as session:
        home = make_organisation(session, name_en="Hyuganada University")
        one = make_partner(session, name_ja="髙橋 太郎", name_en=None, external_id="a")
        one.organisation = home
        other = make_partner(
            session, name_ja="高橋 太郎", name_en="Taro Takahashi", external_id="b"
        )
        make_capability(session, other)


def partners(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Partner)) or 0


@pytest.mark.usefixtures("pair")
def test_find() -> None:
    printed = run("partner", "find", "たかはし")
    assert "髙橋" in printed
    assert "Taro" in printed
    assert "ask with --top" in run("partner", "find", "たかはし", "--top", "1")
    assert "No partner" in run("partner", "find", "黒木")


@pytest.mark.usefixtures("pair")
def test_duplicates_in_both_languages_and_as_json() -> None:
    assert "the same in kanji" in run("partner", "duplicates")
    assert "漢字の氏名が同じ" in run("partner", "duplicates", "--language", "ja")
    found = json.loads(run("partner", "duplicates", "--json"))
    assert found["total"] == 1
    assert [p["external_id"] for p in found["items"][0]["partners"]] == ["a", "b"]


@pytest.mark.usefixtures("pair")
def test_merge_asks_first(database: Database) -> None:
    printed = run("partner", "merge", "a", "b", stdin="n\n", code=1)
    assert "cannot be undone" in printed
    assert partners(database) == 2

    assert "Merged into 髙橋 太郎 / Taro Takahashi" in run(
        "partner", "merge", "a", "b", stdin="y\n"
    )

    assert partners(database) == 1
    assert "No two partners" in run("partner", "duplicates")


@pytest.mark.usefixtures("pair")
def test_merge_says_what_differs(database: Database) -> None:
    with database.writing() as session:
        other = session.scalars(select(Partner).where(Partner.external_id == "b")).one()
        other.organisation_id = make_organisation(session).id

    result = RUNNER.invoke(app, ["partner", "merge", "a", "b", "--yes"])

    assert isinstance(result.exception, Problem)
    assert "differ in organisation_id" in str(result.exception)
    assert "differ in organisation_id" in result.stderr
    run("partner", "merge", "a", "b", "--yes", "--keep-differing")
    assert partners(database) == 1


@pytest.mark.usefixtures("pair")
def test_dismiss(database: Database) -> None:
    assert "Two people" in run("partner", "dismiss", "b", "a")
    assert "No two partners" in run("partner", "duplicates")
    assert partners(database) == 2


@pytest.mark.usefixtures("pair")
def test_a_partner_is_named_by_id_or_by_a_name_that_only_one_has(database: Database) -> None:
    with database.writing() as session:
        make_partner(session, name_ja="黒木 遥", name_en=None)
    assert "黒木 遥" in run("needs", "くろき")
    for reference, status in (("たかはし", 409), ("甲斐", 404), ("・", 404)):
        with pytest.raises(Problem) as found:
            run("needs", reference)
        assert found.value.status == status
    with pytest.raises(Problem, match=r"髙橋 太郎 \(a\)"):
        run("needs", "たかはし")


def test_an_import_says_that_duplicates_await_a_decision(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "partners.csv"
    file.write_text(
        "id,氏名,フリガナ\np1,髙橋 太郎,タカハシ タロウ\n"
        "p2,高橋太郎,ﾀｶﾊｼ ﾀﾛｳ\np3,甲斐 明,かい あきら\n"
    )
    printed = run("import", str(file))
    assert "1 possible duplicate awaits a decision" in printed
    assert "enmusubi partner duplicates" in printed
    assert "await" not in run("import", str(file))
    assert partners(database) == 3
    assert "タカハシ タロウ" in run("partner", "find", "髙橋太郎")
