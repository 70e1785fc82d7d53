"""`enmusubi serve` on SQLite is killed amid writes, while its log cannot be written."""

from pathlib import Path

import pytest

from app.db import Database
from tests.faults.killing import killed_and_started_again

pytestmark = pytest.mark.sqlite("tests/faults/server has the same on a server")


@pytest.mark.slow
def test_killed_and_started_again(database: Database, tmp_path: Path) -> None:
    killed_and_started_again(database, tmp_path, rounds=(7, 12))
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]
