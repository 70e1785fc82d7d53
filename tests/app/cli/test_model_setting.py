"""ENMUSUBI_MODEL as a person sets it: `match` and `evaluate` rank with it, a wrong file stops."""

import json
import sys
from pathlib import Path

import pytest

from app.cli import main
from app.db import Database
from app.jobs.evaluating import evaluate_folder
from app.jobs.steps import Steps
from app.settings import Settings, get_settings
from data.samples import REGION
from matching.artefact import TrainedSignal, dump
from matching.encoders import make_encoder
from matching.signals import SIGNALS
from tests.app.cli.test_commands import run
from tests.factories import make_capability, make_need, make_partner
from tests.matching.test_artefact import make_artefact

QUIET = Steps(lambda _title, _total: lambda _amount: None)


@pytest.fixture
def one_sided(tmp_path: Path) -> Path:
    """A model in which only the first signal counts."""
    weights = [1.0] + [0.0] * (len(SIGNALS) - 1)
    signals = tuple(
        TrainedSignal(signal.name, weight, signal.neutral)
        for signal, weight in zip(SIGNALS, weights, strict=True)
    )
    file = tmp_path / "model.json"
    file.write_text(dump(make_artefact(signals=signals)), encoding="utf-8")
    return file


def use(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENMUSUBI_MODEL", str(file))
    get_settings.cache_clear()


def test_match_uses_the_model(
    one_sided: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.writing() as session:
        make_capability(session, make_partner(session))
        make_need(session, external_id="n-7")
    use(one_sided, monkeypatch)

    listed = json.loads(run("match", "n-7", "--json"))

    contributions = [signal["contribution"] for signal in listed["items"][0]["signals"]]
    assert contributions[0] == pytest.approx(listed["items"][0]["score"])
    assert not any(contributions[1:])


@pytest.mark.slow
def test_evaluate_uses_the_model(
    one_sided: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(one_sided, monkeypatch)

    printed = json.loads(run("evaluate", str(REGION), "--json"))["sets"]["region"]

    only = (SIGNALS[0],)
    expected = evaluate_folder(
        REGION,
        make_encoder("hashing"),
        cache=settings.data_dir / "evaluation",
        steps=QUIET,
        signals=only,
    )
    for metric, estimate in expected["enmusubi"].items():
        assert printed["enmusubi"][metric]["value"] == round(estimate.value, 6)


def test_a_model_of_another_encoder_stops_the_command_with_one_sentence(
    tmp_path: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "model.json"
    file.write_text(dump(make_artefact(encoder="some-other")), encoding="utf-8")
    use(file, monkeypatch)
    monkeypatch.setattr(sys, "argv", ["enmusubi", "match", "--text", "juice"])

    with pytest.raises(SystemExit) as stopped:
        main()

    assert stopped.value.code == 2
    assert "some-other" in capsys.readouterr().err
