"""/metrics of several processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.deploy.test_alerts import shown, value

ROOT = Path(__file__).resolve().parents[2]

GAUGE = """
import signal, sys
from app.metrics import INDEX_BUILT, REQUESTS_SHED
INDEX_BUILT.set(float(sys.argv[1]))
REQUESTS_SHED.inc()
print("set", flush=True)
signal.pause()
"""
"""A process that has a corpus of that moment."""


def test_a_process_that_died_is_forgotten_but_for_what_it_counted(
    staff: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "counts"
    folder.mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = []
    try:
        for moment in ("1", "2"):
            command = [sys.executable, "-c", GAUGE, moment]
            process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
            processes.append(process)
            assert process.stdout is not None
            assert process.stdout.readline() == b"set\n"
        name = "enmusubi_corpus_loaded_timestamp_seconds"
        assert value(shown(staff), name) == 1, "of the one that is behind"
        processes[0].kill()
        processes[0].wait()
        text = shown(staff)
        assert value(text, name) == 2
        assert value(text, "enmusubi_requests_shed_total") == 2
        assert "pid=" not in text
    finally:
        for process in processes:
            process.kill()
            process.communicate()
