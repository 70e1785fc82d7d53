"""`import`, `embed`, `encode`."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from app.cli.opening import open_database, open_engines
from app.cli.terminal import ERRORS, OUT, Bar, progress_bar
from app.clock import today
from app.contexts import SYSTEM
from app.db import Database
from app.errors import conflict
from app.jobs import queue
from app.jobs.changing import change_over
from app.jobs.embedding import embed_pending, pending_texts
from app.jobs.importing import store
from app.main import make_encoder_of
from app.services.embeddings import count_unread, delete_orphans, forget_misfits
from app.services.encoders import ask_for, serving
from app.services.engines import Engines
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
    with progress_bar("Importing", importers.import_size(path), unit="records") as bar:
        stream = importers.stream(path, progress=bar.advance)
        name = path.resolve().stem
        done = store(database, stream, set_name=name, today=today(), progress=bar.count)
    problems = [f"{p.file}, line {p.line}: {p.reason}" for p in stream.problems] + done.problems
    for problem in problems:
        ERRORS.print(problem, markup=False, highlight=False)
    for erased in done.suppressed:
        ERRORS.print(erased, markup=False, highlight=False)
    OUT.print(
        f"{done.created} new, {done.changed} changed, {done.unchanged} as they were"
        + (f"; {len(problems)} could not be used as they are, see above" if problems else "")
        + (f"; {len(done.suppressed)} of erased persons left out" if done.suppressed else "")
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


def embed(
    *,
    share: Annotated[
        bool, typer.Option(help="Give the texts out to `enmusubi worker` (PostgreSQL only).")
    ] = False,
) -> None:
    """Embed what has no vector yet, and change over to the encoder of the settings.

    May be interrupted: it goes on where it stopped. Until a change is done, the encoder before it
    serves.
    """
    engines = open_engines()
    database, encoder = engines.database, engines.own.encoder
    if share:
        _share(database, encoder)
        return
    dimension = encoder.dimension  # loads it, for which nobody should wait to write
    with database.writing(SYSTEM) as session:
        forgotten = delete_orphans(session)
        misfits = forget_misfits(session, encoder, dimension=dimension)
    if forgotten:
        OUT.print(f"Forgot {forgotten} vectors of texts that are gone.")
    if misfits:
        OUT.print(f"Forgot {misfits} vectors that did not have the encoder's length.")
    number = embed_all(engines)
    OUT.print(f"Embedded {number} texts." if number else "Nothing was left to embed.")
    with database.reading(SYSTEM) as session:
        unread = count_unread(session, encoder)
    if unread:
        OUT.print(
            f"{unread} texts hold nothing that the encoder can read; they are matched by their "
            "words (see README, What it can and cannot do)."
        )


def _share(database: Database, encoder: Encoder) -> None:
    shared = queue.share(database, encoder)
    if not shared.jobs and not shared.waiting:
        OUT.print("Nothing was left to embed.")
        return
    before = f" besides {shared.waiting} given out before" if shared.waiting else ""
    OUT.print(
        f"Gave out {shared.texts} texts in {shared.jobs} jobs{before}. Run [bold]enmusubi "
        "worker[/bold] on as many machines as shall work on them."
    )


def worker(
    *,
    until_done: Annotated[
        bool, typer.Option(help="End when nothing is given out any more.")
    ] = False,
) -> None:
    """Embed what `enmusubi embed --share` gives out, on this or another machine (PostgreSQL only).

    Run as many as there are machines. The job of one that is killed goes to another.
    """
    queue.require_server(open_database())
    engines = open_engines()
    queue.work(
        engines.database,
        engines.own.encoder,
        until_done=until_done,
        told=lambda line: OUT.print(line, highlight=False),
    )


def embed_all(engines: Engines) -> int:
    """Embed all pending texts under a progress bar, and let the encoder of the settings serve.

    Returns how many texts there were.
    """
    database, encoder = engines.database, engines.own.encoder
    texts = pending_texts(database, encoder)
    with database.writing(SYSTEM) as session:
        before = serving(session)
        serves = ask_for(session, engines.own)
    if texts or not serves:
        with _embedding(len(texts)) as bar:
            if serves:
                embed_pending(database, encoder, texts, progress=bar.advance)
            else:
                serves = change_over(database, encoder, progress=bar.advance)
    if not serves:
        raise conflict(
            "Another encoder was asked for meanwhile: see `enmusubi encoder status`. What was "
            "embedded is kept."
        )
    if before is not None and before.encoder_id != encoder.id:
        OUT.print(f"{encoder.id} serves now instead of {before.encoder_id}.", soft_wrap=True)
    return len(texts)


@contextmanager
def _embedding(number: int) -> Iterator[Bar]:
    with progress_bar("Embedding", number) as bar:
        try:
            yield bar
        except KeyboardInterrupt:
            ERRORS.print("Interrupted; what was finished is stored. Run it again to go on.")
            raise typer.Exit(code=130) from None


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
    app.command()(worker)
    app.command()(encode)
