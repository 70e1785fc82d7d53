"""`evaluate`."""

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from app.cli.terminal import OUT, progress_bar
from app.jobs.evaluating import Steps, evaluate_folder
from app.main import make_encoder_of
from app.services.model import load_model
from app.settings import get_settings
from matching.bootstrap import Estimate
from matching.evaluate import BASELINE, Measures


def evaluate(
    folders: Annotated[
        list[Path], typer.Argument(help="Folders with queries.jsonl, people.jsonl, qrels.tsv.")
    ],
    baseline: Annotated[str, typer.Option(help="Compare with this ranker.")] = BASELINE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure the ranking on judged sets, beside baselines in the same run."""
    settings = get_settings()
    encoder = make_encoder_of(settings)
    model = load_model(settings.model, encoder.id)
    cache = settings.data_dir / "evaluation"
    cache.mkdir(parents=True, exist_ok=True)
    sets: dict[str, Measures] = {}
    for folder in folders:
        name = folder.resolve().name
        if name in sets:
            name = str(folder)
        with ExitStack() as bars:

            def begin(
                title: str, total: int, name: str = name, bars: ExitStack = bars
            ) -> Callable[[int], None]:
                bars.close()  # one bar at a time
                return bars.enter_context(progress_bar(f"{name}: {title}", total)).advance

            sets[name] = evaluate_folder(
                folder,
                encoder,
                cache=cache,
                steps=Steps(begin),
                baseline=baseline,
                signals=model.signals,
            )
        if not as_json:
            _show(name, sets[name], baseline)
    if as_json:
        values = {
            name: {
                ranker: {metric: _as_json(estimate) for metric, estimate in found.items()}
                for ranker, found in measures.items()
            }
            for name, measures in sets.items()
        }
        json.dump({"sets": values}, sys.stdout, ensure_ascii=False, indent=1)
        sys.stdout.write("\n")


def _as_json(estimate: Estimate) -> dict[str, object]:
    found: dict[str, object] = {
        "value": round(estimate.value, 6),
        "low": round(estimate.low, 6),
        "high": round(estimate.high, 6),
    }
    if estimate.above is not None:
        value, low, high = (round(end, 6) for end in estimate.above)
        found["difference"] = {"value": value, "low": low, "high": high}
    return found


def _show(name: str, measures: Measures, baseline: str) -> None:
    metrics = list(next(iter(measures.values())))
    table = Table(name, *metrics, f"{metrics[0]}: 95% interval", f"less {baseline}")
    for ranker, found in measures.items():
        first = found[metrics[0]]
        above = "" if first.above is None else "{:+.4f} ({:+.4f} to {:+.4f})".format(*first.above)
        table.add_row(
            ranker,
            *(f"{found[metric].value:.4f}" for metric in metrics),
            f"{first.low:.4f} to {first.high:.4f}",
            above,
            style="bold" if ranker == "enmusubi" else None,
        )
    OUT.print(table)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(evaluate)
