"""`person export`, `person erase`, `person unsuppress`, and imports and requests afterwards."""

import json
import sqlite3
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from typer.testing import CliRunner

from app.cli import app
from app.cli.persons import LEFT_BEHIND
from app.db import Database
from app.errors import Problem
from app.privacy import markdown
from app.settings import Settings
from models import Organisation, Partner
from tests.app import asking
from tests.app.persons import EMAIL, MARKS, ORCID, Stored, store_person

RUNNER = CliRunner()
ROW: dict[str, object] = {
    "id": "new-file-1",
    "name_ja": "金糸雀鳴子",
    "affiliation": "u-1",
    "evidence": [{"id": "c1", "title": "Peel oil"}],
}


def run(*arguments: str, stdin: str | None = None, code: int = 0) -> str:
    """Run a command; what it printed, also to standard error, in one line."""
    result = RUNNER.invoke(app, arguments, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


@pytest.fixture
def stored(database: Database) -> Stored:
    with database.writing() as session:
        found = store_person(session)
        home = session.get_one(Partner, found.partner).organisation
        assert home is not None
        home.external_id = "u-1"
    return found


def is_there(database: Database, stored: Stored) -> bool:
    with database.reading() as session:
        return session.get(Partner, stored.partner) is not None


def test_export_shows_what_is_held_and_nothing_of_others(stored: Stored) -> None:
    text = run("person", "export", ORCID, "--out", "-")
    found = json.loads(text)

    held = found["held"]
    assert {row["name_ja"] for row in held["partners"]} == {MARKS[0]}
    for mark in MARKS[:19]:
        assert mark in text, mark
    assert set(held) >= {"accounts", "api_keys", "introductions", "introduction_notes", "matches"}
    for secret in ("maker@example.com", "Mr Maker", "Ms Other", "Ms Sato", "argon2", "c" * 64):
        assert secret not in text, secret
    assert str(stored.other_partner) not in text
    assert str(stored.staff) not in text
    assert found["counted"]["name_keys"] > 0
    assert "vector" not in json.dumps(held)


def test_export_of_staff_has_no_text_about_others(stored: Stored) -> None:
    text = run("person", "export", str(stored.staff), "--out", "-")
    found = json.loads(text)
    assert [row["name"] for row in found["held"]["accounts"]] == ["Ms Sato"]
    assert len(found["held"]["introduction_notes"]) == 1
    assert MARKS[18] not in text
    assert MARKS[0] not in text


def test_export_of_a_company_contact_shows_that_side_alone(stored: Stored) -> None:
    text = run("person", "export", "maker@example.com", "--out", "-")
    (row,) = json.loads(text)["held"]["introductions"]
    assert set(row) == {"id", "company_contact"}
    assert "no file" not in text
    with pytest.raises(Problem, match="say where to write"):
        run("person", "export", "maker@example.com")


def test_export_writes_a_private_file_that_the_erasure_deletes(
    settings: Settings, stored: Stored
) -> None:
    run("person", "export", EMAIL)
    (file,) = (settings.data_dir / "exports").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert MARKS[2] in file.read_text(encoding="utf-8")
    run("person", "erase", EMAIL, "--yes")
    assert not file.exists()


def test_erase_asks_first_and_says_what_it_did(database: Database, stored: Stored) -> None:
    printed = run("person", "erase", ORCID, stdin="n\n", code=1)
    assert "cannot be undone" in printed
    assert is_there(database, stored)

    printed = run("person", "erase", ORCID, stdin="y\n")

    assert "2 capabilities" in printed
    on_server = database.engine.dialect.name == "postgresql"
    assert ("The rows are gone" if on_server else "No byte is left") in printed
    assert not is_there(database, stored)
    with pytest.raises(Problem, match="no person"):
        run("person", "erase", ORCID, "--yes")
    assert "Nothing is left" in run("person", "erase", "--finish")
    with pytest.raises(Problem, match="say who"):
        run("person", "erase")


@pytest.mark.sqlite("who holds its file")
def test_erase_says_when_the_file_is_held(
    settings: Settings, database: Database, stored: Stored
) -> None:
    reader = sqlite3.connect(settings.data_dir / "enmusubi.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM partners").fetchone()

    printed = run("person", "erase", ORCID, "--yes", "--wait", "0", code=LEFT_BEHIND)

    assert "person erase --finish" in printed
    assert not is_there(database, stored)
    reader.close()
    assert "Nothing is left" in run("person", "erase", "--finish")  # opening it has finished it


def test_an_import_leaves_erased_persons_out(
    database: Database, stored: Stored, tmp_path: Path
) -> None:
    folder = tmp_path / "again"
    folder.mkdir()
    rows = [
        ROW,
        ROW | {"id": MARKS[4], "name_ja": None, "name_en": "X"},
        ROW | {"id": "o-1", "name_ja": "別人 花子"},
    ]
    (folder / "people.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run("person", "erase", ORCID, "--yes")

    printed = run("import", str(folder))

    assert printed.count("asked to be erased") == 2
    assert "2 of erased persons left out" in printed
    assert names(database) == {"別人 花子", None}

    assert "can be entered again" in run("person", "unsuppress", "--external-id", MARKS[4])
    run("import", str(folder))
    assert "金糸雀鳴子" in names(database)
    assert "No erased person" in run("person", "unsuppress", "--orcid", ORCID, code=1)


def names(database: Database) -> set[str | None]:
    with database.reading() as session:
        return set(session.scalars(select(Partner.name_ja)))


def test_the_api_refuses_erased_persons(
    database: Database, stored: Stored, staff: TestClient
) -> None:
    with database.reading() as session:
        home = str(session.scalar(select(Organisation.id).where(Organisation.external_id == "u-1")))
    run("person", "erase", ORCID, "--yes")
    for body in (
        asking.partner(orcid=ORCID),
        asking.partner(external_id=MARKS[5]),
        asking.partner(name_ja=MARKS[0], organisation_id=home),
    ):
        answer = staff.post("/v1/partners", json=body)
        assert "asked to be erased" in asking.problem(answer, 409)["detail"]
    made = asking.create(staff, "/v1/partners", asking.partner(name_ja="別人 花子"))
    changed = staff.patch(f"/v1/partners/{made['id']}", json={"researchmap_id": MARKS[7]})
    asking.problem(changed, 409)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Partner)) == 2


def test_data_map_prints_the_document() -> None:
    assert RUNNER.invoke(app, ["person", "data-map"]).stdout == markdown()
