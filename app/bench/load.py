"""A load of HTTP requests on a running service, from one process: in a closed or an open loop.

In a closed loop each client asks again as soon as it has its answer, so that the service always
has as much to do as there are clients. In an open loop requests begin at fixed times, whether the
service keeps up or not, as people do who know nothing of each other; a request is timed from when
it was due, so that waiting for a slow service counts.

The clients need a processor too: on the service's own machine they take a part of what is measured.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from typing import Any, Final, Self

import numpy as np

PATIENCE: Final = 60.0
"""Seconds after which an answer is given up and counts as failed."""
FAILED: Final = 0
"""Stands for the status of a request without an answer."""


@dataclass(slots=True)
class Answers:
    """What came back: seconds by status, and how many refusals said when to come again."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    retry_after: int = 0
    """Answers 503 and 429 with a Retry-After."""
    elapsed: float = 0.0
    """Seconds of the whole load."""

    def add(self, status: int, seconds: float, *, retry_after: bool) -> None:
        """Count one answer."""
        self.seconds.setdefault(status, []).append(seconds)
        self.retry_after += retry_after

    @property
    def statuses(self) -> dict[int, int]:
        """How many answers there were of each status; 0 stands for none at all."""
        return {status: len(found) for status, found in sorted(self.seconds.items())}

    @property
    def total(self) -> int:
        """How many requests were made."""
        return sum(self.statuses.values())

    def milliseconds(self, status: int = 200) -> dict[str, float]:
        """p50, p95, p99 and the longest of the answers with that status; empty without one."""
        found = self.seconds.get(status)
        if not found:
            return {}
        percentiles = np.percentile(found, [50, 95, 99, 100]) * 1e3
        return dict(zip(("p50", "p95", "p99", "max"), map(float, percentiles), strict=True))

    def report(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "requests": self.total,
            "seconds": self.elapsed,
            "per_second": self.total / self.elapsed if self.elapsed else None,
            "statuses": {str(status): number for status, number in self.statuses.items()},
            "retry_after": self.retry_after,
            "milliseconds": {str(status): self.milliseconds(status) for status in self.seconds},
        }


class Client:
    """One connection that is kept, and opened anew when the service closes it."""

    def __init__(self, host: str, port: int, headers: dict[str, str] | None = None) -> None:
        self._where = host, port
        lines = {"Host": f"{host}:{port}", "Accept": "application/json"} | (headers or {})
        self._head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        """The client itself; it connects with its first request."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None

    async def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by their names in small letters, and body.

        OSError, EOFError or ValueError if no whole answer comes.
        """
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(*self._where)
            reader, writer = self._streams
            writer.write(f"GET {path} HTTP/1.1\r\n{self._head}\r\n".encode())
            status, headers = _read_head(await reader.readuntil(b"\r\n\r\n"))
            body = await reader.readexactly(int(headers.get("content-length", "0")))
        except BaseException:
            self.close()  # what is left of this answer must not be taken for the next one
            raise
        if headers.get("connection", "").lower() == "close":
            self.close()
        return status, headers, body

    async def timed(self, path: str, answers: Answers, began: float | None = None) -> int:
        """Ask, and count the answer among these; `began` if it was due before now."""
        began = time.perf_counter() if began is None else began
        try:
            async with asyncio.timeout(PATIENCE):
                status, headers, _ = await self.get(path)
        except (OSError, EOFError, ValueError):
            status, headers = FAILED, {}
        seconds = time.perf_counter() - began
        answers.add(status, seconds, retry_after="retry-after" in headers)
        return status


def _read_head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return int(first.split(" ", 2)[1]), {name.lower(): value.strip() for name, _, value in pairs}


async def closed_loop(
    make: Callable[[], Client],
    paths: Sequence[str],
    *,
    clients: int,
    requests: int,
    pause_when_refused: float = 0.0,
) -> Answers:
    """So many requests by so many clients, each without a pause; the paths in turn.

    `pause_when_refused` seconds after a 503 make them clients that heed Retry-After.
    """
    answers, numbers = Answers(), count()

    async def ask() -> None:
        async with make() as client:
            while (number := next(numbers)) < requests:
                status = await client.timed(paths[number % len(paths)], answers)
                if status == HTTPStatus.SERVICE_UNAVAILABLE:
                    await asyncio.sleep(pause_when_refused)

    began = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(clients)))
    answers.elapsed = time.perf_counter() - began
    return answers


async def open_loop(
    make: Callable[[], Client], paths: Sequence[str], *, rate: float, seconds: float
) -> Answers:
    """`rate` requests begin in each second, evenly, over connections that are free or new."""
    answers = Answers()
    free: list[Client] = []
    made: list[Client] = []

    async def ask(path: str, due: float) -> None:
        if free:
            client = free.pop()
        else:
            client = make()
            made.append(client)
        await client.timed(path, answers, due)
        free.append(client)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.create_task(ask(paths[number % len(paths)], due))
    answers.elapsed = time.perf_counter() - began
    for client in made:
        client.close()
    return answers


async def watch(client: Client, path: str, answers: Answers, *, pause: float) -> None:
    """Ask the same again and again until cancelled, with a pause (s) in between."""
    async with client:
        while True:
            await client.timed(path, answers)
            await asyncio.sleep(pause)
