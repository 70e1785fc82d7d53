"""What `evaluate` prints, for people and for programs."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.cli.evaluation import table_of
from app.cli.reporting import markdown_table
from app.settings import Settings
from matching.bootstrap import Estimate
from matching.evaluate import RANKERS
from tests.app.jobs.judged import write_judged

RUNNER = CliRunner()


def judged(folder: Path) -> Path:
    """Two candidates, one query."""
    return write_judged(
        folder,
        people={"juice": ["Browning of citrus juice"], "metal": ["Welding of aluminium"]},
        queries=[{"id": "q", "text": "citrus juice turns brown"}],
        right=[("q", "juice")],
    )


def cells(line: str) -> list[str]:
    """The cells of a line of a GitHub table, where `\\|` is a character."""
    inner = line.removeprefix("| ").removesuffix(" |").replace("\\|", "\0")
    return [cell.replace("\0", "|") for cell in inner.split(" | ")]


def test_markdown_is_one_table_for_each_set_and_nothing_else(
    tmp_path: Path, settings: Settings
) -> None:
    folders = [str(judged(tmp_path / name)) for name in ("a", "b|c")]

    result = RUNNER.invoke(app, ["evaluate", *folders, "--markdown"])

    assert result.exit_code == 0, result.output
    tables = [table.splitlines() for table in result.stdout.removesuffix("\n").split("\n\n")]
    assert len(tables) == 2
    for table, name in zip(tables, ("a", "b|c"), strict=True):
        header, rule, *rows = table
        assert cells(header)[:3] == [name, "nDCG@10", "MRR"]
        assert "interval" in cells(header)[-2]
        assert "less bm25-profile" in cells(header)[-1]
        assert set(rule) == set("|-: ")
        assert [cells(row)[0] for row in rows] == list(RANKERS)
        assert {len(cells(line)) for line in table} == {len(cells(header))}
        (product,) = [cells(row) for row in rows if cells(row)[0] == "enmusubi"]
        assert product[1] == "1.0000"
        assert product[-2:] == ["1.0000 to 1.0000", "+0.0000 (+0.0000 to +0.0000)"]


@pytest.mark.parametrize("name", ["a|b", "a\\|b", "two\nlines", "tail\\"])
def test_no_name_breaks_a_markdown_table(name: str) -> None:
    measures = {name: {name: Estimate(0.5, 0.4, 0.6)}}

    lines = markdown_table(table_of(name, measures, "base|line")).splitlines()

    assert len(lines) == 3
    # Pairs of a backslash and what follows it are characters; the other bars end cells.
    bars = [line.replace("\\\\", "").replace("\\|", "").count("|") for line in lines]
    assert bars == [5, 5, 5]


def test_one_form_of_output_at_a_time(tmp_path: Path, settings: Settings) -> None:
    folder = str(judged(tmp_path / "set"))

    result = RUNNER.invoke(app, ["evaluate", folder, "--json", "--markdown"])

    assert "choose one" in str(result.exception)
    assert result.stdout == ""


def test_a_query_that_is_not_there_is_named_beside_the_output(
    tmp_path: Path, settings: Settings
) -> None:
    folder = judged(tmp_path / "set")
    with (folder / "qrels.tsv").open("a") as file:
        file.write("missing\tjuice\t1\n")

    result = RUNNER.invoke(app, ["evaluate", str(folder), "--markdown"])

    assert result.exit_code == 0, result.output
    assert "cannot be used: 1" in " ".join(result.stderr.split())
    assert "judged" not in result.stdout
