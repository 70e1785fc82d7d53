"""Indexes are made while others write, and anew if their making was cut off."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from sqlalchemy import text

from app.contexts import SYSTEM
from app.db import Database
from app.services.vector_index_pg import SPEECHES, are_indexed, index_name, indexes
from tests.postgres.searching import ENCODER, add_texts, asked_of, index, made, opened

BUILDERS = text(
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND query LIKE 'CREATE INDEX CONCURRENTLY%' AND state = 'active'"
)


@contextmanager
def _held_up(database: Database) -> Iterator[tuple["Future[bool]", int]]:
    """The making of indexes while it waits for a transaction that wrote before, and its backend."""
    with ThreadPoolExecutor() as pool, database.writing(SYSTEM) as session:
        session.execute(text("LOCK TABLE passage_vectors IN ROW EXCLUSIVE MODE"))
        making = pool.submit(index, database)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not making.done():
            with database.engine.connect() as connection:
                backend = connection.scalar(BUILDERS)
            if backend is not None:
                yield making, backend
                return
            time.sleep(0.02)
        raise AssertionError("no index is being made")


def _state(database: Database) -> dict[str, bool]:
    with database.reading(SYSTEM) as session:
        return indexes(session)


def test_others_write_while_an_index_is_made(database: Database) -> None:
    add_texts(database, partners=20, each=2)
    with _held_up(database) as (making, _):
        add_texts(database, partners=20, each=2, seed=5)
        assert not making.done()
        assert not index(database)  # another process leaves it to the first one
    assert making.result(timeout=60)
    assert list(_state(database).values()) == [True] * len(SPEECHES)
    both = opened(database)
    assert both.stored.filled.all()
    assert both.missed(asked_of(made(1, seed=5)[0]), both.among, 40) == (0, 40)


def test_an_index_that_was_cut_off_is_made_anew(database: Database) -> None:
    add_texts(database, partners=20, each=2)
    with _held_up(database) as (making, backend):
        with database.engine.connect() as connection:
            # As a server that is killed leaves it, or an administrator.
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": backend})
        assert making.result(timeout=60) is False
    assert _state(database) == {index_name(ENCODER.id, 0): False}
    with database.reading(SYSTEM) as session:
        assert not are_indexed(session, ENCODER.id)

    assert index(database)

    assert list(_state(database).values()) == [True] * len(SPEECHES)
    both = opened(database)
    assert both.missed(asked_of(made(1, seed=5)[0]), both.among, 20) == (0, 20)


def test_indexes_of_other_encoders_are_dropped(database: Database) -> None:
    add_texts(database, partners=2, each=1)
    assert index(database)
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE INDEX hnsw_passage_vectors_0000_1 ON passage_vectors (capability_id)"
        )
    assert index(database)
    assert sorted(_state(database)) == [index_name(ENCODER.id, speech) for speech in SPEECHES]


def test_a_search_uses_the_index_however_often_it_is_asked(database: Database) -> None:
    """A statement prepared for any encoder could not use the index of one."""
    add_texts(database, partners=60, each=2)
    assert index(database)
    both = opened(database)
    before = _scans(database)
    for query in made(12, seed=3):
        both.stored.nearest(asked_of(query), both.among, 1)
    deadline = time.monotonic() + 30  # the server counts with some delay
    while _scans(database) < before + 12 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _scans(database) >= before + 12


def _scans(database: Database) -> int:
    with database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
        return int(
            connection.scalar(
                text(
                    "SELECT sum(idx_scan) FROM pg_stat_user_indexes"
                    " WHERE indexrelname LIKE 'hnsw_passage_vectors%'"
                )
            )
            or 0
        )
