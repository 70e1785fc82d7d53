"""Which model ranks, and what a file that cannot be used does."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.services import model as service
from app.services.model import load_model, model_for
from data.trained import SHIPPED
from matching.artefact import ArtefactError, TrainedSignal, dump, parse
from matching.signals import SIGNALS
from tests.matching.test_artefact import ENCODER, make_artefact


def test_a_named_model_ranks_with_its_weights(tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    file.write_text(dump(make_artefact()), encoding="utf-8")

    found = load_model(str(file), ENCODER)

    assert {signal.weight for signal in found.signals} == {1.0}
    assert found.calibration is not None


def test_a_named_model_that_does_not_fit_fails_loudly(tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    file.write_text(dump(make_artefact()), encoding="utf-8")

    with pytest.raises(ArtefactError, match="another-encoder"):
        load_model(str(file), "another-encoder")
    with pytest.raises(ArtefactError, match=r"missing\.json"):
        load_model(str(tmp_path / "missing.json"), ENCODER)


def test_a_model_of_another_encoder_is_left_away_where_that_encoder_serves_meanwhile(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """During a change, ENMUSUBI_MODEL is already the file for the encoder that is to come."""
    file = tmp_path / "model.json"
    file.write_text(dump(make_artefact()), encoding="utf-8")

    found = model_for(str(file), "another-encoder")

    assert found.signals is SIGNALS
    assert "default weights" in caplog.text
    assert {signal.weight for signal in model_for(str(file), ENCODER).signals} == {1.0}


def test_the_shipped_calibration_is_left_away_quietly_where_it_does_not_fit() -> None:
    found = load_model("", "another-encoder")

    assert found.signals is SIGNALS
    assert found.calibration is None


def test_the_shipped_calibration_is_used_where_it_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    visible = tuple(TrainedSignal(s.name, s.weight, s.neutral) for s in SIGNALS)
    file = tmp_path / "default.json"
    file.write_text(dump(make_artefact(signals=visible)), encoding="utf-8")
    monkeypatch.setattr(service, "SHIPPED", file)

    found = load_model("", ENCODER)

    assert found.signals is SIGNALS
    assert found.calibration is not None

    other = replace(make_artefact(signals=visible[:1] + make_artefact().signals[1:]))
    file.write_text(dump(other), encoding="utf-8")
    assert load_model("", ENCODER).calibration is None


def test_the_shipped_file_calibrates_the_signals_as_they_are() -> None:
    """If this fails, signals or weights were changed: run `make train`."""
    shipped = parse(SHIPPED.read_text(encoding="utf-8"))

    found = load_model("", shipped.encoder)

    assert found.calibration is not None
    assert "reviewer-gold" not in shipped.sets
