"""The served process is killed amid writes, and started again."""

import json
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Lock
from uuid import UUID

from sqlalchemy import select

from app.db import Database
from app.services.keys import create_key
from models import Capability, Organisation, Role
from tests.app.asking import capability, grown, organisation
from tests.factories import make_partner
from tests.faults.processes import PATIENCE, service
from tests.faults.server.clusters import free_port

CLIENTS = 3


class Asking:
    """Clients that write two kinds of rows, and what was acknowledged."""

    def __init__(self, port: int, secret: str, partner: UUID) -> None:
        self.acknowledged: list[str] = []
        self.killed = Event()
        self._port, self._secret, self._partner = port, secret, partner
        self._lock = Lock()
        self._sent = 0

    def work(self) -> None:
        """Until the service is gone."""
        while not self.killed.is_set():
            with self._lock:
                self._sent += 1
                name = f"row {self._port} {self._sent}"
            try:
                if self._sent % 2:
                    self._post("/v1/organisations", organisation(name_en=name))
                else:
                    row = capability(title_en=name)
                    self._post(f"/v1/partners/{self._partner}/capabilities", row)
            except (OSError, urllib.error.URLError):
                assert self.killed.wait(PATIENCE), "it broke by itself"
                return
            self.acknowledged.append(name)

    def _post(self, path: str, body: object) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{path}",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._secret}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            assert answer.status == 201


def killed_and_started_again(database: Database, folder: Path, *, rounds: Sequence[int]) -> None:
    """All that was acknowledged is there once, and what was not, at most once.

    `rounds`: after how many acknowledged writes it is killed each time.
    """
    with database.writing() as session:
        _, secret = create_key(session, name="coordinator", role=Role.COORDINATOR)
        partner = make_partner(session).id
    acknowledged: list[str] = []
    for enough in rounds:
        port = free_port()
        asking = Asking(port, secret, partner)
        with service(folder, port) as process, ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(asking.work) for _ in range(CLIENTS)]
            try:
                grown(asking.acknowledged, enough, PATIENCE)
            finally:
                asking.killed.set()
                process.kill()
            for client in clients:
                client.result()
        acknowledged += asking.acknowledged
    with database.reading() as session:
        there = Counter(session.scalars(select(Organisation.name_en)))
        there.update(session.scalars(select(Capability.title_en)))
    rows = Counter({name: n for name, n in there.items() if (name or "").startswith("row ")})
    assert set(acknowledged) <= set(rows)
    assert set(rows.values()) == {1}
    assert len(rows) <= len(acknowledged) + len(rounds) * CLIENTS
