"""Rows of the bench's table, and how they are timed: all engines in turn, question by question."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar

import numpy as np

OURS: Final = "enmusubi"

Question = TypeVar("Question")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Measured:
    """One engine at one task and size."""

    task: str
    engine: str
    size: int
    """Capabilities."""
    unit: str
    """Of the figures: `ms` a question, where less is better, or `per second`, where more is."""
    p50: float
    p95: float | None = None
    recall: float | None = None
    """Share of the exact answer that was found."""
    build_seconds: float | None = None
    megabytes: float | None = None
    """Of what is searched, in memory."""
    share_of_limit: float | None = None
    """Of what the machine can do at most, measured in the same run."""
    limit: str = ""
    """Which limit that is."""
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Missing:
    """A peer that was not measured, and why."""

    task: str
    engine: str
    reason: str


Rows = list[Measured | Missing]


def in_turn(
    engines: Mapping[str, Callable[[Question], Answer]], questions: Sequence[Question]
) -> tuple[dict[str, np.ndarray], dict[str, list[Answer]]]:
    """Milliseconds (questions,) and answers of each engine.

    The engines take turns at each question, so that whatever slows the machine for a while slows
    them alike; the first question is asked once before, to warm up.
    """
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    answers: dict[str, list[Answer]] = {name: [] for name in engines}
    for ask in engines.values():
        ask(questions[0])
    for question in questions:
        for name, ask in engines.items():
            start = time.perf_counter()
            answer = ask(question)
            seconds[name].append(time.perf_counter() - start)
            answers[name].append(answer)
    return {name: np.array(some) * 1e3 for name, some in seconds.items()}, answers


def timed(work: Callable[[], Answer]) -> tuple[float, Answer]:
    """Seconds by the clock, and the result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def percentiles(milliseconds: np.ndarray) -> tuple[float, float]:
    """The median and the 95th percentile."""
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return float(p50), float(p95)


def ratios(rows: Sequence[Measured | Missing]) -> dict[tuple[str, int, str], float]:
    """How many times as fast ours is as each peer, by task, size and peer."""
    measured = [row for row in rows if isinstance(row, Measured)]
    ours = {(row.task, row.size): row for row in measured if row.engine == OURS}
    found = {}
    for row in measured:
        own = ours.get((row.task, row.size))
        if own is not None and row.engine != OURS and min(own.p50, row.p50) > 0:
            times = row.p50 / own.p50 if row.unit == "ms" else own.p50 / row.p50
            found[row.task, row.size, row.engine] = times
    return found
