import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.artefact import (
    Artefact,
    ArtefactError,
    TrainedSignal,
    TrainingSet,
    dump,
    has_weights_of,
    load,
    parse,
)
from matching.calibrate import Calibration, Curve
from matching.encoders.hashing import HashingEncoder
from matching.signals import SIGNALS
from tests.matching.factories import repeatable

ENCODER = HashingEncoder().id


def make_artefact(**changes: Any) -> Artefact:
    """A model for the signals as they are, each of the same weight."""
    values: dict[str, Any] = {
        "encoder": ENCODER,
        "signals": tuple(TrainedSignal(s.name, 1.0, s.neutral) for s in SIGNALS),
        "calibration": Calibration(
            place=Curve((0.2, 1.0, 0.5), -3.0),
            strength=Curve((1.0, 0.0, 0.0), -2.0, knots=((-1.0, 0.1), (2.0, 0.9))),
            threshold=0.3,
            typical={signal.name: 0.4 for signal in SIGNALS},
        ),
        "created": date(2026, 4, 1),
        "sets": {"a-set": TrainingSet(35, "00")},
        "fingerprint": "00",
        "training": {"pull": 0.3},
        "metrics": {},
    }
    return Artefact(**{**values, **changes})


numbers = st.floats(-1e6, 1e6)
positive = st.floats(0, 1e6)
shares = st.floats(0, 1)
curves = st.builds(
    Curve,
    st.tuples(positive, positive, positive),
    numbers,
    st.lists(st.tuples(numbers, shares), max_size=5).map(
        lambda pairs: tuple(
            zip(sorted(x for x, _ in pairs), sorted(y for _, y in pairs), strict=True)
        )
    ),
)


@repeatable
@given(
    weights=st.lists(st.floats(1e-3, 1e3), min_size=len(SIGNALS), max_size=len(SIGNALS)),
    place=curves,
    strength=curves,
    threshold=shares,
    sets=st.dictionaries(
        st.text(min_size=1, max_size=5), st.builds(TrainingSet, st.integers(0, 9), st.text())
    ),
)
def test_what_is_written_is_read_again(
    weights: list[float],
    place: Curve,
    strength: Curve,
    threshold: float,
    sets: dict[str, TrainingSet],
) -> None:
    signals = tuple(
        TrainedSignal(signal.name, weight, signal.neutral)
        for signal, weight in zip(SIGNALS, weights, strict=True)
    )
    typical = {signal.name: 0.5 for signal in SIGNALS}
    artefact = make_artefact(
        signals=signals,
        calibration=Calibration(place, strength, threshold, typical),
        sets=sets,
    )

    assert parse(dump(artefact)) == artefact


def test_a_model_has_the_trained_weights_and_calibration(tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    file.write_text(dump(make_artefact()), encoding="utf-8")

    model = load(file, SIGNALS, ENCODER).model(SIGNALS)

    assert [signal.weight for signal in model.signals] == [1.0] * len(SIGNALS)
    assert [signal.read for signal in model.signals] == [signal.read for signal in SIGNALS]
    assert model.calibration == make_artefact().calibration


def refusal(tmp_path: Path, text: str, **options: Any) -> str:
    """Why a file with this text is refused."""
    file = tmp_path / "model.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ArtefactError) as refused:
        load(file, options.get("signals", SIGNALS), options.get("encoder", ENCODER))
    reason = str(refused.value)
    assert str(file) in reason
    assert "enmusubi train" in reason
    return reason


def test_a_model_of_other_signals_is_refused_by_their_names(tmp_path: Path) -> None:
    text = dump(make_artefact())

    assert SIGNALS[-1].name in refusal(tmp_path, text, signals=SIGNALS[:-1])
    more = (*SIGNALS, replace(SIGNALS[0], name="brand_new"))
    assert "brand_new" in refusal(tmp_path, text, signals=more)
    assert "order" in refusal(tmp_path, text, signals=SIGNALS[::-1])
    changed = (replace(SIGNALS[0], neutral=0.9), *SIGNALS[1:])
    assert "0.9" in refusal(tmp_path, text, signals=changed)


def test_a_model_of_another_encoder_text_preparation_or_format_is_refused(tmp_path: Path) -> None:
    reason = refusal(tmp_path, dump(make_artefact()), encoder="minilm")
    assert "minilm" in reason
    assert ENCODER in reason
    assert "version 99" in refusal(tmp_path, dump(make_artefact(text_preparation=99)))
    assert "format 99" in refusal(tmp_path, dump(make_artefact(format=99)))


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"format": 1}', "{", "NaN"])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, text: str) -> None:
    refusal(tmp_path, text)


@pytest.mark.parametrize("weight", ["NaN", "-0.1", "Infinity", "null", '"0.3"', "true"])
def test_an_impossible_weight_is_refused(tmp_path: Path, weight: str) -> None:
    body = json.loads(dump(make_artefact()))
    body["signals"][0]["weight"] = "HERE"

    assert "weight" in refusal(tmp_path, json.dumps(body).replace('"HERE"', weight))


def test_missing_or_impossible_parts_are_refused(tmp_path: Path) -> None:
    def without(*path: str) -> str:
        body = json.loads(dump(make_artefact()))
        inner = body
        for name in path[:-1]:
            inner = inner[name]
        del inner[path[-1]]
        return json.dumps(body)

    for path in (("signals",), ("calibration",), ("calibration", "place"), ("encoder",)):
        assert path[-1] in refusal(tmp_path, without(*path))
    refusal(tmp_path, without("calibration", "typical", SIGNALS[0].name))
    none = tuple(TrainedSignal(s.name, 0.0, s.neutral) for s in SIGNALS)
    assert "no signal has a weight" in refusal(tmp_path, dump(make_artefact(signals=none)))
    body = json.loads(dump(make_artefact()))
    body["calibration"]["place"]["slopes"] = [-1.0, 0.0, 0.0]
    refusal(tmp_path, json.dumps(body))
    body["calibration"]["place"]["slopes"] = [1.0, 0.0, 0.0]
    body["calibration"]["place"]["knots"] = [[0, 0.9], [1, 0.1]]
    assert "falls" in refusal(tmp_path, json.dumps(body))


def test_a_missing_file_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"nowhere\.json"):
        load(tmp_path / "nowhere.json", SIGNALS, ENCODER)


def test_weights_are_compared_up_to_their_scale() -> None:
    doubled = tuple(TrainedSignal(s.name, 2 * s.weight, s.neutral) for s in SIGNALS)

    assert has_weights_of(make_artefact(signals=doubled), SIGNALS)
    assert not has_weights_of(make_artefact(), SIGNALS)
