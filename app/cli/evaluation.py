"""`evaluate`."""

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from app.cli.terminal import ERRORS, OUT, progress_bar
from app.errors import invalid
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
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="A GitHub Markdown table for each set.")
    ] = False,
) -> None:
    """Measure the ranking on judged sets, beside baselines in the same run."""
    if as_json and as_markdown:
        raise invalid("evaluate", "prints --json or --markdown, not both: choose one")
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
            sets[name] = evaluate_folder(
                folder,
                encoder,
                cache=cache,
                steps=_steps(name, bars),
                baseline=baseline,
                signals=model.signals,
            )
        if as_markdown:
            between = "\n" if len(sets) > 1 else ""
            sys.stdout.write(between + _markdown(name, sets[name], baseline))
        elif not as_json:
            _show(name, sets[name], baseline)
    if as_json:
        json.dump({"sets": _as_json(sets)}, sys.stdout, ensure_ascii=False, indent=1)
        sys.stdout.write("\n")


def _steps(name: str, bars: ExitStack) -> Steps:
    def begin(title: str, total: int) -> Callable[[int], None]:
        bars.close()  # one bar at a time
        return bars.enter_context(progress_bar(f"{name}: {title}", total)).advance

    def warn(sentence: str) -> None:
        ERRORS.print(f"{name}: {sentence}", style="yellow", markup=False, highlight=False)

    return Steps(begin, warn)


def _as_json(sets: dict[str, Measures]) -> dict[str, object]:
    return {
        name: {
            ranker: {metric: _estimate(estimate) for metric, estimate in found.items()}
            for ranker, found in measures.items()
        }
        for name, measures in sets.items()
    }


def _estimate(estimate: Estimate) -> dict[str, object]:
    found: dict[str, object] = {
        "value": round(estimate.value, 6),
        "low": round(estimate.low, 6),
        "high": round(estimate.high, 6),
    }
    if estimate.above is not None:
        value, low, high = (round(end, 6) for end in estimate.above)
        found["difference"] = {"value": value, "low": low, "high": high}
    return found


def _rows(name: str, measures: Measures, baseline: str) -> list[list[str]]:
    """The header and a line for each ranker; interval and difference are of the first metric."""
    metrics = list(next(iter(measures.values())))
    rows = [[name, *metrics, f"{metrics[0]}: 95% interval", f"less {baseline}: 95% interval"]]
    for ranker, found in measures.items():
        first = found[metrics[0]]
        above = "" if first.above is None else "{:+.4f} ({:+.4f} to {:+.4f})".format(*first.above)
        values = [f"{found[metric].value:.4f}" for metric in metrics]
        rows.append([ranker, *values, f"{first.low:.4f} to {first.high:.4f}", above])
    return rows


def _show(name: str, measures: Measures, baseline: str) -> None:
    header, *rows = _rows(name, measures, baseline)
    table = Table(*header)
    for row in rows:
        table.add_row(*row, style="bold" if row[0] == "enmusubi" else None)
    OUT.print(table)


def _markdown(name: str, measures: Measures, baseline: str) -> str:
    """A GitHub table; nothing in a cell can end it."""
    header, *rows = _rows(name, measures, baseline)
    columns = ["---", *["---:"] * (len(header) - 1)]
    cells = [[_cell(text) for text in row] for row in (header, *rows)]
    return "".join(f"| {' | '.join(row)} |\n" for row in (cells[0], columns, *cells[1:]))


def _cell(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(evaluate)
