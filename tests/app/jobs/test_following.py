"""A process that nobody asks has every change in memory soon, by no request."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.db import Database
from app.jobs import following
from app.jobs.following import Follower
from app.services.corpus import CorpusCache, Engine
from app.settings import Settings
from matching.encoders import make_encoder
from models import Partner
from tests.app.asking import eventually
from tests.app.services.test_match_answers import ASKED
from tests.conftest import engines_of
from tests.factories import make_capability, make_partner


@contextmanager
def follows(settings: Settings) -> Iterator[CorpusCache]:
    """Another process: connections of its own, a corpus in memory, and nobody who asks."""
    database = Database.at(settings.url)
    engine = Engine.make(database, make_encoder("hashing"), inline=32, sentence_cache=100)
    engines = engines_of(engine)
    with database.reading() as session:
        engines.current(session).corpora.current(session)
    follower = Follower(engines)
    follower.start()
    try:
        yield engine.corpora
    finally:
        follower.stop()
        assert not follower.is_alive()
        database.engine.dispose()


def pieces(corpora: CorpusCache) -> int:
    """How many it has in memory; asks no database."""
    loaded = corpora._loaded
    return 0 if loaded is None else int(loaded.corpus.alive.sum())


def add(database: Database, number: int = 1) -> None:
    with database.writing() as session:
        somebody = make_partner(session)
        for _ in range(number):
            make_capability(session, somebody, title_en=f"Drying figs {time.monotonic_ns()}")


def test_a_change_elsewhere_is_in_memory_without_a_request(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only what is heard counts, where there is something to hear.
    monkeypatch.setattr(following, "LOOK_SECONDS", float("inf"))
    add(database)
    with follows(settings) as corpora:
        for number in (2, 3):
            add(database)
            eventually(lambda number=number: pieces(corpora) == number, seconds=20)  # type: ignore[misc]


def test_answers_from_before_a_change_are_forgotten_without_a_request(
    database: Database, engine: Engine
) -> None:
    add(database)
    follower = Follower(engines_of(engine))
    with database.reading() as session:
        loaded = engine.corpora.current(session)
    engine.answers.get(loaded.corpus, loaded.revision, ASKED, lambda: b"somebody's name")
    follower._follow()
    assert engine.answers.held_bytes > 0
    with database.writing() as session:
        session.delete(session.scalars(select(Partner)).one())
    follower._follow()
    assert engine.answers.held_bytes == 0


def test_it_goes_on_after_the_database_was_away(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [OperationalError("SELECT", {}, Exception("gone")) for _ in range(2)]
    whole = Follower._follow

    def failing(follower: Follower) -> None:
        if failures:
            raise failures.pop()
        whole(follower)

    monkeypatch.setattr(Follower, "_follow", failing)
    monkeypatch.setattr(following, "POLL_SECONDS", 0.05)
    add(database)
    with follows(settings) as corpora:
        add(database)
        eventually(lambda: pieces(corpora) == 2, seconds=20)
    assert not failures
