"""A served process is killed amid writes with keys: after repetitions each was carried out once."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event
from uuid import UUID

import pytest
from sqlalchemy import select

from app.db import Database
from app.idempotency import REPLAYED
from app.services.idempotency import ABANDONED_AFTER, FIELD
from app.services.keys import create_key
from app.settings import Settings
from models import IdempotentAnswer, Need, Role
from tests.app.asking import need

ROOT = Path(__file__).resolve().parents[2]
CLIENTS, ROUNDS = 4, 3


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def _served(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The service as it is run, killed at the end of the block at the latest."""
    command = [sys.executable, "-c", "from app.cli import main; main()"]
    process = subprocess.Popen(
        [*command, "serve", "--host", "127.0.0.1", "--port", str(port)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 120
        while not _alive(port):
            assert process.poll() is None, "the service did not start"
            assert time.monotonic() < deadline, "the service never answered"
            time.sleep(0.1)
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


def _post(port: int, secret: str, key: str) -> tuple[int, bytes, bool]:
    """Status, body, and whether it was answered before; OSError if the process dies."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/needs",
        data=json.dumps(need(title_en=key)).encode(),
        headers={
            "Authorization": f"Bearer {secret}",
            "Content-Type": "application/json",
            FIELD: key,
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read(), REPLAYED in answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), False


@pytest.mark.slow
def test_killed_amid_writes(
    settings: Settings, database: Database, company_id: str, tmp_path: Path
) -> None:
    with database.writing() as session:
        _, secret = create_key(
            session, name="company", role=Role.COMPANY, organisation_id=UUID(company_id)
        )
    port = _free_port()
    sent: list[str] = []
    answered: dict[str, bytes] = {}

    for turn in range(ROUNDS):
        with _served(tmp_path, port) as process, ThreadPoolExecutor(CLIENTS) as threads:
            killed = Event()

            def write(client: int, turn: int = turn, killed: Event = killed) -> None:
                for number in range(10_000):
                    key = f"{turn}-{client}-{number}"
                    if killed.is_set():
                        return
                    sent.append(key)
                    try:
                        status, body, _ = _post(port, secret, key)
                    except OSError:
                        return
                    assert status == 201
                    answered[key] = body

            clients = [threads.submit(write, client) for client in range(CLIENTS)]
            time.sleep(1 + 0.37 * turn)
            process.kill()
            killed.set()
            for client in clients:
                client.result()

    unanswered = set(sent) - answered.keys()
    assert answered
    assert unanswered, "it was killed when nothing was under way"
    with database.writing() as session:  # as if a while had passed
        for row in session.scalars(select(IdempotentAnswer)):
            row.created_at -= ABANDONED_AFTER + timedelta(seconds=1)

    with _served(tmp_path, port):
        for key in sent:
            status, body, replayed = _post(port, secret, key)
            assert status == 201, key
            if key in answered:
                assert replayed
                assert body == answered[key]
    with database.reading() as session:
        made = Counter(session.scalars(select(Need.title_en)))
    assert made == Counter(sent)
