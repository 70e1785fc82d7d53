"""`bench encoder`, `bench match`: measured figures, each beside what it is compared with.

`bench bulk`, `bench pgvector`, `bench rank` and `bench plan` have files of their own.
"""

import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Annotated, Final

import numpy as np
import typer
import uvicorn
from rich.table import Table
from sqlalchemy import select

from app.bench.embedding import mixed_texts
from app.cli.bench_bulk import bulk_command
from app.cli.bench_engine import engine_command
from app.cli.bench_pgvector import pgvector_command
from app.cli.bench_plan import plan_command
from app.cli.bench_rank import rank_command
from app.cli.opening import open_engines
from app.cli.reporting import machine
from app.cli.terminal import OUT, progress_bar
from app.contexts import SYSTEM
from app.errors import invalid
from app.main import create_app, make_encoder_of
from app.services.encoder_mismatch import require_serving
from app.services.engines import Engines
from app.services.keys import create_key, revoke_key
from app.settings import get_settings
from matching.encoders import Encoder, Vectors
from matching.encoders.minilm import model_folder
from models import Need, NeedStatus, Role

group = typer.Typer(invoke_without_command=True, callback=engine_command)

group.command(name="bulk")(bulk_command)
group.command(name="rank")(rank_command)
group.command(name="pgvector")(pgvector_command)
group.command(name="plan")(plan_command)

STARTUP_SECONDS: Final = 120


@group.command()
def encoder(
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    texts: Annotated[int, typer.Option(min=50, help="How many texts to embed.")] = 600,
) -> None:
    """Embedding rate of `minilm` against a plain `SentenceTransformer.encode`, in turn.

    The texts are English ones of the sample region, of mixed lengths: titles, passages, profiles.
    """
    # Loaded here: the comparison is the only place that needs it, and torch takes seconds.
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    batch = mixed_texts(texts)
    plain = SentenceTransformer(str(model_folder()), device="cpu")
    ours = make_encoder_of(get_settings().model_copy(update={"encoder": "minilm"}))
    _warm_up(plain.encode, ours, batch)
    plain_seconds, our_seconds = [], []
    with progress_bar("Embedding", 2 * rounds) as bar:
        for _ in range(rounds):
            seconds, expected = _timed(lambda: plain.encode(batch, show_progress_bar=False))
            plain_seconds.append(seconds)
            bar.advance()
            seconds, vectors = _timed(lambda: ours.encode(batch))
            our_seconds.append(seconds)
            bar.advance()
    unit = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    difference = float(1 - (unit * vectors).sum(axis=1).min())
    ratio = median(a / b for a, b in zip(plain_seconds, our_seconds, strict=True))
    table = Table("encoder", "texts/s (median)")
    table.add_row("plain model.encode", f"{len(batch) / median(plain_seconds):.1f}")
    table.add_row("minilm", f"{len(batch) / median(our_seconds):.1f}")
    OUT.print(table)
    OUT.print(
        f"{len(batch)} texts, {rounds} rounds in turn: {ratio:.2f} times as fast (median of the "
        f"rounds), largest cosine difference {difference:.1e}. {machine()}"
    )


@group.command()
def match(rounds: Annotated[int, typer.Option(min=1)] = 5) -> None:
    """Time of `GET /v1/needs/{id}/matches` over HTTP on the open needs of this database, warm."""
    engines = open_engines()
    with engines.database.writing(SYSTEM) as session:
        require_serving(session, engines.own)
        key, secret = create_key(session, name="bench", role=Role.COORDINATOR)
        statement = select(Need.id).where(Need.status == NeedStatus.OPEN)
        needs = [str(need) for need in session.scalars(statement)]
    try:
        if not needs:
            raise invalid("bench match", "there is no open need; load the sample with `make demo`")
        with _served(engines) as address:
            urls = [f"{address}/v1/needs/{need}/matches?top=10" for need in needs]
            first = [_ask(url, secret) for url in urls]
            with progress_bar("Asking", rounds * len(urls)) as bar:
                warm = []
                for url in urls * rounds:
                    warm.append(_ask(url, secret))
                    bar.advance()
    finally:
        with engines.database.writing(SYSTEM) as session:
            revoke_key(session, key.prefix)
    table = Table("request", "number", "p50 ms", "p95 ms")
    for name, seconds in (("first for its need", first), ("warm", warm)):
        p50, p95 = np.percentile(seconds, [50, 95]) * 1e3
        table.add_row(name, str(len(seconds)), f"{p50:.1f}", f"{p95:.1f}")
    OUT.print(table)
    OUT.print(machine())


def _warm_up(plain: Callable[[list[str]], object], ours: Encoder, batch: list[str]) -> None:
    plain(batch[:32])
    ours.encode(batch[:32])


def _timed(work: Callable[[], Vectors]) -> tuple[float, Vectors]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


@contextmanager
def _served(engines: Engines) -> Iterator[str]:
    """The application on a free port of this machine."""
    unlimited = get_settings().model_copy(update={"rate_limits": False})
    application = create_app(unlimited, engines)
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + STARTUP_SECONDS
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    if not server.started:
        raise invalid("bench match", "the server did not start")
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=STARTUP_SECONDS)


def _ask(url: str, secret: str) -> float:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {secret}"})
    start = time.perf_counter()
    with urllib.request.urlopen(request) as response:
        response.read()
    return time.perf_counter() - start


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(group, name="bench")
