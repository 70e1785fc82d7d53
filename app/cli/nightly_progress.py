"""How far a run is: bars for a person, lines of JSON for a machine."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.cli.terminal import ERRORS
from app.jobs.steps import Steps

EVERY_SECONDS: Final = 5.0
"""A line of a step that goes on, at most so often."""


@contextmanager
def watched() -> Iterator[Steps]:
    """Shows on standard error what it is told: bars on a terminal, else one JSON object a line."""
    if not ERRORS.is_terminal:
        yield Steps(lambda title, total: Lines(sys.stderr, title, total))
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=ERRORS) as display:

        def begin(title: str, total: int) -> Callable[[int], None]:
            task = display.add_task(title, total=total)
            return lambda amount: display.advance(task, amount)

        yield Steps(begin)


class Lines:
    """`{"step": "deliver", "done": 120, "total": 300, "seconds": 14.2}`, a line each."""

    def __init__(self, stream: TextIO, step: str, total: int) -> None:
        self._stream = stream
        self._step = step
        self._total = total
        self._done = 0
        self._begun = self._last = time.monotonic()
        self._write()

    def __call__(self, amount: int) -> None:
        """That much more is done; written unless the last line was a moment ago."""
        self._done += amount
        now = time.monotonic()
        if self._done >= self._total or now - self._last >= EVERY_SECONDS:
            self._last = now
            self._write()

    def _write(self) -> None:
        line = {
            "step": self._step,
            "done": self._done,
            "total": self._total,
            "seconds": round(time.monotonic() - self._begun, 3),
        }
        self._stream.write(json.dumps(line) + "\n")
        self._stream.flush()
