"""The command line as a person uses it, on a fresh database with the hashing encoder."""

import json
from pathlib import Path

import pytest
from sqlalchemy import func, make_url, select
from typer.testing import CliRunner

from app.cli import app, main
from app.db import Database
from app.migrations import is_current
from app.services.keys import find_actor
from app.settings import Settings, get_settings
from matching import sudachi
from models import Capability, Embedding, Need, Partner, Role
from tests.app.mailing import everything
from tests.copies import wipe
from tests.factories import make_capability, make_need, make_organisation, make_partner

RUNNER = CliRunner()


def run(*arguments: str, stdin: str | None = None, code: int = 0) -> str:
    """Run a command; returns what it printed on standard output."""
    result = RUNNER.invoke(app, arguments, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


def count(database: Database, table: type) -> int:
    """Rows of a table."""
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_migrate_makes_a_current_database(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    wipe(make_url(settings.url))

    run("migrate")

    assert is_current(Database.at(settings.url))


def test_a_command_on_a_database_without_tables_says_what_to_do(settings: Settings) -> None:
    wipe(make_url(settings.url))

    result = RUNNER.invoke(app, ["embed"])

    assert "enmusubi migrate" in str(result.exception)


@pytest.mark.slow
def test_demo_loads_the_sample_once_and_prints_a_list(database: Database) -> None:
    first = run("demo")
    partners, needs = count(database, Partner), count(database, Need)
    second = run("demo")

    assert "fictional" in first
    assert partners >= 120
    assert needs >= 40
    assert count(database, Capability) >= 600
    assert "1. " in second
    assert (count(database, Partner), count(database, Need)) == (partners, needs)


def test_demo_leaves_a_database_with_other_data_alone(database: Database) -> None:
    with database.writing() as session:
        make_capability(session, make_partner(session))
        make_need(session)

    printed = run("demo")

    assert "was not loaded" in printed
    assert count(database, Partner) == 1
    assert "A researcher" in printed


def test_import_keeps_good_rows_reports_bad_ones_and_changes_nothing_twice(
    tmp_path: Path, database: Database
) -> None:
    file = tmp_path / "needs.csv"
    rows = (
        "id,kind,title,brief\nn1,technology,冷める前に乾かす,焼酎粕を乾かしたい\nn2,wizardry,x,y\n"
    )
    file.write_bytes(rows.encode("cp932"))

    result = RUNNER.invoke(app, ["import", str(file)])

    assert result.exit_code == 1
    assert "line 3" in result.stderr
    assert "wizardry" in result.stderr
    with database.reading() as session:
        need = session.scalars(select(Need)).one()
    assert need.title_ja == "冷める前に乾かす"
    assert need.confidentiality.value == "staff_only"

    again = RUNNER.invoke(app, ["import", str(file)])

    assert "0 new, 0 changed, 1 as they were" in again.stdout.replace("\n", " ")


def test_match_by_external_id_and_as_json(database: Database) -> None:
    with database.writing() as session:
        partner = make_partner(session, name_en="Juice expert")
        make_capability(session, partner)
        make_need(session, external_id="n-7")

    assert "Juice expert" in run("match", "n-7")
    listed = json.loads(run("match", "n-7", "--json", "--top", "1"))
    assert listed["items"][0]["partner"]["name_en"] == "Juice expert"
    assert listed["items"][0]["evidence"][0]["best_sentence"]["text"]


def test_match_explained_in_full_in_either_language(database: Database) -> None:
    with database.writing() as session:
        make_capability(session, make_partner(session, name_en="Juice expert"))
        make_need(session, external_id="n-7", brief_en="Our juice turns brown. Buses are late.")

    english = run("match", "n-7", "--explain", "full", "--language", "en")
    assert "Our juice turns brown. ← Browning of citrus juice" in english
    assert "Leaves open" in english
    assert "no evidence would be left" in english
    assert "順位が変わる条件" in run("match", "n-7", "--explain", "full", "--language", "ja")
    assert "Browning" not in run("match", "n-7", "--explain", "none")


def test_team_by_external_id_in_either_language_and_as_json(database: Database) -> None:
    with database.writing() as session:
        make_capability(session, make_partner(session, name_en="Juice expert"))
        buses = make_partner(session, name_en="Bus expert")
        make_capability(session, buses, title_en="Why buses are late")
        make_need(session, external_id="n-7", brief_en="Our juice turns brown. Buses are late.")

    english = run("team", "n-7", "--language", "en")
    assert "Buses are late. ← Why buses are late" in english
    assert "→ Juice expert" in english
    assert "論点" in run("team", "n-7", "--language", "ja", "--size", "1")
    listed = json.loads(run("team", "n-7", "--json"))
    names = {member["partner"]["name_en"] for member in listed["members"]}
    assert names == {"Juice expert", "Bus expert"}


def test_match_of_a_text(database: Database) -> None:
    with database.writing() as session:
        make_capability(session, make_partner(session, name_en="Juice expert"))

    assert "Juice expert" in run("match", "--text", "juice turns brown")


@pytest.mark.parametrize("arguments", [["match"], ["match", "n-1", "--text", "x"]])
def test_match_needs_one_thing_to_match(settings: Settings, arguments: list[str]) -> None:
    result = RUNNER.invoke(app, arguments)

    assert "either a NEED or --text" in str(result.exception)


def test_embed_embeds_what_is_missing_and_forgets_what_is_gone(database: Database) -> None:
    with database.writing() as session:
        partner = make_partner(session)
        capability = make_capability(session, partner)
        make_capability(session, partner, title_en="Another paper")

    assert "Embedded 2 texts" in run("embed")
    assert "Nothing was left" in run("embed")
    with database.writing() as session:
        session.delete(session.get(Capability, capability.id))
    assert "Forgot 1" in run("embed")
    assert count(database, Embedding) == 1


def test_encode_prints_one_array_a_line_and_null_for_nothing_to_read(settings: Settings) -> None:
    lines = run("encode", stdin="citrus juice\n\n焼酎粕\n").splitlines()

    vectors = [json.loads(line) for line in lines]
    assert [vector is None for vector in vectors] == [False, True, False]
    assert sum(value * value for value in vectors[0]) == pytest.approx(1, abs=1e-5)


def test_key_is_shown_once_and_stored_as_a_hash(database: Database) -> None:
    secret = run("key", "create", "Ms Sato", "--role", "coordinator").strip()

    with database.reading() as session:
        actor = find_actor(session, secret)
    assert actor is not None
    assert actor.role is Role.COORDINATOR
    listed = run("key", "list")
    assert secret not in listed
    assert secret[:10] in listed
    assert secret not in repr(everything(database))


def test_a_revoked_key_is_nobodys(database: Database) -> None:
    secret = run("key", "create", "Ms Sato", "--role", "admin").strip()

    run("key", "revoke", secret[:10])

    with database.reading() as session:
        assert find_actor(session, secret) is None


def test_a_company_key_needs_an_organisation(database: Database) -> None:
    with database.writing() as session:
        make_organisation(session, external_id="org-1")

    refused = RUNNER.invoke(app, ["key", "create", "x", "--role", "company"])
    assert "bound to an existing organisation" in str(refused.exception)
    run("key", "create", "x", "--role", "company", "--organisation", "org-1")


def write_judged(folder: Path) -> Path:
    """A judged set of two partners and two queries."""
    folder.mkdir()
    people = [
        {"id": "p1", "evidence": [{"id": "e1", "title": "Citrus juice browning"}]},
        {"id": "p2", "evidence": [{"id": "e2", "title": "Welding of aluminium"}]},
    ]
    queries = [
        {"id": "q1", "text": "our juice turns brown: citrus browning"},
        {"id": "q2", "text": "aluminium welding", "exclude_evidence": ["e2"]},
    ]
    (folder / "people.jsonl").write_text("\n".join(map(json.dumps, people)))
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (folder / "qrels.tsv").write_text("query_id\tdoc_id\tscore\nq1\tp1\t1\nq2\tp2\t1\n")
    return folder


def test_evaluate_prints_the_agreed_json(tmp_path: Path, settings: Settings) -> None:
    folder = write_judged(tmp_path / "tiny")

    measured = json.loads(run("evaluate", str(folder), "--json"))["sets"]["tiny"]

    assert {"enmusubi", "bm25-profile", "bm25-top3", "dense-top3"} <= set(measured)
    # q2's only right partner has no evidence left: it scores 0 and is not dropped.
    assert measured["enmusubi"]["nDCG@10"]["value"] == 0.5
    assert measured["bm25-profile"]["MRR"]["value"] == 0.5
    for metric in measured["enmusubi"].values():
        assert metric["low"] <= metric["value"] <= metric["high"]
    assert measured["enmusubi"]["MRR"]["difference"]["value"] == 0
    assert "difference" not in measured["bm25-profile"]["MRR"]


def test_evaluate_refuses_an_unknown_baseline(settings: Settings) -> None:
    result = RUNNER.invoke(app, ["evaluate", ".", "--baseline", "bm42"])

    assert "bm25-profile" in str(result.exception)


def test_evaluate_refuses_a_folder_without_judgements(tmp_path: Path, settings: Settings) -> None:
    result = RUNNER.invoke(app, ["evaluate", str(tmp_path)])

    assert "qrels.tsv" in str(result.exception)


@pytest.mark.slow
def test_bench_rank_reports_each_stage_and_stable_lists() -> None:
    command = ["bench", "rank", "--partners", "20", "--capabilities", "100", "--queries", "4"]
    report = json.loads(run(*command, "--json"))

    assert report["same_list_twice"] == report["queries"] == 4
    assert report["capabilities"] == 100
    stages = report["milliseconds"]
    assert stages["whole request"]["p95"] >= stages["whole request"]["p50"] > 0
    assert report["whole_over_peer"]["p50"] > 0
    assert "whole request" in run(*command)


def test_bench_plan_reports_a_plan_beside_lists_and_the_bound() -> None:
    command = ["bench", "plan", "--needs", "20", "--partners", "30"]
    (problem,) = json.loads(run(*command, "--json"))["problems"].values()
    figures = {each["name"]: each for each in problem["report"]["figures"]}

    assert problem["report"]["bound"] >= figures["this plan"]["value"] > 0
    assert figures["lists alone"]["over"] > 0
    assert figures["this plan"]["over"] == 0
    assert problem["report"]["promised_worst"] > 0
    assert problem["seconds"] > 0
    shown = run(*command, "--candidates", "5")
    assert "20 needs and" in shown
    assert "The region is made up" in shown


def test_bench_plan_reads_a_judged_folder(tmp_path: Path, settings: Settings) -> None:
    write_judged(tmp_path / "tiny")
    command = ["bench", "plan", "--set", str(tmp_path / "tiny"), "--by-score", "--json"]
    (problem,) = json.loads(run(*command))["problems"].values()
    assert problem["report"]["needs"] > 0
    assert problem["report"]["figures"][-1]["name"] == "this plan"


def test_sudachi_without_its_packages_says_what_to_install(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sudachi, "PACKAGES", ("no-such-package",))
    monkeypatch.setenv("ENMUSUBI_JAPANESE", "sudachi")
    monkeypatch.setattr("sys.argv", ["enmusubi", "migrate"])
    get_settings.cache_clear()
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "pip install 'enmusubi[sudachi]'" in " ".join(capsys.readouterr().err.split())
