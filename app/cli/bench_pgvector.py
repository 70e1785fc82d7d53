"""`bench pgvector`: the search by PostgreSQL in the database of the settings."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from app.bench.collection import read_questions
from app.bench.server_search import server_search
from app.bench.timing import Measured
from app.cli.opening import open_engines
from app.cli.reporting import show_table
from app.cli.terminal import OUT


def pgvector_command(
    texts: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="A folder of public sets: questions.")
    ],
    questions: Annotated[int, typer.Option(min=2)] = 40,
    seed: int = 1,
) -> None:
    """Recall and time of the search by pgvector in this database, beside the exact one in memory.

    Makes the indexes first if they are missing, as the service does with
    ENMUSUBI_VECTORS=pgvector. Every vector is read into memory once, to know the right answer.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - only the bench needs it

    engines = open_engines()
    encoder = engines.own.encoder
    every = read_questions(texts)
    chosen = np.random.default_rng(seed).permutation(len(every))[:questions]
    vectors = encoder.encode([every[at] for at in chosen], role="query")
    with threadpool_limits(1):
        rows = server_search(engines.database, encoder, vectors, seed=seed)
    measured = [row for row in rows if isinstance(row, Measured)]
    lines = [
        (
            row.task,
            row.engine,
            f"{row.size:,}",
            f"{row.p50:.4g} {row.unit}",
            "" if row.p95 is None else f"{row.p95:.4g}",
            "" if row.recall is None else f"{row.recall:.4f}",
        )
        for row in measured
    ]
    show_table([("task", "", "size", "p50", "p95", "recall@50"), *lines])
    OUT.print(*(f"{row.task}: {row.note}." for row in measured if row.note), sep="\n")
