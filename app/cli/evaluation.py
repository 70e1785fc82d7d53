"""`evaluate`: the ranking on judged sets, and by `evaluate bilingual` the two languages."""

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app.cli.bilingual import bilingual
from app.cli.reporting import require_one_form, show_table, steps_of, write_markdown
from app.jobs.evaluating import evaluate_folder
from app.main import make_encoder_of
from app.services.model import load_model
from app.settings import get_settings
from matching.bootstrap import Estimate
from matching.evaluate import BASELINE, PRODUCT, Measures


class _RankingByDefault(TyperGroup):
    """`evaluate DIR…` is `evaluate ranking DIR…`: measuring the ranking is what is mostly meant.

    A folder that is called like a command is given as `./bilingual`. `ctx` is of a type that Typer
    keeps private.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["ranking", *args]
        return super().parse_args(ctx, args)


group = typer.Typer(
    cls=_RankingByDefault,
    help="Measure the ranking on judged folders (`evaluate DIR…`), or the two languages.",
    no_args_is_help=True,
)
group.command()(bilingual)


@group.command()
def ranking(
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
    require_one_form("evaluate", as_json=as_json, as_markdown=as_markdown)
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
                steps=steps_of(name, bars),
                baseline=baseline,
                signals=model.signals,
            )
        if as_markdown:
            write_markdown(table_of(name, sets[name], baseline), first=len(sets) == 1)
        elif not as_json:
            show_table(table_of(name, sets[name], baseline), bold={PRODUCT})
    if as_json:
        json.dump({"sets": _as_json(sets)}, sys.stdout, ensure_ascii=False, indent=1)
        sys.stdout.write("\n")


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


def table_of(name: str, measures: Measures, baseline: str) -> list[list[str]]:
    """The header and a line for each ranker; interval and difference are of the first metric."""
    metrics = list(next(iter(measures.values())))
    rows = [[name, *metrics, f"{metrics[0]}: 95% interval", f"less {baseline}: 95% interval"]]
    for ranker, found in measures.items():
        first = found[metrics[0]]
        above = "" if first.above is None else "{:+.4f} ({:+.4f} to {:+.4f})".format(*first.above)
        values = [f"{found[metric].value:.4f}" for metric in metrics]
        rows.append([ranker, *values, f"{first.low:.4f} to {first.high:.4f}", above])
    return rows


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(group, name="evaluate")
