"""Search by pgvector finds what the search in memory finds."""

from collections.abc import Iterator

import numpy as np
import pytest
from sqlalchemy import URL, delete, select
from sqlalchemy.exc import DBAPIError

from app.db import Database
from app.services import vector_search_pg as module
from app.services.vector_keys import Keys
from app.services.vector_search_pg import (
    AUTO_FROM,
    EDGE,
    FIRST_FETCH,
    FURTHEST,
    PgVectors,
    further,
    is_chosen,
    open_vectors,
)
from matching.vectors import Among, VectorIndex
from models import Capability, Embedding, PassageVector
from tests.postgres.searching import (
    DIMENSION,
    ENCODER,
    Both,
    Small,
    add_texts,
    asked_of,
    index,
    made,
    opened,
)
from tests.servers import SystemDatabase, new_database

PARTNERS, EACH = 250, 4


@pytest.fixture(scope="module")
def searched(server: URL, migrated: URL) -> Iterator[URL]:
    """A database with more texts than the first look into an index brings; not to be changed."""
    assert PARTNERS * EACH > 2 * FIRST_FETCH
    with new_database(server, str(migrated.database)) as url:
        database = _open(url)
        add_texts(database, partners=PARTNERS, each=EACH)
        assert index(database)
        database.engine.dispose()
        yield url


def _open(url: URL) -> SystemDatabase:
    return SystemDatabase.at(url.render_as_string(hide_password=False))


@pytest.fixture(scope="module")
def both(searched: URL) -> Iterator[Both]:
    """Its texts."""
    database = _open(searched)
    yield opened(database)
    database.engine.dispose()


@pytest.fixture
def filled(server: URL, searched: URL, both: Both) -> Iterator[Database]:
    """A copy of it, to be changed."""
    both.stored.database.engine.dispose()  # nobody may use what is copied
    with new_database(server, str(searched.database)) as url:
        database = _open(url)
        yield database
        database.engine.dispose()


def test_the_nearest_partners_are_those_of_memory(both: Both) -> None:
    for share in (1.0, 0.6, 0.1, 0.02):
        among = both.allowing(np.random.default_rng(3).random(PARTNERS) < share)
        counts = [both.missed(asked_of(q), among, 50) for q in made(10, seed=9)]
        missed, all_of_them = (sum(count) for count in zip(*counts, strict=True))
        assert missed <= 0.02 * all_of_them, f"{missed} of {all_of_them} at {share}"


