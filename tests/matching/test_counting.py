"""Words counted by the thousand are those counted one by one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import counting
from matching.counted import Counted
from matching.counting import count_texts
from matching.lexical import count_terms
from matching.phrases import keys_of
from tests.matching.factories import repeatable, texts

LIST = "surimi; gel; robot; sensor; koji; brewing; enzyme; valve; pump; filter"


def said(counted: Counted) -> list[tuple[dict[str, int], list[int], float]]:
    ends = counted.term.ends
    return [
        (
            {
                counted.words[number]: int(count)
                for number, count in zip(
                    counted.term.flat[ends[i] : ends[i + 1]],
                    counted.count[ends[i] : ends[i + 1]],
                    strict=True,
                )
            },
            counted.phrases.flat[counted.phrases.ends[i] : counted.phrases.ends[i + 1]].tolist(),
            float(counted.lengths[i]),
        )
        for i in range(len(counted))
    ]


@given(st.lists(texts | st.just(LIST), max_size=8), st.integers(1, 3))
@repeatable
def test_chunks_make_no_difference(some: list[str], size: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(counting, "CHUNK", size)
        done: list[int] = []
        found = count_texts(some, progress=done.append)
    expected = [count_terms(text) for text in some]
    assert said(found) == [
        (
            dict(zip(each.terms, each.counts, strict=True)),
            keys_of(each.phrases).tolist(),
            float(each.length),
        )
        for each in expected
    ]
    assert sum(done) == len(some)
    assert len(set(found.words)) == len(found.words)


@pytest.mark.slow
def test_processes_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "CHUNK", 2)
    some = [f"surimi gel {number} 冷凍すり身" for number in range(7)]
    one, two = count_texts(some), count_texts(some, processes=2)
    assert said(two) == said(one)
    assert two.words == one.words
    assert np.array_equal(two.listed.ends, one.listed.ends)


ENDLESS = """
import itertools
from matching.counting import count_texts
if __name__ == "__main__":
    count_texts((f"surimi gel {n}" for n in itertools.count()), processes=2, progress=print)
"""


@pytest.mark.slow
def test_processes_end_with_the_one_that_asked(tmp_path: Path) -> None:
    """Also if that is killed and can tell them nothing."""
    program = tmp_path / "endless.py"
    program.write_text(ENDLESS)
    command = [sys.executable, "-u", str(program)]
    path = {**os.environ, "PYTHONPATH": str(Path(counting.__file__).parents[1])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=path) as asking:
        assert asking.stdout is not None
        assert asking.stdout.readline()  # they are at work
        children = Path(f"/proc/{asking.pid}/task/{asking.pid}/children").read_text().split()
        workers = [child for child in children if "spawn_main" in _command(child)]
        asking.send_signal(signal.SIGKILL)
    assert workers
    until = time.monotonic() + 30
    while any(_command(worker) for worker in workers) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(_command(worker) for worker in workers)


def _command(process: str) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()  # nothing of one that has ended
    except OSError:
        return ""
