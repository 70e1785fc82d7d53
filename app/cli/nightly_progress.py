"""How far a run is: bars for a person, lines of JSON for a machine."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Display

from app.cli.terminal import ERRORS
from app.jobs.run_tools import Progress
from models import RunStep

EVERY_SECONDS: Final = 5.0
"""A line of a step that goes on, at most so often."""


@contextmanager
def watched() -> Iterator[Progress]:
    """Shows on standard error what it is told: bars on a terminal, else one JSON object a line."""
    if ERRORS.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Display(*columns, TimeElapsedColumn(), console=ERRORS) as display:
            yield _Bars(display)
    else:
        yield Lines(sys.stderr)


class _Bars:
    """One bar a step."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._tasks: dict[RunStep, TaskID] = {}

    def __call__(self, step: RunStep, done: int, total: int | None) -> None:
        """Draw it."""
        if step not in self._tasks:
            self._tasks[step] = self._display.add_task(step.value, total=total)
        self._display.update(self._tasks[step], completed=done, total=total)


class Lines:
    """`{"step": "deliver", "done": 120, "total": 300, "seconds": 14.2}`, a line each."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begun: dict[RunStep, float] = {}
        self._last = float("-inf")

    def __call__(self, step: RunStep, done: int, total: int | None) -> None:
        """Write it, unless the last line was a moment ago and the step is not done."""
        now = time.monotonic()
        first = step not in self._begun
        begun = self._begun.setdefault(step, now)
        if not first and done != total and now - self._last < EVERY_SECONDS:
            return
        self._last = now
        line = {
            "step": step.value,
            "done": done,
            "total": total,
            "seconds": round(now - begun, 3),
        }
        self._stream.write(json.dumps(line) + "\n")
        self._stream.flush()
