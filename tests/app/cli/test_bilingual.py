"""What `evaluate bilingual` prints, and how it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.settings import Settings
from tests.app.cli.test_commands import run
from tests.app.cli.test_evaluation import cells

RUNNER = CliRunner()
RATED = [
    {"a": "焼酎粕の乾燥", "b": "焼酎粕の乾燥", "score": 5},
    {"a": "焼酎粕の乾燥", "b": "椿油の精製", "score": 0},
    {"a": "焼酎粕の乾燥", "b": "焼酎粕の利用", "score": 2},
]


@pytest.fixture
def sets(tmp_path: Path) -> list[str]:
    """A set of pairs whose name could break a table, and one of rated pairs."""
    (tmp_path / "pairs.json").write_text(
        json.dumps({"a|b": [["GABA 焼酎粕", "GABA"], ["SiC 電源", "SiC"]]})
    )
    (tmp_path / "valid.jsonl").write_text("\n".join(map(json.dumps, RATED)))
    return [str(tmp_path / "pairs.json"), str(tmp_path / "valid.jsonl")]


def test_json(sets: list[str], settings: Settings) -> None:
    printed = json.loads(run("evaluate", "bilingual", *sets, "--json"))

    assert printed["encoder"] == "hashing"
    assert printed["breaches"] == []
    assert printed["sets"]["a|b"]["kind"] == "pairs"
    assert printed["sets"]["a|b"]["ja_en_at_1"] == 1.0
    assert printed["sets"]["valid"]["kind"] == "rated"
    assert printed["sets"]["valid"]["spearman"] == 1.0


@pytest.mark.slow
def test_the_sample_region_is_measured_where_nothing_is_named(settings: Settings) -> None:
    printed = json.loads(run("evaluate", "bilingual", "--json"))["sets"]

    assert list(printed) == ["region", "region-cut"]
    assert printed["region"]["lists"] == 48
    assert printed["region"]["judged"] == 35
    # All partners of the sample have evidence in both languages; some state Japanese alone.
    assert printed["region"]["ja_only_for_ja"] > 0
    assert printed["region-cut"]["ja_only_gap"] == pytest.approx(
        printed["region-cut"]["en_only_gap"]
    )


def test_tables_for_people_and_in_markdown(sets: list[str], settings: Settings) -> None:
    for_people = run("evaluate", "bilingual", *sets)
    assert "Japanese → English" in for_people
    assert "cosine and words" in for_people

    tables = run("evaluate", "bilingual", *sets, "--markdown").removesuffix("\n").split("\n\n")
    assert len(tables) == 2
    for table in tables:
        header, rule, *rows = table.splitlines()
        assert set(rule) == set("|-: ")
        assert {len(cells(row)) for row in rows} == {len(cells(header))}
    assert cells(tables[0].splitlines()[0])[0] == "a|b: 2 pairs"


@pytest.mark.parametrize(("least", "code"), [(0.9, 0), (1.1, 1)])
def test_floors(
    sets: list[str], settings: Settings, tmp_path: Path, least: float, code: int
) -> None:
    file = tmp_path / "floors.json"
    bounds = {"valid": {"spearman": {"at_least": least}}, "elsewhere": {"x": {"at_least": 1}}}
    file.write_text(json.dumps({"hashing": bounds}))

    result = RUNNER.invoke(app, ["evaluate", "bilingual", *sets, "--floor", str(file), "--json"])

    assert result.exit_code == code
    breached = json.loads(result.stdout)["breaches"]
    assert breached == (["valid: spearman 1.0000 is below 1.1"] if code else [])
    assert "elsewhere" in result.stderr
    assert ("1 floors hold" in result.stderr) == (code == 0)


def test_no_floor_for_this_encoder_stops_before_the_work(
    sets: list[str], settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "floors.json"
    file.write_text('{"minilm": {}}')

    result = RUNNER.invoke(app, ["evaluate", "bilingual", *sets, "--floor", str(file)])

    assert "no floor for the encoder hashing" in str(result.exception)
    assert not (settings.data_dir / "evaluation").exists()


def test_two_sets_of_one_name_are_refused(sets: list[str], settings: Settings) -> None:
    result = RUNNER.invoke(app, ["evaluate", "bilingual", sets[0], sets[0]])

    assert "measured before" in str(result.exception)


def test_one_form_of_output_at_a_time(sets: list[str], settings: Settings) -> None:
    result = RUNNER.invoke(app, ["evaluate", "bilingual", *sets, "--json", "--markdown"])

    assert "choose one" in str(result.exception)


def test_help_names_both_kinds_of_evaluation() -> None:
    for arguments in (["evaluate"], ["evaluate", "--help"]):
        shown = RUNNER.invoke(app, arguments).output
        assert "bilingual" in shown
        assert "ranking" in shown
