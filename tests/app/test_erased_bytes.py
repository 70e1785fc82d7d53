"""The real service in its own process: after an erasure no byte of the person is left anywhere."""

import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from app.cli import app
from app.db import Database
from app.jobs.embedding import embed_pending, pending_texts
from app.services.keys import create_key
from app.settings import Settings
from matching.encoders import make_encoder
from models import Embedding, MatchRun, Need, Partner, Role
from tests.app.persons import (
    MARKS,
    ORCID,
    Stored,
    all_marks,
    files_under,
    found_in,
    store_person,
)

KNOWN = re.compile(r"enmusubi\.db(-wal|-shm)?|erasures\.jsonl|secret\.key|server\.log")
"""Every file that the program may have left in its data folder, see `app.privacy_files`."""


@dataclass
class Server:
    """The service in a process of its own."""

    address: str
    key: str
    log: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    def ask(self, path: str, body: Any = None) -> tuple[int, str]:
        """Status and text of an answer."""
        request = urllib.request.Request(
            self.address + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def stop(self) -> None:
        """End it as an operator does."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)


@pytest.fixture
def stored(database: Database) -> Stored:
    with database.writing() as session:
        found = store_person(session)
        session.get_one(Need, found.need).excluded_evidence = []
    encoder = make_encoder("hashing")
    embed_pending(database, encoder, pending_texts(database, encoder))
    return found


def start(database: Database, folder: Path) -> Server:
    """A server that answers, with a coordinator's key."""
    with database.writing() as session:
        _, key = create_key(session, name="coordinator", role=Role.COORDINATOR)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "server.log"
    root = Path(__file__).resolve().parents[2]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from app.cli import main; main()",
                "serve",
                "--port",
                str(port),
            ],
            env=os.environ | {"PYTHONPATH": str(root)},
            cwd=folder,
            stdout=file,
            stderr=file,
        )
    server = Server(f"http://127.0.0.1:{port}", key, log, process)
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            if server.ask("/readyz")[0] == 200:
                return server
        except urllib.error.URLError:
            pass
        time.sleep(0.1)
    process.kill()
    raise AssertionError(log.read_text())


@pytest.fixture
def server(settings: Settings, database: Database, stored: Stored) -> Iterator[Server]:
    made = start(database, settings.data_dir)
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.wait()


def exercise(server: Server, stored: Stored) -> None:
    """Requests that bring the person's data into caches, kept lists and the log."""
    assert MARKS[2] in server.ask("/v1/match", {"text": "peel oil by steam", "top": 5})[1]
    assert server.ask(f"/v1/needs/{stored.need}/match-runs", {})[0] == 201
    assert MARKS[0] in server.ask(f"/v1/needs/{stored.need}/matches?explain=full")[1]
    assert server.ask(f"/v1/partners/{stored.partner}/matches")[0] == 200
    assert server.ask(f"/v1/partners/{stored.partner}/capabilities")[0] == 200
    assert (
        server.ask("/v1/partners", {"kind": "researcher", "name_en": MARKS[2], "orcid": ORCID})[0]
        == 409
    )
    assert server.ask("/v1/partners", {"kind": MARKS[2], "name_ja": MARKS[0]})[0] == 422
    if importlib.util.find_spec("app.log_format"):  # cuts the query off
        assert MARKS[4] in server.ask(f"/v1/partners?name={quote(MARKS[0])}")[1]
        assert MARKS[4] in server.ask(f"/v1/partners?external_id={quote(MARKS[4])}")[1]


@pytest.mark.slow
def test_nothing_is_left_and_the_running_service_shows_nobody(
    settings: Settings, database: Database, stored: Stored, server: Server
) -> None:
    exercise(server, stored)
    with database.reading() as session:
        vectors = [v for v in session.scalars(select(Embedding.vector)) if v]
        assert MARKS[2] in session.scalars(select(Partner.name_en)).all()
        assert len(session.scalars(select(MatchRun)).all()) == 2

    result = CliRunner().invoke(app, ["person", "erase", ORCID, "--yes"])
    assert result.exit_code == 0, result.output
    assert "No byte is left" in result.output

    for path in (f"/v1/needs/{stored.need}/matches?explain=full", "/v1/partners"):
        status, text = server.ask(path)
        assert status == 200
        assert not [mark for mark in MARKS if mark in text]
    assert server.ask(f"/v1/partners/{stored.partner}/matches")[0] == 404
    assert "Ms Other" in server.ask("/v1/match", {"text": "shared work", "top": 5})[1]
    server.stop()

    with database.reading() as session:
        kept = set(session.scalars(select(Embedding.vector)))
    database.engine.dispose()
    gone = {f"vector {n}": v for n, v in enumerate(vectors) if v not in kept}
    assert gone
    files = files_under(settings.data_dir)
    assert found_in(files, all_marks() | gone) == []
    assert [name for name in files if not KNOWN.fullmatch(name)] == []
    assert b"POST /v1/match" in files["server.log"]
