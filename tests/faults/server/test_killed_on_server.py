"""The same on PostgreSQL."""

from pathlib import Path

import pytest

from app.db import Database
from tests.faults.killing import killed_and_started_again


@pytest.mark.slow
def test_killed_and_started_again(database: Database, tmp_path: Path) -> None:
    killed_and_started_again(database, tmp_path, rounds=(9,))
