"""`import`, `embed`, `encode`."""

import json
import sys
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from app.cli.opening import open_database
from app.cli.terminal import ERRORS, OUT, progress_bar
from app.clock import today
from app.db import Database
from app.jobs import embed_texts, pending_texts
from app.main import make_encoder_of
from app.services import imports
from app.services.embeddings import delete_orphans
from app.settings import get_settings
from data import importers
from data.importers import ReadResult
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
    read = _read(path)
    done = imports.Imported()
    with database.writing() as session, progress_bar("Storing", _size(read)) as bar:
        imports.import_clusters(session, read.clusters, done)
        imports.import_organisations(session, read.organisations, done)
        bar.advance(len(read.clusters) + len(read.organisations))
        imports.import_partners(session, read.partners, done, progress=bar.advance)
        imports.import_loose_capabilities(session, read.loose_capabilities, done)
        bar.advance(len(read.loose_capabilities))
        name = path.resolve().stem
        imports.import_needs(session, read.needs, done, set_name=name, today=today())
        bar.advance(len(read.needs))
    for problem in read.problems:
        ERRORS.print(f"{problem.file}, line {problem.line}: {escape(problem.reason)}")
    for reason in done.problems:
        ERRORS.print(escape(reason))
    problems = len(read.problems) + len(done.problems)
    OUT.print(
        f"{done.created} new, {done.changed} changed, {done.unchanged} as they were"
        + (
            f"; [yellow]{problems} could not be used as they are, see above[/yellow]"
            if problems
            else ""
        )
        + "."
    )
    return not problems


def _read(path: Path) -> ReadResult:
    with progress_bar("Reading", importers.import_size(path)) as bar:
        return importers.read(path, progress=bar.advance)


def _size(read: ReadResult) -> int:
    parts = (
        read.clusters,
        read.organisations,
        read.partners,
        read.loose_capabilities,
        read.needs,
    )
    return sum(len(part) for part in parts)


def embed() -> None:
    """Embed what has no vector yet. May be interrupted: it goes on where it stopped."""
    database = open_database()
    encoder = make_encoder_of(get_settings())
    with database.writing() as session:
        forgotten = delete_orphans(session)
    if forgotten:
        OUT.print(f"Forgot {forgotten} vectors of texts that are gone.")
    number = embed_all(database, encoder)
    OUT.print(f"Embedded {number} texts." if number else "Every text has its vector already.")


def embed_all(database: Database, encoder: Encoder) -> int:
    """Embed all pending texts under a progress bar; returns how many there were."""
    texts = pending_texts(database, encoder)
    if texts:
        with progress_bar("Embedding", len(texts)) as bar:
            embed_texts(database, encoder, texts, progress=bar.advance)
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
