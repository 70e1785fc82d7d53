"""A large file through the real commands: `import`, `embed` or workers, each killed once.

The commands are processes of their own, as an office runs them. What is measured is their time by
the clock, the processor's, and the most memory that they held; what is checked is that every row
is there once after a SIGKILL in the middle.
"""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from sqlalchemy import func, inspect, select

from app.bench.collection import PIECES_A_PARTNER, spoken_sentences
from app.bench.http import COMMAND
from app.bench.timing import Measured, Rows
from app.contexts import SYSTEM
from app.db import Database
from app.errors import conflict
from app.jobs import queue
from models import Capability, Embedding, Partner

SENTENCES: Final = (2, 5)
"""Of a capability's text, at least and fewer than: 250 characters in the mean of public sets."""
KILL_AT: Final = 0.3
"""Share of what is to be done, after which the first run is killed."""
LOOK_SECONDS: Final = 0.5
KILOBYTE: Final = 1 if sys.platform == "darwin" else 1024
"""Unit of the memory that the system tells of an ended process."""
ENCODER: Final = "static"


@dataclass(frozen=True, slots=True)
class Run:
    """One process, or several at once, to their end or until they were killed."""

    seconds: float
    processor_seconds: float
    megabytes: float
    """The most that one of them held in memory."""
    was_killed: bool


def write_files(folder: Path, size: int, *, texts: Path | None, seed: int) -> None:
    """`partners.csv` and `capabilities.csv` with `size` capabilities, no two of one text."""
    random = np.random.default_rng(seed)
    spoken = spoken_sentences(texts, seed=seed)
    with _table(folder / "partners.csv", "id", "kind", "name") as write:
        for number in range(_partners(size)):
            write([f"p{number}", "researcher", f"Partner {number}"])
    with _table(folder / "capabilities.csv", "id", "partner", "kind", "title", "text") as write:
        for number in range(size):
            title, *said = (
                spoken[i] for i in random.integers(len(spoken), size=random.integers(*SENTENCES))
            )
            owner = f"p{number // PIECES_A_PARTNER}"
            write([f"c{number}", owner, "paper", title[:120], " ".join([*said, str(number)])])


def bulk(folder: Path, size: int, *, url: str, workers: int) -> Rows:
    """Import and embed the files in `folder` into the empty database at `url`.

    They stay in it. With `workers` the embedding is shared among so many (PostgreSQL only). Problem
    409 if the database holds partners already, or if anything is lost, double or left over at the
    end.
    """
    environment = os.environ | {
        "ENMUSUBI_DATABASE_URL": url,
        "ENMUSUBI_DATA_DIR": str(folder),
        "ENMUSUBI_ENCODER": ENCODER,
    }
    database = Database.at(url)
    try:
        if workers:
            queue.require_server(database)
        require_empty(database)
        _to_the_end([["migrate"]], environment)
        engine = database.engine.dialect.name
        imports = _killed_once([["import", str(folder)]], environment, database, Capability, size)
        embedding = [["embed"]]
        if workers:
            _to_the_end([["embed", "--share"]], environment)
            embedding = [["worker", "--until-done"]] * workers
        embeds = _killed_once(embedding, environment, database, Embedding, size)
        if workers:
            _to_the_end([["embed"]], environment)  # lets the encoder serve
        require_whole(database, size)
    finally:
        database.dispose()
    said = f"embed, {workers} workers" if workers else "embed"
    return [*_rows("import", engine, size, imports), *_rows(said, engine, size, embeds)]


def require_empty(database: Database) -> None:
    """Problem 409 if somebody's data lies in the database."""
    if inspect(database.engine).has_table(Partner.__tablename__) and _count(database, Partner):
        raise conflict("bench bulk writes made-up partners: name a database that holds none")


def require_whole(database: Database, size: int) -> None:
    """Problem 409 unless each capability of the file is there once, with a vector."""
    with database.reading(SYSTEM) as session:
        ids = session.scalar(select(func.count(func.distinct(Capability.external_id))))
    found = {
        "partners": (_count(database, Partner), _partners(size)),
        "capabilities": (_count(database, Capability), size),
        "ids of capabilities": (ids, size),
        "vectors": (_count(database, Embedding), size),
    }
    if wrong := {name: pair for name, pair in found.items() if pair[0] != pair[1]}:
        said = ", ".join(f"{have} {name} instead of {want}" for name, (have, want) in wrong.items())
        raise conflict(f"after a kill and a second run there are {said}")


def _partners(size: int) -> int:
    return -(-size // PIECES_A_PARTNER)


@contextmanager
def _table(path: Path, *header: str) -> Iterator[Callable[[Sequence[object]], object]]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        yield writer.writerow


def _rows(task: str, engine: str, size: int, runs: Sequence[tuple[int, Run]]) -> Rows:
    return [
        Measured(
            f"bulk {task}",
            engine,
            size,
            "per second",
            done / run.seconds,
            megabytes=run.megabytes,
            note=(
                f"{engine}: {done} rows in {run.seconds:.0f} s, {run.processor_seconds:.0f} s of "
                "processor time of the commands" + (", then killed" if run.was_killed else "")
            ),
        )
        for done, run in runs
        if done  # else all was done before the kill came
    ]


def _killed_once(
    commands: Sequence[Sequence[str]],
    environment: Mapping[str, str],
    database: Database,
    table: type[Capability | Embedding],
    size: int,
) -> list[tuple[int, Run]]:
    """The commands at once, killed in the middle and run again: what each run stored, and how."""

    def may_die() -> bool:
        return _count(database, table) >= KILL_AT * size

    first = _run(commands, environment, kill_when=may_die)
    between = _count(database, table)
    if not first.was_killed:
        return [(between, first)]
    second = _to_the_end(commands, environment)
    return [(between, first), (_count(database, table) - between, second)]


def _to_the_end(commands: Sequence[Sequence[str]], environment: Mapping[str, str]) -> Run:
    return _run(commands, environment, kill_when=lambda: False)


def _run(
    commands: Sequence[Sequence[str]],
    environment: Mapping[str, str],
    *,
    kill_when: Callable[[], bool],
) -> Run:
    """Run commands at once; Problem 409 if one of them fails."""
    started = time.monotonic()
    processes = [_start(command, environment) for command in commands]
    running = {process.pid: process for process in processes}
    killed = False
    processor, most = 0.0, 0
    while running:
        time.sleep(LOOK_SECONDS)
        if not killed and kill_when():
            killed = True
            for pid in running:
                os.kill(pid, signal.SIGKILL)
        for pid in list(running):
            ended, status, used = os.wait4(pid, 0 if killed else os.WNOHANG)
            if not ended:
                continue
            running.pop(pid).returncode = status
            processor += used.ru_utime + used.ru_stime
            most = max(most, used.ru_maxrss * KILOBYTE)
            if status and not killed:
                for other in running:
                    os.kill(other, signal.SIGKILL)
                raise conflict("`enmusubi " + " ".join(commands[0]) + "` failed: run it alone")
    return Run(time.monotonic() - started, processor, most / 1e6, killed)


def _start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - this program itself
        [sys.executable, "-c", COMMAND, *command],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def _count(database: Database, table: type[Capability | Embedding | Partner]) -> int:
    with database.reading(SYSTEM) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0
