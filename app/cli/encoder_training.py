"""`encoder train`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer

from app.cli.bilingual import table_of
from app.cli.reporting import show_table, steps_of
from app.cli.terminal import OUT, progress_bar
from app.jobs.bilingual import evaluate_bilingual
from app.settings import get_settings
from matching.encoders import make_encoder
from matching.encoders.minilm import WEIGHTS_SHA256
from matching.encoders.training.artefact import add_figures
from matching.encoders.training.recipe import TEACHER, Recipe

DEVELOPMENT: Final = "dev-pairs.json.gz"
"""In the folder of the pairs: held-out pairs, measured after the training."""
MEASURED: Final = ("bilingual", "static")
"""Encoders that read by the table."""


def train(
    data: Annotated[
        Path, typer.Argument(help="Folder with train.tsv.gz and perhaps dev-pairs.json.gz.")
    ],
    out: Annotated[Path, typer.Argument(help="Folder to write the encoder to.")],
    epochs: Annotated[
        int, typer.Option(min=0, help="Passes over the pairs; 0 leaves the ridge start.")
    ] = Recipe().epochs,
    vocabulary: Annotated[
        int, typer.Option(min=100, help="Tokens; each takes 384 bytes.")
    ] = Recipe().vocabulary,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = Recipe().seed,
) -> None:
    """Train the static encoder on Japanese-English pairs and write it to a folder.

    What takes long is kept in ENMUSUBI_DATA_DIR: the same command goes on where it was stopped.
    """
    # Imported here: it brings torch, which takes seconds and which `static` does without.
    from matching.encoders.training.train import train_encoder  # noqa: PLC0415

    settings = get_settings()
    work = settings.data_dir / "encoder-training"
    cache = settings.data_dir / "evaluation"
    cache.mkdir(parents=True, exist_ok=True)
    train_encoder(
        data,
        out,
        teacher=make_encoder(TEACHER),
        work=work,
        recipe=Recipe(epochs=epochs, vocabulary=vocabulary, seed=seed),
        steps=_shown,
        teacher_sha256=WEIGHTS_SHA256,
    )
    development = data / DEVELOPMENT
    if development.is_file():
        figures = {}
        for name in MEASURED:
            with ExitStack() as bars:
                found = evaluate_bilingual(
                    development,
                    make_encoder(name, table=out),
                    cache=cache,
                    steps=steps_of(name, bars),
                )
            for measured_set, measured in found.items():
                show_table(table_of(f"{name}, {measured_set}", measured))
            figures[name] = {each: asdict(measured) for each, measured in found.items()}
        add_figures(out, figures)
    OUT.print(f"Written to {out}.", soft_wrap=True)


@contextmanager
def _shown(title: str, total: int) -> Iterator[Callable[[int], None]]:
    with progress_bar(title, total) as bar:
        yield bar.advance
