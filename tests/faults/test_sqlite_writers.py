"""Four processes write to one SQLite file at once, and one of them is killed."""

from collections import Counter
from pathlib import Path
from subprocess import DEVNULL

import pytest
from sqlalchemy import func, select

from app.db import Database
from app.services.keys import create_key
from models import Organisation, Role
from tests.app.asking import eventually, grown
from tests.faults.processes import COMMAND, PATIENCE, Writer, start

pytestmark = [pytest.mark.slow, pytest.mark.sqlite("four writers of one file")]

IMPORTED = 1000
EACH = 10
"""Acknowledged writes of each process at least after the others are gone."""


def _count(database: Database, pattern: str) -> int:
    with database.reading() as session:
        like = Organisation.name_en.like(pattern)
        return session.scalar(select(func.count()).where(like)) or 0


def test_four_writers(database: Database, tmp_path: Path) -> None:
    with database.writing() as session:
        _, secret = create_key(session, name="coordinator", role=Role.COORDINATOR)
    names = [f"imported-{number}" for number in range(IMPORTED)]
    rows = "".join(f"{name},company,{name}\n" for name in names)
    (tmp_path / "organisations.csv").write_text("id,kind,name_en\n" + rows)

    writers = [Writer(tmp_path, f"writer{number}", secret) for number in range(3)]
    importing = start([*COMMAND, "import", "organisations.csv"], tmp_path, stdout=DEVNULL)
    try:
        eventually(lambda: all(writer.lines for writer in writers), PATIENCE)
        eventually(lambda: _count(database, "imported-%") > 0, PATIENCE)
        answers = writers[0].end(killed=True)
        assert importing.wait(PATIENCE) == 0
        for writer in writers[1:]:
            grown(writer.lines, EACH, PATIENCE)
            answers += writer.end()
    finally:
        for writer in writers:
            writer.abandon()
        importing.kill()
        importing.wait()

    assert {status for status, _ in answers} == {"201"}, "no database is locked"
    with database.reading() as session:
        there = Counter(session.scalars(select(Organisation.name_en)))
    stored = {name for _, name in answers}
    assert stored | set(names) <= set(there), "what was acknowledged is there"
    assert set(there.values()) == {1}
    assert len(there) <= len(stored) + IMPORTED + 3, "of the killed one at most one a thread"
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]
        assert not connection.exec_driver_sql("PRAGMA foreign_key_check").all()
