"""One runner at a time, and none that is waited for after its death."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.db import Database
from app.jobs.run_lock import run_lock


def test_the_second_runner_is_told(database: Database, tmp_path: Path) -> None:
    with run_lock(database, tmp_path) as first, run_lock(database, tmp_path) as second:
        assert (first, second) == (True, False)


def test_it_is_free_afterwards(database: Database, tmp_path: Path) -> None:
    for _ in range(2):
        with run_lock(database, tmp_path) as held:
            assert held


def test_it_is_free_after_an_error(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_lock(database, tmp_path):
        _ = 1 / 0
    with run_lock(database, tmp_path) as held:
        assert held


def test_another_data_folder_is_no_way_around(database: Database, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with run_lock(database, tmp_path), run_lock(database, elsewhere) as second:
        assert not second


HOLDER = """
import sys, time
from pathlib import Path
from app.db import Database
from app.jobs.run_lock import run_lock
with run_lock(Database.at(sys.argv[1]), Path(sys.argv[2])) as held:
    print(held, flush=True)
    time.sleep(60)
"""


def test_it_ends_with_its_process(database: Database, tmp_path: Path) -> None:
    url = str(database.engine.url)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, url, str(tmp_path)], stdout=subprocess.PIPE, env=environment
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        with run_lock(database, tmp_path) as held:
            assert not held
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with run_lock(database, tmp_path) as held:
        assert held
