"""Trains weights and calibration on judged folders, and makes the artefact."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.clock import today
from app.errors import invalid
from app.jobs.evaluating import build_tasks
from app.jobs.steps import Steps
from data import importers
from matching.artefact import Artefact, TrainedSignal, TrainingSet
from matching.encoders import Encoder
from matching.learn import INNER_FOLDS, OUTER_FOLDS, Example, read_example
from matching.signals import SIGNALS, Signal
from matching.training import Trained, steps, train

SEED = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training made."""

    artefact: Artefact
    trained: Trained


def train_folders(
    folders: Sequence[Path],
    encoder: Encoder,
    *,
    cache: Path,
    shown: Steps,
    learn: bool = True,
    signals: tuple[Signal, ...] = SIGNALS,
) -> Outcome:
    """Weights (kept as they are without `learn`) and calibration from judged folders.

    Problem 422 for a folder that is no judged set, comes twice, or is for reporting only.
    """
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise invalid("folders", "two folders have the same name: a set may teach only once")
    examples: list[Example] = []
    for name, folder in zip(names, folders, strict=True):
        examples += _examples(name, folder, encoder, cache, shown, signals)
    advance = shown.begin("cross-validation", steps(learn=learn))
    try:
        trained = train(examples, signals, learn=learn, seed=SEED, step=lambda: advance(1))
    except ValueError as error:
        raise invalid("folders", str(error)) from error
    sets = {
        name: TrainingSet(sum(example.set == name for example in examples), _sha256([folder]))
        for name, folder in zip(names, folders, strict=True)
    }
    artefact = Artefact(
        encoder=encoder.id,
        signals=tuple(
            TrainedSignal(signal.name, weight, signal.neutral)
            for signal, weight in zip(signals, trained.weights, strict=True)
        ),
        calibration=trained.calibration,
        created=today(),
        sets=sets,
        fingerprint=_sha256(folders),
        training={
            "weights": "learned" if learn else "default",
            "pull": trained.pull,
            "outer_folds": OUTER_FOLDS,
            "inner_folds": INNER_FOLDS,
            "seed": SEED,
        },
        metrics=_metrics(trained),
    )
    return Outcome(artefact, trained)


def _examples(
    name: str,
    folder: Path,
    encoder: Encoder,
    cache: Path,
    shown: Steps,
    signals: tuple[Signal, ...],
) -> list[Example]:
    if not (folder / "qrels.tsv").is_file():
        raise invalid(str(folder), "holds no qrels.tsv: this is not a judged set of rankings")
    if any(piece.variants for p in importers.read(folder).partners for piece in p.evidence):
        raise invalid(
            str(folder),
            "holds ratings of a few candidates under several profile variants: such a set is for "
            "reporting only (`enmusubi evaluate`), nothing is trained on it",
        )
    (task,) = build_tasks(folder, encoder, cache=cache, steps=shown)
    advance = shown.begin("reading signals", len(task.queries))
    found = []
    for query in task.queries:
        found.append(read_example(name, task, query, signals))
        advance(1)
    return found


def _sha256(folders: Sequence[Path]) -> str:
    """Over the names and contents of the folders' files, whatever the order of the folders."""
    digest = hashlib.sha256()
    for folder in sorted(folders, key=lambda folder: folder.resolve().name):
        for path in sorted(path for path in folder.iterdir() if path.is_file()):
            inner = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{folder.resolve().name}/{path.name} {inner}\n".encode())
    return digest.hexdigest()


def _metrics(trained: Trained) -> Mapping[str, Any]:
    ranking = {
        name: {
            metric: {ranker: _rounded(asdict(value)) for ranker, value in found.items()}
            for metric, found in metrics.items()
        }
        for name, metrics in trained.ranking.items()
    }
    reliability = {name: _rounded(asdict(each)) for name, each in trained.reliability.items()}
    return {"held_out_ranking": ranking, "held_out_reliability": reliability}


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _round(value) for name, value in values.items()}


def _round(value: object) -> object:
    if isinstance(value, dict):
        return _rounded(value)
    if isinstance(value, tuple | list):
        return [_round(each) for each in value]
    return round(value, 5) if isinstance(value, float) else value
