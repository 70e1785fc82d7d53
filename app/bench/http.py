"""Match lists over HTTP from the real service, by clients on the same machine.

A made-up region is written into a database of its own, `enmusubi serve` is started on it as a
process (or several), every list is asked for until each process has it, and then the load begins.
The clients take a part of the same cores.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from app.bench.collection import PIECES_A_PARTNER
from app.bench.load import Answers, Client, closed_loop, open_loop, watch
from app.bench.region import fill
from app.bench.timing import Measured, Rows
from app.contexts import SYSTEM
from app.db import Database
from app.errors import invalid
from app.migrations import upgrade
from app.services.keys import create_key
from matching.encoders import make_encoder
from matching.synthetic import make_region
from models import Role

NEEDS: Final = 100
CLIENTS: Final = 20
OVERLOAD: Final = 5
"""Times as many clients."""
EACH_SECOND: Final = 20.0
"""Requests of the open loop."""
OPEN_SECONDS: Final = 20.0
READY_SECONDS: Final = 900.0
COMMAND: Final = "from app.cli import main; main()"
TASK: Final = "HTTP, warm match lists"


def http(size: int, *, processes: int, requests: int, seed: int = 1) -> Rows:
    """Latency by the clients' clock: closed loops of 20 and of 100 clients, and an open loop.

    `/healthz` is asked meanwhile. Problem 422 if the service does not start.
    """
    with TemporaryDirectory(prefix="enmusubi-bench-") as folder:
        needs, secret = _prepare(Path(folder), size, seed)
        paths = [f"/v1/needs/{need}/matches?top=10" for need in needs]
        with _serving(Path(folder), processes) as (port, process):
            make = partial(Client, "127.0.0.1", port, {"Authorization": f"Bearer {secret}"})
            return asyncio.run(_measure(make, paths, process, size, processes, requests))


def _prepare(folder: Path, size: int, seed: int) -> tuple[list[str], str]:
    database = Database.at(f"sqlite:///{folder / 'enmusubi.db'}")
    upgrade(database)
    region = make_region(max(size // PIECES_A_PARTNER, 1), size, NEEDS, seed=seed)
    with database.writing(SYSTEM) as session:
        needs = [str(need) for need in fill(session, region, make_encoder("static"))]
        _, secret = create_key(session, name="bench", role=Role.COORDINATOR)
    database.dispose()
    return needs, secret


@contextmanager
def _serving(folder: Path, processes: int) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {
        "ENMUSUBI_DATA_DIR": str(folder),
        "ENMUSUBI_DATABASE_URL": "",
        "ENMUSUBI_ENCODER": "static",
        "ENMUSUBI_RATE_LIMITS": "false",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    options = ["--port", str(port), "--workers", str(processes)]
    process = subprocess.Popen(  # noqa: S603 - this program itself
        [sys.executable, "-c", COMMAND, "serve", *options],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port, process
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()


async def _measure(
    make: partial[Client],
    paths: Sequence[str],
    process: subprocess.Popen[bytes],
    size: int,
    processes: int,
    requests: int,
) -> Rows:
    await _until_ready(make, paths, process, processes)
    before = _resident(process.pid)
    rows: Rows = []
    for clients in (CLIENTS, OVERLOAD * CLIENTS):
        healthy = Answers()
        async with make() as watcher:
            watching = asyncio.create_task(watch(watcher, "/healthz", healthy, pause=0.05))
            found = await closed_loop(
                make, paths, clients=clients, requests=requests, pause_when_refused=1.0
            )
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
        said = f"{clients} clients, back to back"
        rows.append(_row(said, found, size, processes))
        rows.append(_row(f"/healthz beside {clients} clients", healthy, size, processes))
    lists = await open_loop(make, paths, rate=EACH_SECOND, seconds=OPEN_SECONDS)
    rows.append(_row(f"{EACH_SECOND:.0f} requests a second", lists, size, processes))
    grown = (_resident(process.pid) - before) / 1e6
    done = sum(row.note.startswith("p99") for row in rows if isinstance(row, Measured))
    rows.append(
        Measured(
            "HTTP, memory grown under the load",
            "enmusubi",
            size,
            "MB",
            grown,
            note=f"resident memory of all processes after {done} loads",
        )
    )
    return rows


def _row(name: str, answers: Answers, size: int, processes: int) -> Measured:
    found = answers.milliseconds()
    statuses = ", ".join(f"{number} x {status}" for status, number in answers.statuses.items())
    rate = answers.total / answers.elapsed if answers.elapsed else 0.0
    return Measured(
        TASK,
        name,
        size,
        "ms",
        found.get("p50", float("nan")),
        found.get("p95"),
        note=f"p99 {found.get('p99', float('nan')):.0f} ms with {name}: {statuses}, "
        + (f"{rate:.0f} a second, " if rate else "")
        + f"{processes} processes",
    )


async def _until_ready(
    make: partial[Client],
    paths: Sequence[str],
    process: subprocess.Popen[bytes],
    processes: int,
) -> None:
    """Until every process has made every list: new connections go to any of them."""
    deadline = time.monotonic() + READY_SECONDS
    warm = 0
    while warm < 4 * processes:
        if process.poll() is not None or time.monotonic() > deadline:
            raise invalid("bench", "the service did not start: see `enmusubi serve`")
        answers = Answers()
        async with make() as client:
            with suppress(OSError, EOFError, ValueError):
                status, _, _ = await client.get("/readyz")
                if status == 200:
                    for path in paths:
                        await client.timed(path, answers)
        warm = warm + 1 if answers.statuses == {200: len(paths)} else 0
        if not warm:
            await asyncio.sleep(0.5)


def _resident(pid: int) -> int:
    """Bytes of a process and of those that it started, where the system tells; else 0."""
    total = 0
    for each in [pid, *_children(pid)]:
        with suppress(OSError):
            pages = int(Path(f"/proc/{each}/statm").read_text("ascii").split()[1])
            total += pages * os.sysconf("SC_PAGE_SIZE")
    return total


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
        return [int(each) for each in text.split()]
    return []
