"""Workers share the embedding through the queue."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from app.contexts import SYSTEM
from app.db import Database
from app.jobs import embedding, queue
from app.jobs.claims import Claims
from app.jobs.embedding import embed_pending, pending_texts
from app.jobs.queue import SCHEMA, Shared, share, work
from matching.encoders import make_encoder
from tests.app.jobs.killing import work_until
from tests.app.jobs.test_bulk_killed import Counting, make_texts, vectors

TEXTS = 24


@pytest.fixture
def encoder(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counting:
    """Of a database with texts that are given out in six jobs, two chunks each."""
    monkeypatch.setattr(queue, "SHARE", 4)
    monkeypatch.setattr(embedding, "CHUNK", 2)
    make_texts(database, TEXTS)
    return Counting(tmp_path / "counts")


def jobs(database: Database) -> list[str]:
    """The states of the jobs that are kept, but for those that look after the others."""
    with database.reading(SYSTEM) as session:
        statement = f"SELECT status FROM {SCHEMA}.procrastinate_jobs WHERE task_name = 'embed'"
        return list(session.scalars(text(statement)))


def test_what_is_given_out_is_not_given_out_again(database: Database, encoder: Counting) -> None:
    assert share(database, encoder) == Shared(texts=TEXTS, jobs=6, waiting=0)
    assert share(database, encoder) == Shared(texts=0, jobs=0, waiting=6)
    told: list[str] = []
    work(database, encoder, until_done=True, told=told.append)
    assert len(told) == 6
    assert jobs(database) == []
    assert vectors(database) == TEXTS
    assert set(encoder.counts.values()) == {1}
    assert share(database, encoder) == Shared(texts=0, jobs=0, waiting=0)


def test_nothing_is_given_out_by_a_transaction_that_fails(
    database: Database, encoder: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "reached", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        share(database, encoder)
    assert jobs(database) == []


def test_two_do_not_claim_one_text(database: Database) -> None:
    hashing = make_encoder("hashing")
    with Claims.of(database, hashing) as one, Claims.of(database, hashing) as other:
        with one.claimed(["a", "b"]) as first, other.claimed(["b", "c"]) as second:
            assert set(first) == {"a", "b"}
            assert set(second) == {"c"}
        with other.claimed(["b", "c"]) as third:
            assert set(third) == {"b", "c"}


@pytest.mark.slow
def test_two_workers_and_the_service_share_a_list(database: Database, encoder: Counting) -> None:
    share(database, encoder)

    def one(_: int) -> None:
        assert work_until(database, None, lambda d: work(d, encoder, until_done=True)) is None

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(one, number) for number in range(2)]
        embed_pending(database, encoder, pending_texts(database, encoder))
        for worker in running:
            worker.result()
    assert vectors(database) == len(encoder.counts) == TEXTS
    assert set(encoder.counts.values()) == {1}
    assert jobs(database) == []


@pytest.mark.slow
@pytest.mark.parametrize("checkpoint", [1, 2, 3, 4, 9])
def test_a_killed_workers_job_is_taken_over(
    database: Database, encoder: Counting, checkpoint: int
) -> None:
    share(database, encoder)

    def job(database: Database) -> None:
        work(database, encoder, until_done=True, stalled_seconds=2)

    assert work_until(database, checkpoint, job) is not None
    assert "doing" in jobs(database)
    assert work_until(database, None, job) is None
    assert jobs(database) == []
    assert vectors(database) == len(encoder.counts) == TEXTS
    twice = [number for number in encoder.counts.values() if number > 1]
    assert len(twice) <= 2  # what was in flight
    assert max(encoder.counts.values()) <= 2


def test_ranges_hold_all_ids(database: Database, encoder: Counting) -> None:
    with database.reading(SYSTEM) as session:
        ranges = list(queue._ranges(session))
    assert len(ranges) == 6
    assert all(isinstance(first, UUID) and first <= last for first, last in ranges)