def test_a_walk_through_the_index_finds_them_too(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.vector_search_pg.STEP", 0)  # so few would be compared all
    monkeypatch.setattr("app.services.vector_search_pg.FIRST_FETCH", 20)
    for share, wanted in ((1.0, 20), (1.0, 200), (0.1, 20)):
        among = both.allowing(np.random.default_rng(3).random(PARTNERS) < share)
        counts = [both.missed(asked_of(q), among, wanted) for q in made(10, seed=9)]
        missed, all_of_them = (sum(count) for count in zip(*counts, strict=True))
        assert missed <= 0.02 * all_of_them, f"{missed} of {all_of_them} at {share}"


def test_a_walk_goes_further_in_a_large_index(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph meets some of the nearest late: what was enough is not where the walk ends."""
    monkeypatch.setattr(module, "STEP", 0)  # so few would be compared all
    monkeypatch.setattr(module, "FIRST_FETCH", 20)
    noted: list[int] = []
    note = module._Search._note

    def counting(search: module._Search, ids: np.ndarray, *others: np.ndarray) -> None:
        noted.append(len(ids))
        note(search, ids, *others)

    monkeypatch.setattr(module._Search, "_note", counting)

    def length(large: int) -> int:
        noted.clear()
        monkeypatch.setattr(module, "FURTHER_EACH", large)
        assert both.missed(asked_of(made(1, seed=9)[0]), both.among, 5)[0] == 0
        return sum(noted)

    texts = PARTNERS * EACH
    assert [further(number) for number in (0, texts, 2 * texts, 10**9)] == [1, 1, 1, FURTHEST]
    enough = length(large=texts)
    assert length(large=texts // 4) >= 2 * enough, "of each kind's index a quarter or more"


def test_all_partners_are_found_if_all_are_wanted(both: Both) -> None:
    found = both.stored.nearest(asked_of(made(1, seed=9)[0]), both.among, 10 * PARTNERS)
    assert sorted(found.tolist()) == list(range(PARTNERS))


def test_cosines_and_vectors_are_those_of_the_rows(both: Both) -> None:
    query = made(1, seed=9)[0]
    rows = np.array([5, 0, 999, 5, 700, 701, 702, 703])
    assert np.array_equal(both.stored.at(rows), both.memory.at(rows))
    difference = both.stored.cosines(query, rows) - both.memory.cosines(query, rows)
    assert np.abs(difference).max() < EDGE / 2
    every = np.arange(len(both.ids))
    stored, true = both.stored.cosines(query, every), both.memory.cosines(query, every)
    best = both.stored.keys.best_of_each(every, true, 1)
    assert np.allclose(stored[best], true[best], atol=1e-6)
    few = both.stored.select(rows)
    assert isinstance(few, VectorIndex)
    assert few.vectors.shape == (len(rows), DIMENSION)


def test_texts_that_the_database_cannot_search_yet_are_searched_here(filled: Database) -> None:
    with filled.writing() as session:
        one, other = session.scalars(select(Capability).limit(2)).all()
        session.execute(
            delete(PassageVector).where(PassageVector.capability_id.in_([one.id, other.id]))
        )
        session.execute(delete(Embedding).where(Embedding.content_hash == other.content_hash))
        vector = np.frombuffer(
            session.get_one(Embedding, (one.content_hash, ENCODER.id)).vector or b"", "<f4"
        )
        keys = str(one.id), str(other.id)
    both = opened(filled)
    row, missing = (both.ids.index(key) for key in keys)
    assert both.stored.rest.tolist() == [row]
    assert both.stored.filled[[row, missing]].tolist() == [True, False]
    found = both.stored.nearest(asked_of(vector), both.among, 1)
    assert found.tolist() == [both.among.partner_of[row]]
    assert both.stored.cosines(vector, np.array([row]))[0] == pytest.approx(1)


def test_an_error_of_the_server_is_one_of_sqlalchemy(both: Both) -> None:
    """Which the service answers with 503."""
    with pytest.raises(DBAPIError), both.stored._connection() as driver:
        driver.execute("SELECT 1 / 0")


def test_a_large_part_stays_in_the_database(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.services.vector_search_pg.MANY", 100)
    rows = np.arange(PARTNERS * EACH)[::-1][: 4 * 200]
    part = both.stored.select(rows)
    assert isinstance(part, PgVectors)
    assert np.array_equal(part.at(np.arange(5)), both.memory.at(rows[:5]))
    among = Among(both.among.kind[rows], np.repeat(np.arange(200), 4), 200, np.ones(800, bool))
    memory = both.memory.select(rows)
    for query in made(5, seed=9):
        near = part.nearest(asked_of(query), among, 20)
        assert set(near) == set(memory.nearest(asked_of(query), among, 20))
    assert isinstance(both.stored.select(rows[:5]), VectorIndex)


def test_a_text_without_a_vector_is_never_near(filled: Database) -> None:
    with filled.writing() as session:
        (one,) = session.scalars(select(Capability).limit(1)).all()
        one.title_en = "Something else"
        one.content_hash = "f" * 64
        key = str(one.id)
    both = opened(filled)
    row = both.ids.index(key)
    assert not both.stored.filled[row]
    assert not both.stored.at(np.array([row])).any()
    alone = np.zeros(PARTNERS, bool)
    alone[both.among.partner_of[row]] = True
    among = both.allowing(alone)
    among.allowed[:] = False
    among.allowed[row] = True
    assert both.stored.nearest(asked_of(made(1, seed=9)[0]), among, 5).size == 0


def test_what_goes_after_the_search_was_opened_is_not_found(filled: Database) -> None:
    both = opened(filled)
    owner = int(both.among.partner_of[0])
    gone = [key for key, of in zip(both.ids, both.among.partner_of, strict=True) if of == owner]
    with filled.writing() as session:
        session.execute(delete(Capability).where(Capability.id.in_(gone)))
    query = both.memory.vectors[0]
    found = both.stored.nearest(asked_of(query), both.among, 2 * PARTNERS)
    assert owner not in found
    assert len(found) == PARTNERS - 1


def test_without_an_index_or_copies_it_is_left_to_memory(database: Database) -> None:
    add_texts(database, partners=2, each=1)
    with database.reading() as session:
        assert open_vectors(session, database, ENCODER, []) is None
    assert index(database)
    with database.reading() as session:
        assert open_vectors(session, database, ENCODER, []) is not None
        assert open_vectors(session, database, Small(64), []) is None


def test_who_searches_is_chosen() -> None:
    assert is_chosen("pgvector", 1)
    assert not is_chosen("memory", AUTO_FROM)
    assert is_chosen("auto", AUTO_FROM)
    assert not is_chosen("auto", AUTO_FROM - 1)


def test_ids_that_end_in_zeros_are_found() -> None:
    ids = ["0193a0b0-0000-7000-8000-000000000000", "0193a0b0-0000-7000-8000-000000000100"]
    keys = Keys.of(ids, ids, np.zeros(2, np.uint8))
    assert keys.rows(keys.ids).tolist() == [0, 1]
    assert ids[0].replace("-", "") in keys.id_literal(np.array([0])).as_string(None)
