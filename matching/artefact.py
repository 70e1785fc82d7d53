"""The trained model as a file: JSON that names what it was made from and what it may be used for.

An artefact is refused where its numbers would mean something else: other signals, another
encoder, another preparation of texts, another format.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

from matching.calibrate import FACTS, Calibration, Curve
from matching.model import Model
from matching.signals import Signal
from matching.text import TEXT_PREPARATION_VERSION

FORMAT: Final = 1
"""Raise it when older programs would misread the file."""
TOLERANCE: Final = 1e-6
"""Within which two weights are the same."""
AGAIN: Final = "train it anew with `enmusubi train`, or unset ENMUSUBI_MODEL"


class ArtefactError(Exception):
    """The file cannot be used here; the message says what differs and what to do."""


@dataclass(frozen=True, slots=True)
class TrainedSignal:
    """A signal as it was when the model was trained."""

    name: str
    weight: float
    neutral: float


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """A folder that the model was trained on."""

    queries: int
    sha256: str
    """Over its files."""


@dataclass(frozen=True, slots=True)
class Artefact:
    """A trained model and where it comes from."""

    encoder: str
    signals: tuple[TrainedSignal, ...]
    calibration: Calibration
    created: date
    sets: Mapping[str, TrainingSet]
    fingerprint: str
    """SHA-256 over the files of all sets."""
    training: Mapping[str, Any]
    """How it was trained: pull, folds, seed."""
    metrics: Mapping[str, Any]
    """What it reached on held-out queries."""
    text_preparation: int = TEXT_PREPARATION_VERSION
    format: int = FORMAT

    def model(self, signals: Sequence[Signal]) -> Model:
        """These signals under the trained weights, with the calibration."""
        weights = {signal.name: signal.weight for signal in self.signals}
        weighted = tuple(replace(signal, weight=weights[signal.name]) for signal in signals)
        return Model(weighted, self.calibration)


def dump(artefact: Artefact) -> str:
    """The artefact as JSON."""
    body = {**asdict(artefact), "created": artefact.created.isoformat()}
    return json.dumps(body, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def load(path: Path, signals: Sequence[Signal], encoder_id: str) -> Artefact:
    """The artefact in a file, for these signals and this encoder.

    Raises ArtefactError if the file is unreadable, damaged, or made for something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArtefactError(f"{path}: the model cannot be read: {error}; {AGAIN}") from error
    try:
        artefact = parse(text)
        require_fit(artefact, signals, encoder_id)
    except ArtefactError as error:
        raise ArtefactError(f"{path}: {error}; {AGAIN}") from error
    return artefact


def parse(text: str) -> Artefact:
    """The artefact in a JSON text; ArtefactError if it is none, or holds impossible numbers."""
    try:
        body = json.loads(text)
    except ValueError as error:
        raise ArtefactError(f"the model is no JSON: {error}") from error
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        found = body.get("format") if isinstance(body, dict) else None
        raise ArtefactError(f"the model has format {found!r}, this program reads format {FORMAT}")
    try:
        return _artefact(body)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtefactError(f"the model is damaged: {type(error).__name__} {error}") from error


def require_fit(artefact: Artefact, signals: Sequence[Signal], encoder_id: str) -> None:
    """ArtefactError if the artefact was made for other signals, encoder or text preparation."""
    trained = {signal.name: signal for signal in artefact.signals}
    names = [signal.name for signal in signals]
    if list(trained) != names:
        missing = ", ".join(n for n in names if n not in trained) or "none"
        extra = ", ".join(n for n in trained if n not in names) or "none"
        raise ArtefactError(
            "the model was trained for other signals or another order of them: it lacks "
            f"{missing}; it has {extra} that this program does not"
        )
    for signal in signals:
        if abs(trained[signal.name].neutral - signal.neutral) > TOLERANCE:
            raise ArtefactError(
                f"the model was trained with {trained[signal.name].neutral} for a missing "
                f"{signal.name!r}, this program counts {signal.neutral}"
            )
    if artefact.encoder != encoder_id:
        raise ArtefactError(
            f"the model was trained with the encoder {artefact.encoder}, this is {encoder_id}"
        )
    if artefact.text_preparation != TEXT_PREPARATION_VERSION:
        raise ArtefactError(
            f"the model was trained on texts prepared by version {artefact.text_preparation}, "
            f"this is version {TEXT_PREPARATION_VERSION}"
        )


def has_weights_of(artefact: Artefact, signals: Sequence[Signal]) -> bool:
    """True if the artefact has the visible weights of these signals, up to their scale."""
    total = sum(signal.weight for signal in signals)
    visible = {signal.name: signal.weight / total for signal in signals}
    trained = sum(signal.weight for signal in artefact.signals)
    return all(
        abs(signal.weight / trained - visible.get(signal.name, math.inf)) <= TOLERANCE
        for signal in artefact.signals
    )


def _artefact(body: Mapping[str, Any]) -> Artefact:
    signals = tuple(
        TrainedSignal(str(row["name"]), _number(row, "weight", low=0), _number(row, "neutral"))
        for row in body["signals"]
    )
    if len({signal.name for signal in signals}) < len(signals):
        raise ValueError("a signal comes twice")
    if not sum(signal.weight for signal in signals) > 0:
        raise ValueError("no signal has a weight")
    return Artefact(
        encoder=str(body["encoder"]),
        signals=signals,
        calibration=_calibration(body["calibration"], {signal.name for signal in signals}),
        created=date.fromisoformat(body["created"]),
        sets={
            str(name): TrainingSet(int(row["queries"]), str(row["sha256"]))
            for name, row in body["sets"].items()
        },
        fingerprint=str(body["fingerprint"]),
        training=dict(body["training"]),
        metrics=dict(body["metrics"]),
        text_preparation=int(body["text_preparation"]),
        format=int(body["format"]),
    )


def _calibration(body: Mapping[str, Any], names: set[str]) -> Calibration:
    typical = {str(name): _number(body["typical"], name) for name in body["typical"]}
    if typical.keys() != names:
        raise ValueError("the typical values are not those of the signals")
    return Calibration(
        place=_curve(body["place"]),
        strength=_curve(body["strength"]),
        threshold=_number(body, "threshold", low=0, high=1),
        typical=typical,
    )


def _curve(body: Mapping[str, Any]) -> Curve:
    slopes = tuple(_finite(slope, low=0) for slope in body["slopes"])
    if len(slopes) != len(FACTS):
        raise ValueError(f"a curve has {len(slopes)} slopes instead of {len(FACTS)}")
    knots = tuple((_finite(x), _finite(y, low=0, high=1)) for x, y in body["knots"])
    if list(knots) != sorted(knots) or [y for _, y in knots] != sorted(y for _, y in knots):
        raise ValueError("a curve falls")
    return Curve(slopes, _number(body, "intercept"), knots)


def _number(
    body: Mapping[str, Any], name: str, *, low: float = -math.inf, high: float = math.inf
) -> float:
    try:
        return _finite(body[name], low=low, high=high)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _finite(value: object, *, low: float = -math.inf, high: float = math.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")  # noqa: TRY004 - one kind of error for a damaged file
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{value!r} is not a number from {low} to {high}")
    return float(value)
