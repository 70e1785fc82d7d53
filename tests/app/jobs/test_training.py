"""Training on the sample region with the hashing encoder, through the command line."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.errors import Problem
from app.jobs.steps import Steps
from app.jobs.training import train_folders
from app.services.model import load_model
from app.settings import Settings
from data.samples import REGION
from matching.encoders import make_encoder
from matching.signals import SIGNALS

QUIET = Steps(lambda _title, _total: lambda _amount: None)


def write_set(folder: Path, *, evidence: list[dict[str, Any]], queries: int = 1) -> Path:
    """A judged folder with one person."""
    folder.mkdir()
    (folder / "people.jsonl").write_text(json.dumps({"id": "r", "evidence": evidence}))
    (folder / "queries.jsonl").write_text(
        "\n".join(json.dumps({"id": f"q{i}", "text": f"welding {i}"}) for i in range(queries))
    )
    rows = "".join(f"q{i}\tr\t4\n" for i in range(queries))
    (folder / "qrels.tsv").write_text(f"query_id\tdoc_id\tscore\n{rows}")
    return folder


def refusal(folders: list[Path], cache: Path) -> str:
    """Why these folders are not trained on."""
    with pytest.raises(Problem) as refused:
        train_folders(folders, make_encoder("hashing"), cache=cache, shown=QUIET)
    return str(refused.value)


@pytest.mark.slow
def test_train_writes_a_model_that_the_service_uses(tmp_path: Path, settings: Settings) -> None:
    out = tmp_path / "model.json"

    result = CliRunner().invoke(app, ["train", str(REGION), "--out", str(out)])

    assert result.exit_code == 0, result.output
    assert "learned" in result.stdout
    body = json.loads(out.read_text(encoding="utf-8"))
    assert [signal["name"] for signal in body["signals"]] == [s.name for s in SIGNALS]
    assert abs(sum(signal["weight"] for signal in body["signals"]) - 1) < 1e-9
    assert body["sets"]["region"]["queries"] == 35
    model = load_model(str(out), make_encoder("hashing").id)
    assert model.calibration is not None
    assert settings.model == ""


@pytest.mark.slow
def test_a_changed_file_changes_the_fingerprint(tmp_path: Path) -> None:
    encoder = make_encoder("hashing")
    copy = tmp_path / "region"
    shutil.copytree(REGION, copy)

    def fingerprint() -> str:
        done = train_folders([copy], encoder, cache=tmp_path, shown=QUIET, learn=False)
        return done.artefact.fingerprint

    first = fingerprint()
    assert fingerprint() == first
    with (copy / "qrels.tsv").open("a") as file:
        file.write("\n")
    assert fingerprint() != first


def test_a_set_of_ratings_is_for_reporting_only(tmp_path: Path) -> None:
    evidence = [{"id": "e1", "title": "Welding", "variants": [1, 2]}]

    reason = refusal([write_set(tmp_path / "ratings", evidence=evidence)], tmp_path)

    assert "reporting only" in reason


def test_what_cannot_teach_is_refused_with_a_sentence(tmp_path: Path) -> None:
    evidence = [{"id": "e1", "title": "Welding of aluminium"}]
    small = write_set(tmp_path / "small", evidence=evidence)
    empty = tmp_path / "empty"
    empty.mkdir()

    assert "5 folds" in refusal([small], tmp_path)
    assert "qrels.tsv" in refusal([empty], tmp_path)
    assert "same name" in refusal([small, small], tmp_path)
