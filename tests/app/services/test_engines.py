"""Each request is given the engine of the encoder that serves."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.db import Database
from app.errors import Problem
from app.services import engines as service
from app.services.corpus import Engine
from app.services.encoders import ask_for, switch, wanted
from app.services.engines import Engines
from matching.encoders import WORDS_ONLY, EncoderError
from tests.app.encoders import FakeEncoder, embed, engines, fill, left, offered, right


def current(held: Engines) -> Engine:
    """What a request would be given now."""
    with held.database.reading() as session:
        return held.current(session)


def switch_to(database: Database, encoder: FakeEncoder) -> None:
    """As another process does."""
    embed(database, encoder, serves=False)
    with database.writing() as session:
        assert ask_for(session, offered(encoder)) or switch(session, encoder)


def test_a_process_follows_the_database_whatever_it_was_asked_for(database: Database) -> None:
    fill(database)
    embed(database, left())
    held = engines(database, left(), right())
    woken = threading.Event()
    held.on_missing = woken.set
    before = current(held)
    woken.clear()

    switch_to(database, right())
    after = current(held)

    assert (before.encoder.id, after.encoder.id) == (left().id, right().id)
    assert current(held) is after
    assert woken.is_set()  # so that the background loads the corpus, also if nobody asks
    assert before.need_scores is not after.need_scores


def test_a_request_from_before_the_switch_gets_one_consistent_engine(database: Database) -> None:
    fill(database)
    embed(database, left())
    held = engines(database, left(), right())
    with database.reading() as old:
        assert held.current(old).encoder.id == left().id
        switch_to(database, right())
        newer = current(held)
        assert held.current(old) is newer  # never back, as with the corpus
        assert newer.corpora.current(old).corpus.vectors.dimension == right().dimension


def test_each_encoder_ranks_with_a_model_of_its_own(database: Database) -> None:
    fill(database)
    embed(database, left())
    asked: list[str] = []
    held = engines(database, left(), right())
    original = held._model_of
    held._model_of = lambda key: asked.append(key) or original(key)  # type: ignore[func-returns-value]

    current(held)
    switch_to(database, right())
    current(held)

    assert asked == [left().id, right().id]


def test_an_encoder_that_cannot_be_made_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database)
    embed(database, left())
    held = engines(database, right())

    with pytest.raises(Problem, match="`enmusubi encoder status`") as refused:
        current(held)
    assert refused.value.status == 503

    known = left()
    held._make = lambda _: known
    with pytest.raises(Problem):
        current(held)  # not tried again at once
    monkeypatch.setattr(service, "RETRY_SECONDS", 0.0)
    assert current(held).encoder.id == known.id


def test_a_name_that_stands_for_another_encoder_by_now_is_not_taken_for_it(
    database: Database,
) -> None:
    fill(database)
    embed(database, left())
    newer = FakeEncoder("newer")
    held = engines(database, right())
    held._make = lambda _: newer

    with pytest.raises(Problem):
        current(held)


def test_until_a_change_is_done_words_must_do_where_the_encoder_is_gone(
    database: Database,
) -> None:
    fill(database)
    embed(database, left())
    held = engines(database, right())
    held.open()

    words = current(held)
    assert words.encoder.id == WORDS_ONLY
    assert not words.reads
    assert current(held) is words
    with database.reading() as session:
        assert words.corpora.current(session).corpus.pending == 0

    switch_to(database, right())
    assert current(held).encoder.id == right().id


def test_words_alone_are_no_way_to_stay(database: Database) -> None:
    fill(database)
    embed(database, left())
    held = engines(database, right())
    held.open()
    assert current(held).encoder.id == WORDS_ONLY

    with database.writing() as session:
        row = wanted(session)
        assert row is not None
        session.delete(row)

    with pytest.raises(Problem):
        current(held)


def test_a_prepared_engine_serves_with_its_corpus_loaded(database: Database) -> None:
    fill(database)
    embed(database, left())
    own = right()
    held = engines(database, own, left())
    held.open()
    current(held)
    embed(database, own, serves=False)
    held.prepare()
    read = len(own.seen)

    switch_to(database, own)
    engine = current(held)
    with database.reading() as session:
        assert engine.corpora.ready(session) is not None
        engine.corpora.current(session)

    assert len(own.seen) == read


def test_threads_are_given_one_engine(database: Database) -> None:
    fill(database)
    embed(database, left())
    held = engines(database, left(), right())
    switch_to(database, right())
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: current(held), range(40)))

    assert len({id(engine) for engine in found}) == 1


def test_opening_twice_asks_for_one_change(database: Database) -> None:
    fill(database)
    embed(database, left())
    held = engines(database, right(), left())

    for _ in range(2):
        held.open()

    with database.reading() as session:
        assert held.change(session) is held.own.encoder
        assert engines(database, left()).change(session) is None


def test_adopting_asks_for_nothing(database: Database) -> None:
    fill(database)
    embed(database, left())
    held = engines(database, right(), left())

    held.adopt()

    with database.reading() as session:
        assert held.change(session) is None
    with pytest.raises(EncoderError):
        held._make(offered(right()).recipe)
