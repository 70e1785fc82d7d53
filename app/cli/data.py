"""`import`, `embed`, `encode`."""

import json
import sys
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from app.cli.opening import open_database
from app.cli.terminal import ERRORS, OUT, progress_bar
from app.clock import today
from app.db import Database
from app.jobs.embedding import embed_pending, pending_texts
from app.jobs.importing import number_of_records, store
from app.main import make_encoder_of
from app.services.embeddings import count_unread, delete_orphans
from app.settings import get_settings
from data import importers
from matching.encoders import Encoder

LINES_AT_ONCE = 1024


def import_(
    path: Annotated[
        Path, typer.Argument(help="A folder or file: JSONL or CSV, see docs/import.md")
    ],
) -> None:
    """Import organisations, partners, capabilities and needs. Running it twice changes nothing."""
    database = open_database()
    if not import_path(database, path):
        raise typer.Exit(code=1)


def import_path(database: Database, path: Path) -> bool:
    """Import and report; False if some rows could not be used."""
    with progress_bar("Reading", importers.import_size(path)) as bar:
        read = importers.read(path, progress=bar.advance)
    with progress_bar("Storing", number_of_records(read)) as bar:
        name = path.resolve().stem
        done = store(database, read, set_name=name, today=today(), progress=bar.advance)
    problems = [f"{p.file}, line {p.line}: {p.reason}" for p in read.problems] + done.problems
    for problem in problems:
        ERRORS.print(problem, markup=False, highlight=False)
    OUT.print(
        f"{done.created} new, {done.changed} changed, {done.unchanged} as they were"
        + (f"; {len(problems)} could not be used as they are, see above" if problems else "")
        + "."
    )
    if done.possible_duplicates:
        pairs = (
            "1 possible duplicate awaits"
            if done.possible_duplicates == 1
            else (f"{done.possible_duplicates} possible duplicates await")
        )
        OUT.print(f"{pairs} a decision: see [bold]enmusubi partner duplicates[/bold].")
    return not problems


def embed() -> None:
    """Embed what has no vector yet. May be interrupted: it goes on where it stopped."""
    database = open_database()
    encoder = make_encoder_of(get_settings())
    with database.writing() as session:
        forgotten = delete_orphans(session)
    if forgotten:
        OUT.print(f"Forgot {forgotten} vectors of texts that are gone.")
    number = embed_all(database, encoder)
    OUT.print(f"Embedded {number} texts." if number else "Nothing was left to embed.")
    with database.reading() as session:
        unread = count_unread(session, encoder)
    if unread:
        OUT.print(
            f"{unread} texts hold nothing that the encoder can read; they are matched by their "
            "words (see README, What it can and cannot do)."
        )


def embed_all(database: Database, encoder: Encoder) -> int:
    """Embed all pending texts under a progress bar; returns how many there were."""
    texts = pending_texts(database, encoder)
    if texts:
        with progress_bar("Embedding", len(texts)) as bar:
            try:
                embed_pending(database, encoder, texts, progress=bar.advance)
            except KeyboardInterrupt:
                ERRORS.print("Interrupted; what was finished is stored. Run it again to go on.")
                raise typer.Exit(code=130) from None
    return len(texts)


def encode() -> None:
    """Read one text a line from standard input, write its vector as one JSON array a line.

    A text in which the encoder finds nothing to read has no vector: its line is `null`.
    """
    encoder = make_encoder_of(get_settings())
    while lines := [line.rstrip("\n") for line in islice(sys.stdin, LINES_AT_ONCE)]:
        for vector in encoder.encode(lines):
            values = [round(float(value), 7) for value in vector] if vector.any() else None
            sys.stdout.write(json.dumps(values) + "\n")
        sys.stdout.flush()


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("import")(import_)
    app.command()(embed)
    app.command()(encode)
