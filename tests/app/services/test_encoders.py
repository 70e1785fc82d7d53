"""Which encoder serves: adopted, asked for, switched, refused."""

from sqlalchemy import func, select

from app.db import Database
from app.jobs.embedding import embed_pending, embed_texts, pending_texts
from app.services.embeddings import count_passages, measure, pending_queries
from app.services.encoders import (
    Offered,
    Recipe,
    adopt,
    ask_for,
    change_of,
    forget_change,
    note_progress,
    recipe_of,
    serving,
    switch,
    wanted,
)
from matching.encoders import CHOICES
from matching.encoders.hashing import HashingEncoder
from models import CorpusRevision, Embedding, EncoderUse, StoredEncoder
from tests.app.encoders import FakeEncoder, embed, fill, left, maker, offered, right, wide
from tests.factories import make_capability, make_need, make_partner


def _adopt(database: Database, own: FakeEncoder, *known: FakeEncoder) -> StoredEncoder:
    with database.writing() as session:
        adopt(session, offered(own), make=maker(own, *known))
        row = serving(session)
    assert row is not None
    return row


def test_an_empty_database_adopts_what_it_is_opened_with(database: Database) -> None:
    row = _adopt(database, right())

    assert (row.encoder_id, row.name) == (right().id, "right")


def test_vectors_of_one_encoder_are_adopted_whatever_is_asked_for(database: Database) -> None:
    fill(database)
    embed(database, left(), serves=False)

    row = _adopt(database, right())

    assert row.encoder_id == left().id
    assert recipe_of(row) is None  # none of the program's own names makes it


def test_an_encoder_of_ours_is_recognised_by_its_id(database: Database) -> None:
    fill(database)
    hashing = HashingEncoder()
    embed_pending(database, hashing, pending_texts(database, hashing))

    with database.writing() as session:
        adopt(session, offered(right()), make=lambda _: hashing)
        row = serving(session)

    assert row is not None
    assert row.encoder_id == hashing.id
    assert row.name == CHOICES[0]  # which the fake maker makes of any


def test_of_several_the_one_asked_for_serves_if_it_has_read_everything(database: Database) -> None:
    fill(database)
    for encoder in (left(), right()):
        embed(database, encoder, serves=False)

    assert _adopt(database, right()).encoder_id == right().id


def test_of_several_the_fullest_serves(database: Database) -> None:
    with database.writing() as session:
        make_capability(session, make_partner(session))
    embed(database, right(), serves=False)
    fill(database)
    embed(database, left(), serves=False)

    assert _adopt(database, right()).encoder_id == left().id


def test_what_serves_is_not_adopted_again(database: Database) -> None:
    _adopt(database, left())

    assert _adopt(database, right()).encoder_id == left().id


def test_asking_for_what_serves_changes_nothing_but_where_it_is_found(database: Database) -> None:
    _adopt(database, left())

    with database.writing() as session:
        moved = Offered(Recipe("st:/new/place"), left())
        assert ask_for(session, moved)
        row = serving(session)
        assert row is not None
        assert row.name == "st:/new/place"
        assert wanted(session) is None


def test_a_change_begins_when_asked_for_and_the_last_asked_for_counts(database: Database) -> None:
    fill(database)
    embed(database, left())

    with database.writing() as session:
        assert not ask_for(session, offered(wide()))
        assert not ask_for(session, offered(right()))
    with database.reading() as session:
        row, change = wanted(session), change_of(session)
        present = serving(session)

    assert row is not None
    assert row.encoder_id == right().id
    assert change is not None
    assert change.seconds_left is None
    assert present is not None
    assert present.encoder_id == left().id


def test_asking_again_keeps_the_progress(database: Database) -> None:
    fill(database)
    embed(database, left())
    with database.writing() as session:
        ask_for(session, offered(right()))
        note_progress(session, right(), embedded=3, total=8, texts_per_second=0.5)
        ask_for(session, offered(right()))
        change = change_of(session)

    assert change is not None
    assert (change.embedded, change.total, change.seconds_left) == (3, 8, 10)


def test_progress_of_what_is_not_wanted_is_refused(database: Database) -> None:
    fill(database)
    embed(database, left())
    with database.writing() as session:
        ask_for(session, offered(right()))

        assert not note_progress(session, wide(), embedded=0, total=8, texts_per_second=None)


def test_nothing_to_embed_switches_at_once(database: Database) -> None:
    _adopt(database, left())

    with database.writing() as session:
        assert ask_for(session, offered(right()))
        row = serving(session)

    assert row is not None
    assert row.encoder_id == right().id


def test_a_switch_waits_for_the_last_text(database: Database) -> None:
    fill(database)
    embed(database, left())
    with database.writing() as session:
        ask_for(session, offered(right()))
    embed(database, right(), serves=False)
    with database.writing() as session:
        make_capability(session, make_partner(session), title_en="A text that came late")

    with database.writing() as session:
        assert measure(session, right()).total == 9
        assert not switch(session, right())
        row = serving(session)
    assert row is not None
    assert row.encoder_id == left().id


def test_a_switch_is_one_step(database: Database) -> None:
    """Row, revision and vectors change together: nobody can see one without the others."""
    fill(database)
    embed(database, left())
    with database.writing() as session:
        ask_for(session, offered(right()))
        queries = pending_queries(session, left())
    embed_texts(database, left(), queries, role="query")
    embed(database, right(), serves=False)

    with database.reading() as before:
        revision = before.scalar(select(CorpusRevision.value)) or 0
        with database.writing() as session:
            assert switch(session, right())
        stored = before.get(StoredEncoder, EncoderUse.SERVING)
        assert stored is not None
        assert stored.encoder_id == left().id
        assert count_passages(before) == {left().id: 8, right().id: 8}
    with database.reading() as after:
        assert after.scalar(select(CorpusRevision.value)) == revision + 1
        assert wanted(after) is None
        assert set(after.scalars(select(Embedding.encoder_id))) == {right().id}
        row = serving(after)
    assert row is not None
    assert (row.encoder_id, row.name, row.embedded) == (right().id, "right", None)


def test_only_what_is_wanted_is_switched_to(database: Database) -> None:
    fill(database)
    embed(database, left())
    embed(database, right(), serves=False)

    with database.writing() as session:
        assert not switch(session, right())
        assert switch(session, left())  # serves already


def test_forgetting_a_change_leaves_what_serves(database: Database) -> None:
    fill(database)
    embed(database, left())
    embed(database, right(), serves=False)
    with database.writing() as session:
        make_need(session)
        session.add(StoredEncoder(use=EncoderUse.WANTED, encoder_id=wide().id))

        assert forget_change(session) == 8

        assert wanted(session) is None
        assert count_passages(session) == {left().id: 8}
        assert session.scalar(select(func.count()).select_from(StoredEncoder)) == 1
