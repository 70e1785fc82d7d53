import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import audit_chain, db
from app.audit_chain import Draft
from app.auditing import acting, shown
from app.batching import Batches
from app.contexts import SYSTEM
from app.db import Database
from app.errors import Problem
from app.services.audit_verification import verify
from models import AuditEntry, ObjectKind
from models.base import new_id

READERS = 12
SOON = 30.0


def _all_but_first_wait(batches: Batches[int], work: "Slow") -> list[BaseException | None]:
    """The first is at work until all others have come; what each of them got."""
    with ThreadPoolExecutor(READERS) as pool:
        first = pool.submit(batches.do, [0], work)
        assert work.begun.wait(SOON)
        others = [pool.submit(batches.do, [number, -number], work) for number in range(1, READERS)]
        while len(batches._waiting) < READERS - 1:
            threading.Event().wait(0.001)
        work.go_on.set()
        return [each.exception(SOON) for each in [first, *others]]


class Slow:
    """Work that waits in its first batch, and notes all."""

    def __init__(self, error: Exception | None = None) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.batches: list[list[int]] = []
        self._error = error

    def __call__(self, items: Sequence[int]) -> None:
        self.batches.append(list(items))
        if len(self.batches) == 1:
            self.begun.set()
            assert self.go_on.wait(SOON)
        elif self._error is not None:
            raise self._error


def test_what_comes_while_one_works_goes_together() -> None:
    work = Slow()
    assert _all_but_first_wait(Batches(), work) == [None] * READERS
    first, second = work.batches
    assert first == [0]
    assert sorted(second[::2]) == list(range(1, READERS))
    assert [-number for number in second[::2]] == second[1::2]  # what one brought stays together


def test_what_is_raised_is_raised_in_each_of_the_batch_alone() -> None:
    error = RuntimeError("disk full")
    batches: Batches[int] = Batches()
    found = _all_but_first_wait(batches, Slow(error))
    assert found[0] is None
    assert found[1:] == [error] * (READERS - 1)
    done: list[int] = []
    batches.do([7], done.extend)  # the next one is not touched by it
    assert done == [7]


def _read(database: Database, need_id: object) -> None:
    with database.reading(SYSTEM) as session:
        acting(session, None)
        shown(session, ObjectKind.NEED, [need_id])  # type: ignore[list-item]


def _logged(session: Session) -> set[object]:
    return set(session.scalars(select(AuditEntry.object_id)))


def test_each_reading_is_in_the_log_before_it_ends(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[int] = []
    append = audit_chain.append

    def counted(session: Session, drafts: Sequence[Draft]) -> None:
        commits.append(len(drafts))
        append(session, drafts)

    monkeypatch.setattr(db, "append", counted)
    start = threading.Barrier(READERS)

    def read_and_look(_: int) -> bool:
        need_id = new_id()
        start.wait(SOON)
        _read(database, need_id)
        with database.reading(SYSTEM) as session:
            return need_id in _logged(session)

    with ThreadPoolExecutor(READERS) as pool:
        assert all(pool.map(read_and_look, range(READERS)))
    assert sum(commits) == READERS
    with database.reading(SYSTEM) as session:
        verdict = verify(session)
    assert (verdict.entries, verdict.fault) == (READERS, None)


def test_no_reading_ends_well_while_the_log_cannot_be_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(session: Session, drafts: Sequence[Draft]) -> None:
        raise OperationalError("INSERT", {}, Exception("disk I/O error"))

    monkeypatch.setattr(db, "append", failing)
    with ThreadPoolExecutor(READERS) as pool:
        ends = [pool.submit(_read, database, new_id()).exception for _ in range(READERS)]
        found = [end(SOON) for end in ends]
    assert all(isinstance(error, Problem) and error.status == 503 for error in found)
