"""A change of the encoder goes on where it stopped, and is written down as it goes."""

import logging
from collections.abc import Sequence

import pytest

from app.db import Database
from app.jobs import changing, embedding
from app.jobs.changing import change_over
from app.services.encoders import ask_for, change_of, forget_change, serving
from matching.encoders import Progress, Role, Vectors
from models import Capability
from tests.app.encoders import (
    PLACES,
    SUBJECTS,
    FakeEncoder,
    embed,
    fill,
    left,
    offered,
    right,
    wide,
)
from tests.factories import make_capability, make_partner


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three texts a chunk, and a note after each."""
    monkeypatch.setattr(embedding, "CHUNK", 3)
    monkeypatch.setattr(changing, "NOTE_SECONDS", 0)
    monkeypatch.setattr(changing, "LOG_SECONDS", 0)


@pytest.fixture
def asked(database: Database) -> Database:
    """A database that left has read and that is to be changed to right."""
    fill(database)
    embed(database, left())
    with database.writing() as session:
        assert not ask_for(session, offered(right()))
    return database


def served_by(database: Database) -> str:
    """Id of the encoder that serves."""
    with database.reading() as session:
        row = serving(session)
    assert row is not None
    return row.encoder_id


class Killed(FakeEncoder):
    """Dies in its second chunk, as a process that is killed."""

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Progress | None = None
    ) -> Vectors:
        if self.seen:
            raise KeyboardInterrupt
        return super().encode(texts, role=role, progress=progress)


class Stopping:
    """Says no after so many chunks, as a service that ends; asked once before the first."""

    def __init__(self, chunks: int) -> None:
        self.left = chunks

    def __call__(self) -> bool:
        self.left -= 1
        return self.left >= 0


def test_an_interrupted_change_goes_on_where_it_stopped(asked: Database) -> None:
    first, second = right(), right()

    assert not change_over(asked, first, go_on=Stopping(2))
    assert served_by(asked) == left().id
    assert 5 <= len(first.seen) <= 6
    assert change_over(asked, second)

    assert served_by(asked) == right().id
    assert set(first.seen).isdisjoint(second.seen)
    assert len(first.seen) + len(second.seen) == len(SUBJECTS)


def test_a_killed_change_loses_one_chunk_at_most(asked: Database) -> None:
    first, second = Killed("right", first=PLACES), right()
    with pytest.raises(KeyboardInterrupt):
        change_over(asked, first)
    assert served_by(asked) == left().id

    assert change_over(asked, second)
    assert set(first.seen).isdisjoint(second.seen)
    assert len(first.seen) + len(second.seen) == len(SUBJECTS)


def test_progress_is_written_down_and_logged(
    asked: Database, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = right()
    with caplog.at_level(logging.INFO, "app"):
        change_over(asked, encoder, go_on=Stopping(2))
    with asked.reading() as session:
        change = change_of(session)

    assert change is not None
    assert (change.embedded, change.total) == (len(encoder.seen), 8)
    assert change.texts_per_second is not None
    assert change.embedded is not None
    assert change.seconds_left == pytest.approx((8 - change.embedded) / change.texts_per_second)
    assert change.worked_at is not None
    assert f"{change.embedded} of 8 texts embedded" in caplog.text
    assert "s left" in caplog.text


def test_texts_that_come_during_the_change_are_embedded_before_the_switch(asked: Database) -> None:
    encoder = right()
    late: list[Capability] = []

    def prepare() -> None:
        if not late:
            with asked.writing() as session:
                late.append(make_capability(session, make_partner(session), title_en="Late"))

    assert change_over(asked, encoder, prepare=prepare)

    assert any("Late" in text for text in encoder.seen)
    assert len(encoder.seen) == len(SUBJECTS) + 1


def test_a_change_that_was_given_up_stops(asked: Database) -> None:
    encoder = right()

    def go_on() -> bool:
        if encoder.seen:
            with asked.writing() as session:
                forget_change(session)
        return True

    assert not change_over(asked, encoder, go_on=go_on)
    assert len(encoder.seen) < len(SUBJECTS)
    assert served_by(asked) == left().id


def test_a_change_that_was_replaced_stops(asked: Database) -> None:
    with asked.writing() as session:
        ask_for(session, offered(wide()))
    encoder = right()

    assert not change_over(asked, encoder)
    assert encoder.seen == []


def test_a_change_that_another_process_finished_is_done(asked: Database) -> None:
    assert change_over(asked, right())
    encoder = right()

    assert change_over(asked, encoder)
    assert encoder.seen == []
