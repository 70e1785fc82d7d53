"""The service is killed while it records readings in groups: what was shown is in the log."""

import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from uuid import UUID

import pytest
from sqlalchemy import func, select

from app.contexts import SYSTEM
from app.db import Database
from app.services.audit_verification import verify
from app.services.keys import create_key
from models import AuditEntry, AuditEvent, Role
from tests.app.asking import grown
from tests.factories import make_need, make_organisation
from tests.faults.processes import PATIENCE, service
from tests.faults.server.clusters import free_port

CLIENTS = 8


class Reading:
    """Clients that read needs all the time, and what they were shown."""

    def __init__(self, port: int, secret: str, needs: list[UUID]) -> None:
        self.shown: list[UUID] = []
        self.killed = Event()
        self._port, self._secret, self._needs = port, secret, needs

    def work(self, client: int) -> None:
        """Until the service is gone."""
        number = client
        while not self.killed.is_set():
            number += 1
            need = self._needs[number % len(self._needs)]
            request = urllib.request.Request(
                f"http://127.0.0.1:{self._port}/v1/needs/{need}",
                headers={"Authorization": f"Bearer {self._secret}"},
            )
            try:
                with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                    assert b"Canary of the brief" in answer.read()
            except OSError:
                assert self.killed.wait(PATIENCE), "it broke by itself"
                return
            self.shown.append(need)


@pytest.mark.slow
def test_what_was_shown_is_in_the_log(database: Database, tmp_path: Path) -> None:
    with database.writing(SYSTEM) as session:
        _, secret = create_key(session, name="coordinator", role=Role.COORDINATOR)
        home = make_organisation(session)
        needs = [
            make_need(session, organisation_id=home.id, brief_en="Canary of the brief").id
            for _ in range(3)
        ]
    shown: Counter[UUID] = Counter()
    for enough in (40, 75):
        port = free_port()
        reading = Reading(port, secret, needs)
        with service(tmp_path, port) as process, ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(reading.work, number) for number in range(CLIENTS)]
            try:
                grown(reading.shown, enough, PATIENCE)
            finally:
                reading.killed.set()
                process.kill()
            for client in clients:
                client.result()
        shown.update(reading.shown)
        with database.reading(SYSTEM) as session:
            entries = (
                select(AuditEntry.object_id, func.count())
                .where(AuditEntry.event == AuditEvent.READ.value)
                .group_by(AuditEntry.object_id)
            )
            recorded = Counter({need: number for need, number in session.execute(entries) if need})
            assert verify(session).fault is None
        assert shown <= recorded
        # A kill may come between the entry and the answer, once for each client.
        assert recorded.total() <= shown.total() + 2 * CLIENTS
    assert shown.total() >= 40 + 75
