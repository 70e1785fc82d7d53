"""Stored vectors: only those of the encoder's own length are given out."""

import pytest
from sqlalchemy import update

from app.db import Database
from app.errors import Problem
from app.services.corpus import CorpusCache
from app.services.embeddings import forget_misfits, load_vectors, measure, stored_vectors
from models import Embedding
from tests.app.encoders import embed, fill, left, right


def _damage(database: Database) -> str:
    """Cut one stored vector short; its content hash."""
    with database.writing() as session:
        damaged = session.query(Embedding).first()
        assert damaged is not None
        assert damaged.vector is not None
        values = {"vector": damaged.vector[:-4]}
        session.execute(
            update(Embedding).where(Embedding.content_hash == damaged.content_hash).values(values)
        )
        key: str = damaged.content_hash
    return key


def test_a_vector_of_another_length_is_refused_with_what_to_run(database: Database) -> None:
    fill(database)
    embed(database, left())
    damaged = _damage(database)

    with database.reading() as session:
        with pytest.raises(Problem, match="`enmusubi embed`") as refused:
            load_vectors(session, [damaged], left(), "passage")
        with pytest.raises(Problem):
            CorpusCache(left(), inline=100).current(session)

    assert refused.value.status == 503
    assert "124 bytes instead of 128" in str(refused.value)


def test_misfits_of_the_encoder_are_forgotten_and_no_other_vectors(database: Database) -> None:
    fill(database)
    embed(database, left())
    _damage(database)
    embed(database, right(), serves=False)

    with database.writing() as session:
        assert forget_misfits(session, right(), dimension=right().dimension) == 0
        assert forget_misfits(session, left(), dimension=left().dimension) == 1
        assert measure(session, left()).embedded == 7
        assert measure(session, right()).is_complete


def test_what_is_stored_is_counted_by_encoder(database: Database) -> None:
    fill(database)
    embed(database, left())

    with database.reading() as session:
        (stored,) = stored_vectors(session)

    assert (stored.encoder, stored.vectors, stored.bytes) == (left().id, 8, 8 * 128)
