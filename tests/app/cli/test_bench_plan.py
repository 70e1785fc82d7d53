"""A region of 1,000 needs and 10,000 partners, every pair of them, is planned in a minute."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MAIN = "from app.cli import main; main()"


@pytest.mark.slow
@pytest.mark.alone
def test_every_pair_of_a_region_is_planned_in_a_minute_and_two_gigabytes() -> None:
    """With all the fairness there is, which takes the longest."""
    command = ["bench", "plan", "--fairness", "1", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *command], cwd=ROOT, check=True, capture_output=True
    )
    (problem,) = json.loads(done.stdout)["problems"].values()
    assert problem["report"]["pairs"] > 7_000_000
    assert problem["seconds"] < 60
    assert problem["peak_mb"] < 2000
