"""There is no space left: nothing half is stored, reading goes on, and so does writing later."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, func, select

from app.db import Database
from models import Organisation
from tests.app.asking import get, organisation, problem
from tests.faults.processes import run

pytestmark = pytest.mark.sqlite("SQLite finds no space")

LONG = "x" * 200


class Limit:
    """How many pages the file may have; SQLite itself then finds no space for another."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pages = 1_000_000
        event.listen(database.engine, "connect", self._set)

    def _set(self, connection: object, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={self._pages}")  # type: ignore[attr-defined]

    def at(self, more: int) -> None:
        """So many pages more than there are now."""
        with self._database.engine.connect() as connection:
            found = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        self._pages = found + more
        self._database.engine.dispose()


def _fill(client: TestClient) -> int:
    """Write until there is no space; how many were stored."""
    for stored in range(10_000):
        answer = client.post("/v1/organisations", json=organisation(name_en=f"{stored} {LONG}"))
        if answer.status_code != 201:
            told = problem(answer, 507)
            assert "disk" in told["detail"]
            assert answer.headers["Retry-After"]
            return stored
    raise AssertionError("it is never full")


def _count(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Organisation)) or 0


def test_a_full_database(staff: TestClient, database: Database) -> None:
    limit = Limit(database)
    limit.at(4)
    stored = _fill(staff)
    assert _count(database) == stored
    assert len(get(staff, "/v1/organisations", limit=5)["items"]) == min(stored, 5)
    limit.at(1000)
    assert staff.post("/v1/organisations", json=organisation()).status_code == 201
    assert _count(database) == stored + 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of a few megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("A small disk cannot be mounted here.")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk(
    small_disk: Path, migrated_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small_disk / "enmusubi.db").write_bytes(migrated_file.read_bytes())
    monkeypatch.setenv("ENMUSUBI_DATA_DIR", str(small_disk))
    folder = small_disk.parent
    rows = "".join(f"o{number},company,{number} {LONG}\n" for number in range(3000))
    (folder / "organisations.csv").write_text("id,kind,name_en\n" + rows)
    database = Database.at(f"sqlite:///{small_disk / 'enmusubi.db'}")

    failed = run(folder, "import", "organisations.csv")
    assert failed.returncode == 2, failed.stdout
    assert "disk" in failed.stderr
    assert "full" in failed.stderr
    assert "Traceback" not in failed.stderr
    part = _count(database)
    assert 0 < part < 3000
    assert part % 200 == 0, "whole pieces"

    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    again = run(folder, "import", "organisations.csv")
    assert again.returncode == 0, again.stderr
    assert f"{3000 - part} new" in again.stdout
    assert _count(database) == 3000
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]
    database.dispose()


@pytest.mark.slow
def test_the_service_on_a_full_disk(
    small_disk: Path, staff: TestClient, database: Database
) -> None:
    """The same service as above, but the operating system refuses."""
    with closing(sqlite3.connect(str(database.engine.url.database))) as connection:
        connection.execute(f"VACUUM INTO '{small_disk}/enmusubi.db'")
    moved = Database.at(f"sqlite:///{small_disk}/enmusubi.db")
    staff.app.state.engines.database = moved  # type: ignore[attr-defined]
    ballast = small_disk / "ballast"
    size = os.statvfs(small_disk)
    with ballast.open("wb") as file:
        file.write(b"0" * (size.f_bavail * size.f_frsize - 400_000))
    stored = _fill(staff)
    assert _count(moved) == stored
    assert get(staff, "/v1/organisations", limit=1)["items"]
    ballast.unlink()
    assert staff.post("/v1/organisations", json=organisation()).status_code == 201
    assert _count(moved) == stored + 1
    moved.dispose()
