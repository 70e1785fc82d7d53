"""A process that is killed while it saves a snapshot leaves nothing that is believed by mistake."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from app.db import Database
from app.jobs import checkpoints
from app.jobs.checkpoints import reached
from app.services.corpus import CorpusCache
from app.settings import Settings
from matching.encoders.hashing import HashingEncoder
from tests.app.jobs.killing import work_until
from tests.app.services.test_corpus_following import held
from tests.app.services.test_snapshots import (
    add,
    filled,
    folder,
    load,
    no_rows,
    process,
    save,
    saved,
)

__all__ = ["filled", "folder", "no_rows"]


def check(database: Database, settings: Settings, folder: Path, where: str) -> None:
    """A start serves the right lists, and the next save leaves one snapshot and nothing else."""
    anew = load(CorpusCache(HashingEncoder(), inline=1000), database)
    corpora = process(settings)
    found = load(corpora, database)
    assert held(found.corpus) == held(anew.corpus), where
    corpora._since = float("-inf")
    if corpora.wants_build:
        corpora.rebuild(database)
    assert len(saved(folder)) == 1, where
    home = saved(folder)[0].parent
    assert list(home.iterdir()) == saved(folder), where


def test_killed_at_each_step(filled: Database, settings: Settings, folder: Path) -> None:
    def work(database: Database) -> None:
        corpora = process(settings)
        load(corpora, database)
        corpora._since = float("-inf")
        corpora.rebuild(database, reached=reached)

    save(filled, settings)
    where = []
    for number in range(1, len(checkpoints.SNAPSHOT) + 1):
        add(filled)  # so that a newer snapshot takes the place of an older one
        name = work_until(filled, number, work)
        assert name is not None
        where.append(name)
        check(filled, settings, folder, name)
    assert tuple(where) == checkpoints.SNAPSHOT


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_killed_while_files_are_written(
    filled: Database, settings: Settings, folder: Path, call: str
) -> None:
    def die(*_: Any, **__: Any) -> None:
        os.write(1, b"")
        os.kill(os.getpid(), signal.SIGKILL)

    def work(database: Database) -> None:
        corpora = process(settings)
        load(corpora, database)
        corpora._since = float("-inf")
        if call == "fsync":
            os.fsync = die
        else:
            Path.rename = die  # type: ignore[method-assign, assignment]
        corpora.rebuild(database)

    save(filled, settings)
    add(filled)
    assert work_until(filled, 10**9, work) == ""  # killed at no checkpoint
    assert len(list(saved(folder)[0].parent.iterdir())) > 1  # a half one lies there
    check(filled, settings, folder, call)
