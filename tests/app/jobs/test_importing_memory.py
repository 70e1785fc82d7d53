"""An import's memory does not grow with what is imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.settings import Settings
from tests.app.jobs.test_importing import write_people

pytestmark = [pytest.mark.slow, pytest.mark.alone]

PROGRAM = """
import resource, sys
from datetime import date
from pathlib import Path
from app.db import Database
from app.jobs.embedding import embed_pending, pending_texts
from app.jobs.importing import store
from data import importers
from matching.encoders import make_encoder

database = Database.at(sys.argv[1])
store(database, importers.stream(Path(sys.argv[2])), set_name="x", today=date(2026, 11, 1))
encoder = make_encoder("hashing")
embed_pending(database, encoder, pending_texts(database, encoder))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def _peak_mib(settings: Settings, file: Path) -> int:
    """Of a process that imports a file and embeds it."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, settings.url, str(file)],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        check=True,
        text=True,
    )
    return int(done.stdout)


def test_memory_stays_bounded(settings: Settings, tmp_path: Path) -> None:
    """Ten times the records, 24 MB more of text, and hardly more memory."""
    few, many = tmp_path / "few_people.jsonl", tmp_path / "many_people.jsonl"
    write_people(few, partners=50, pieces=20, words=400)
    write_people(many, partners=500, pieces=20, words=400)
    assert many.stat().st_size > 25_000_000
    before = _peak_mib(settings, few)
    assert _peak_mib(settings, many) < before + 25
