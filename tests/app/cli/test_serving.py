"""`enmusubi serve` by several processes."""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from tests.app.asking import eventually
from tests.faults.processes import COMMAND, PATIENCE, start
from tests.faults.server.clusters import free_port


def _workers(parent: int) -> set[int]:
    """The processes that serve for this one."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return {int(child) for child in children if "spawn_main" in _command(child)}


def _command(process: str) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


@contextmanager
def _stopped(process: int) -> Iterator[None]:
    """It takes no connection for a while."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


class Service:
    """By two processes."""

    def __init__(self, process: subprocess.Popen[Any], port: int) -> None:
        self.process, self._port = process, port

    def ask(self, path: str, body: object = None, *, patience: float = PATIENCE) -> tuple[int, str]:
        """Status of an answer, and the policies of its rate limits."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=patience) as answer:
                return answer.status, answer.headers.get("RateLimit-Policy", "")
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("RateLimit-Policy", "")

    def answers(self) -> bool:
        """True if somebody does; who asks may have come to one that is stopped."""
        try:
            return self.ask("/healthz", patience=1)[0] == 200
        except OSError:
            return False

    def workers(self) -> list[int]:
        """Both, once each of them answers while the other cannot."""
        eventually(lambda: self.answers() and len(_workers(self.process.pid)) == 2, PATIENCE)
        first, second = sorted(_workers(self.process.pid))
        for idle in (first, second):
            with _stopped(idle):
                eventually(self.answers, PATIENCE)
        return [first, second]


@pytest.fixture
def service(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Service]:
    monkeypatch.setenv("ENMUSUBI_RATE_LIMITS", "true")
    monkeypatch.setenv("ENMUSUBI_RATE_LIMIT_SIGN_IN", "4/hour")
    port = free_port()
    command = [*COMMAND, "serve", "--port", str(port), "--workers", "2"]
    with (tmp_path / "log").open("wb") as log:
        process = start(command, tmp_path, stdout=log, stderr=log, start_new_session=True)
        try:
            yield Service(process, port)
        finally:
            for each in (*_workers(process.pid), process.pid) if process.poll() is None else ():
                os.kill(each, signal.SIGKILL)
            process.wait()


@pytest.mark.slow
def test_two_processes_stand_in_for_each_other(service: Service) -> None:
    first, second = service.workers()

    # Four attempts in all, two at each: more processes give nobody more passwords to try out.
    tries = [
        service.ask("/v1/session", {"email": "nobody@example.jp", "password": "a guess, no more"})
        for _ in range(12)
    ]
    statuses = [status for status, _ in tries]
    assert set(statuses) == {401, 429}
    assert 2 <= statuses.count(401) <= 4
    assert all('"sign-in";q=2;w=3600' in policies for _, policies in tries)

    os.kill(first, signal.SIGKILL)
    eventually(service.answers, PATIENCE)
    eventually(lambda: len(_workers(service.process.pid) - {first, second}) == 1, PATIENCE)
    there = service.workers()
    assert second in there
    assert first not in there

    service.process.terminate()
    assert service.process.wait(PATIENCE) == 0
    assert [worker for worker in there if "spawn_main" in _command(str(worker))] == []
