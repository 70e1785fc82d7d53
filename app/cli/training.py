"""`train`."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from app.cli.terminal import ERRORS, OUT, progress_bar
from app.errors import invalid
from app.jobs.steps import Steps
from app.jobs.training import train_folders
from app.main import make_encoder_of
from app.settings import get_settings
from matching.artefact import dump
from matching.learn import CHOSEN_BY, default_weights
from matching.signals import SIGNALS
from matching.training import DEFAULT, LEARNED, Trained


def train(
    folders: Annotated[
        list[Path], typer.Argument(help="Folders with queries.jsonl, people.jsonl, qrels.tsv.")
    ],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    keep_weights: Annotated[
        bool, typer.Option(help="Leave the default weights as they are and only calibrate them.")
    ] = False,
) -> None:
    """Fit the signals' weights and the probabilities to judged sets, and write them to a file.

    What is printed was measured on queries that were held out. Set ENMUSUBI_MODEL to the file to
    use it.
    """
    if not out.resolve().parent.is_dir():
        raise invalid("--out", f"there is no folder {out.resolve().parent}")
    settings = get_settings()
    cache = settings.data_dir / "evaluation"
    cache.mkdir(parents=True, exist_ok=True)
    with ExitStack() as bars:

        def begin(title: str, total: int) -> Callable[[int], None]:
            bars.close()  # one bar at a time
            return bars.enter_context(progress_bar(title, total)).advance

        outcome = train_folders(
            folders,
            make_encoder_of(settings),
            cache=cache,
            shown=Steps(begin, _warn),
            learn=not keep_weights,
        )
    out.write_text(dump(outcome.artefact), encoding="utf-8")
    OUT.print(_ranking(outcome.trained))
    OUT.print(_weights(outcome.trained))
    OUT.print(_reliability(outcome.trained))
    OUT.print(f"Written to {out}. Use it with ENMUSUBI_MODEL={out}", soft_wrap=True)


def _warn(sentence: str) -> None:
    ERRORS.print(sentence, style="yellow", markup=False, highlight=False)


def _ranking(trained: Trained) -> Table:
    metric = CHOSEN_BY.name
    table = Table(f"{metric}, held out", DEFAULT, LEARNED, "95% interval", "learned less default")
    for name, metrics in trained.ranking.items():
        default, learned = metrics[metric][DEFAULT], metrics[metric][LEARNED]
        above = learned.above
        table.add_row(
            name,
            f"{default.value:.4f}",
            f"{learned.value:.4f}",
            f"{learned.low:.4f} to {learned.high:.4f}",
            "" if above is None else "{:+.4f} ({:+.4f} to {:+.4f})".format(*above),
        )
    return table


def _weights(trained: Trained) -> Table:
    kept = "kept as they are" if trained.pull is None else f"pull {trained.pull:g}"
    table = Table(f"weight ({kept})", DEFAULT, LEARNED)
    for signal, default, learned in zip(
        SIGNALS, default_weights(SIGNALS), trained.weights, strict=True
    ):
        table.add_row(signal.name, f"{default:.3f}", f"{learned:.3f}")
    return table


def _reliability(trained: Trained) -> Table:
    table = Table(
        "held out",
        "calibration error",
        "Brier",
        "ROC AUC: partner there or removed",
        "(ceiling)",
        "said to be weak",
        "… partner in the first ten",
        "… partner removed",
    )
    for name, found in trained.reliability.items():
        table.add_row(
            name,
            f"{found.calibration_error:.3f}",
            f"{found.brier:.3f}",
            f"{found.auc.value:.3f} ({found.auc.low:.3f} to {found.auc.high:.3f})",
            f"({found.ceiling:.3f})",
            f"{found.flagged:.0%}",
            f"{found.flagged_reached:.0%}",
            f"{found.flagged_without:.0%}",
        )
    return table


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(train)
