"""Processes of ours as they are run: commands, the service, and writers beside it."""

import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300
COMMAND = (sys.executable, "-c", "from app.cli import main; main()")


def start(command: Sequence[str], folder: Path, **options: Any) -> subprocess.Popen[Any]:
    """A process in a folder, with our sources."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    return subprocess.Popen(command, cwd=folder, env=environment, **options)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of ours, to its end."""
    process = start(
        [*COMMAND, *arguments], folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    output, errors = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)


@contextmanager
def service(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The service, whose log goes to a disk that is full; killed at the end of the block."""
    with Path("/dev/full").open("wb") as full:
        process = start([*COMMAND, "serve", "--port", str(port)], folder, stdout=full, stderr=full)
        try:
            deadline = time.monotonic() + PATIENCE
            while not _alive(port):
                assert process.poll() is None, "the service did not start"
                assert time.monotonic() < deadline, "the service never answered"
                time.sleep(0.05)
            yield process
        finally:
            process.kill()
            process.wait()


def _alive(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Writer:
    """A process of `tests.faults.writer`, and the lines that it has printed."""

    def __init__(self, folder: Path, name: str, secret: str) -> None:
        command = [sys.executable, "-m", "tests.faults.writer", name, secret]
        pipe = subprocess.PIPE
        self.process = start(
            command, folder, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,))
        self._reader.start()

    def _read(self, output: IO[str]) -> None:
        with output:
            for line in iter(output.readline, ""):
                if line.endswith("\n"):  # the last of one that is killed may be cut
                    self.lines.append(line.strip())

    def abandon(self) -> None:
        """End it in any case."""
        self.process.kill()
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait()
        self._reader.join()

    def end(self, *, killed: bool = False) -> list[tuple[str, str]]:
        """Let it finish, or kill it; status and name of all that it was answered."""
        if killed:
            self.process.kill()
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == (-9 if killed else 0)
        self._reader.join()
        return [(status, name) for status, _, name in (li.partition(" ") for li in self.lines)]
