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
from app.settings import get_settings
from matching.evaluate import Measures


def evaluate(
    folders: Annotated[
        list[Path], typer.Argument(help="Folders with queries.jsonl, people.jsonl, qrels.tsv.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Measure the ranking on judged sets, beside baselines in the same run."""
    settings = get_settings()
    encoder = make_encoder_of(settings)
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

            sets[name] = evaluate_folder(folder, encoder, cache=cache, steps=Steps(begin))
        if not as_json:
            _show(name, sets[name])
    if as_json:
        values = {
            name: {
                ranker: {metric: {"value": round(value, 6)} for metric, value in found.items()}
                for ranker, found in measures.items()
            }
            for name, measures in sets.items()
        }
        json.dump({"sets": values}, sys.stdout, ensure_ascii=False, indent=1)
        sys.stdout.write("\n")


def _show(name: str, measures: Measures) -> None:
    metrics = list(next(iter(measures.values())))
    table = Table(name, *metrics)
    for ranker, found in measures.items():
        style = "bold" if ranker == "enmusubi" else None
        table.add_row(ranker, *(f"{found[metric]:.4f}" for metric in metrics), style=style)
    OUT.print(table)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(evaluate)
