"""The copies that PostgreSQL searches follow capabilities and embeddings, and go with them."""

import logging

import pytest
from sqlalchemy import URL, delete, select, update

from app.contexts import SYSTEM
from app.db import Database
from app.jobs.vector_index import bring_up, bring_up_if_chosen
from app.migrations import upgrade
from app.services.embeddings import forget_all_but, store_vectors
from app.services.passage_vectors import are_kept, fill
from models import Capability, Partner, PassageVector
from tests.factories import make_capability, make_partner
from tests.postgres.searching import DIMENSION, ENCODER, add_texts, index, made
from tests.servers import new_database, run


def _copies(database: Database) -> list[PassageVector]:
    with database.reading() as session:
        return list(session.scalars(select(PassageVector).order_by(PassageVector.capability_id)))


def test_a_stored_vector_has_a_copy_for_each_capability_with_its_text(database: Database) -> None:
    assert index(database)
    vector, nothing = made(1, seed=1)[0], made(1, seed=1)[0] * 0
    with database.writing() as session:
        one, other = (make_capability(session, make_partner(session)) for _ in range(2))
        silent = make_capability(session, make_partner(session), title_en="…")
        vectors = {one.content_hash: vector, silent.content_hash: nothing}
        store_vectors(session, vectors, ENCODER, "passage")
        store_vectors(session, {"q" * 64: vector}, ENCODER, "query")
    copies = _copies(database)
    assert [copy.capability_id for copy in copies] == [one.id, other.id]
    assert [copy.partner_id for copy in copies] == [one.partner_id, other.partner_id]
    assert {(copy.encoder_id, copy.speech) for copy in copies} == {(ENCODER.id, 2)}
    assert copies[0].vector == pytest.approx(vector.tolist(), abs=1e-3)


def test_nothing_is_copied_before_the_database_is_to_search(database: Database) -> None:
    add_texts(database, partners=2, each=1)
    assert _copies(database) == []
    with database.reading() as session:
        assert are_kept(session)


def test_copies_go_with_what_they_are_of(database: Database) -> None:
    assert index(database)
    add_texts(database, partners=5, each=1)
    with database.writing() as session:
        texts = session.scalars(select(Capability).order_by(Capability.id)).all()
        changed, deleted, orphaned, moved, kept = texts
        changed.title_en, changed.content_hash = "Another text", "e" * 64
        session.delete(deleted)
        session.execute(delete(Partner).where(Partner.id == orphaned.partner_id))
        session.execute(
            update(Capability)
            .where(Capability.id == moved.id)
            .values(partner_id=kept.partner_id)  # as merging two partners does
        )
    assert {(c.capability_id, c.partner_id) for c in _copies(database)} == {
        (moved.id, kept.partner_id),
        (kept.id, kept.partner_id),
    }
    with database.writing() as session:
        assert forget_all_but(session, ["another"]) == 5
    assert _copies(database) == []


def test_a_text_that_was_read_before_gets_its_copy(database: Database) -> None:
    assert index(database)
    add_texts(database, partners=3, each=2)
    with database.writing() as session:
        first = session.scalars(select(Capability).limit(1)).one()
        values = {"title_en": first.title_en, "title_ja": first.title_ja}
        again = make_capability(session, make_partner(session), **values)
        assert again.content_hash == first.content_hash
    assert len(_copies(database)) == 6
    assert fill(database, ENCODER.id, batch=1) == 1
    assert fill(database, ENCODER.id) == 0
    assert [c.capability_id for c in _copies(database)][-1] == again.id


def test_indexes_are_made_if_the_setting_chooses(database: Database) -> None:
    add_texts(database, partners=2, each=1)
    assert not bring_up_if_chosen(database, ENCODER, "auto")
    assert not bring_up_if_chosen(database, ENCODER, "memory")
    assert bring_up_if_chosen(database, ENCODER, "pgvector")
    assert len(_copies(database)) == 2


def test_pgvector_may_come_later(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE passage_vectors DROP COLUMN vector")
    add_texts(database, partners=3, each=2)
    with database.reading() as session:
        assert not are_kept(session)
    assert index(database)
    assert len(_copies(database)) == 6


def test_without_the_right_to_make_the_extension_it_is_said_and_gone_on(
    server: URL, migrated: URL, caplog: pytest.LogCaptureFixture
) -> None:
    assert migrated  # which made the role of the application
    run(server, "DROP ROLE IF EXISTS enmusubi_small_office")
    run(server, "CREATE ROLE enmusubi_small_office LOGIN PASSWORD 'x' IN ROLE enmusubi_app")
    with new_database(server, owner="enmusubi_small_office") as url:
        owner = url.set(username="enmusubi_small_office", password="x")
        database = Database.at(owner.render_as_string(hide_password=False))
        with caplog.at_level(logging.WARNING, "alembic"):
            upgrade(database)
        assert "let a superuser run CREATE EXTENSION vector" in caplog.text
        with database.writing(SYSTEM) as session:
            one = make_capability(session, make_partner(session))
            store_vectors(session, {one.content_hash: made(1, seed=1)[0]}, ENCODER, "passage")
            assert not are_kept(session)
        assert not bring_up(database, ENCODER.id, DIMENSION)
        run(url, "CREATE EXTENSION vector")
        assert bring_up(database, ENCODER.id, DIMENSION)
        database.engine.dispose()
    run(server, "DROP ROLE enmusubi_small_office")
