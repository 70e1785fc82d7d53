"""`bench bulk`: a large file imported and embedded by the real commands, killed on the way."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from app.bench.bulk import bulk, write_files
from app.bench.timing import Measured
from app.cli.reporting import machine, show_table
from app.cli.terminal import ERRORS, OUT


def bulk_command(
    size: Annotated[int, typer.Option(min=1000, help="Capabilities.")] = 100_000,
    url: Annotated[
        str,
        typer.Option("--database-url", help="Of an empty database, which is filled; else SQLite."),
    ] = "",
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that share the embedding (PostgreSQL only).")
    ] = 0,
    texts: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="A folder of public sets: real sentences."),
    ] = None,
    seed: int = 1,
) -> None:
    """Import and embed so many capabilities by the real commands, each killed once on the way.

    Fails if a row is lost, double or without a vector at the end. Files and SQLite lie in the
    temporary folder, 2 kB for each capability.
    """
    with TemporaryDirectory(prefix="enmusubi-bench-") as name:
        folder = Path(name)
        ERRORS.print(f"Writing {size} capabilities", highlight=False)
        write_files(folder, size, texts=texts, seed=seed)
        ERRORS.print("Importing and embedding them", highlight=False)
        url = url or f"sqlite:///{folder / 'enmusubi.db'}"
        rows = bulk(folder, size, url=url, workers=workers)
    measured = [row for row in rows if isinstance(row, Measured)]
    lines = [
        (row.task, row.engine, f"{row.size:,}", f"{row.p50:,.0f}", f"{row.megabytes:.0f}")
        for row in measured
    ]
    show_table([("task", "", "size", "rows a second", "MB"), *lines])
    OUT.print(*(f"{row.task}, {row.note}." for row in measured), sep="\n", highlight=False)
    OUT.print(f"Each row is there once. {machine()}", highlight=False)
