"""The copies of vectors that PostgreSQL searches, kept in step with capabilities and embeddings.

There are some once the encoder's indexes have been begun (`app.jobs.vector_index`). From then on
they are written in the transaction that stores an embedding. They go with their capability, with a
change of its text and with the embedding. `fill` makes those that are missing: what was stored
before, and capabilities whose text was read before.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import numpy as np
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from sqlalchemy import ColumnElement, delete, exists, select, text
from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.db import Database
from app.services.capabilities import passage_of
from app.services.vector_index_pg import is_begun
from matching.encoders import Vectors
from matching.text import LANGUAGES, languages_of
from models import Capability, Embedding, PassageVector

BATCH: Final = 2000
"""Vectors written in one transaction by `fill`."""

_IS_KEPT: Final = text(
    "SELECT EXISTS (SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass('passage_vectors')"
    " AND attname = 'vector' AND NOT attisdropped)"
)
_WRITE: Final = (
    "INSERT INTO passage_vectors"
    " (partner_id, capability_id, encoder_id, content_hash, speech, vector)"
    " VALUES (%s, %s, %s, %s, %s, %b) ON CONFLICT (partner_id, capability_id, encoder_id)"
    " DO UPDATE SET content_hash = excluded.content_hash, speech = excluded.speech,"
    " vector = excluded.vector"
)


def speech_code(languages: Collection[str]) -> int:
    """The languages of a text as one number: 1 for Japanese, and 2 for English."""
    return sum(1 << place for place, name in enumerate(LANGUAGES) if name in languages)


def are_kept(session: Session) -> bool:
    """True on a PostgreSQL server with pgvector and the migrations."""
    if session.get_bind().dialect.name != "postgresql":
        return False
    return bool(session.scalar(_IS_KEPT))


def keep_copies(session: Session, encoder_id: str, vectors: Mapping[str, Vectors]) -> None:
    """Write the copies for all capabilities with these texts, if the database is to search them.

    `vectors` (d,) by content hash are of passages; one of zeros stands for none. Until indexes of
    the encoder have been begun nothing is written: then `fill` does it faster.
    """
    read = [key for key, vector in vectors.items() if vector.any()]
    if not read or not are_kept(session) or not is_begun(session, encoder_id):
        return
    found = session.scalars(_locked(select(Capability).where(Capability.content_hash.in_(read))))
    _write(session, encoder_id, ((row, vectors[row.content_hash]) for row in found))


def forget_copies(session: Session, embeddings: ColumnElement[bool]) -> None:
    """Remove the copies of these embeddings, which are about to be deleted."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(
            delete(PassageVector).where(
                PassageVector.encoder_id == Embedding.encoder_id,
                PassageVector.content_hash == Embedding.content_hash,
                embeddings,
            )
        )


def fill(database: Database, encoder_id: str, *, batch: int = BATCH) -> int:
    """Make the copies that are missing, in transactions of `batch`; returns how many it made.

    May be stopped at any time and run again, also by several processes at once.
    """
    with database.reading(SYSTEM) as session:
        if not are_kept(session):
            return 0
    made, after = 0, UUID(int=0)
    while True:
        with database.writing(SYSTEM) as session:
            rows = session.execute(_missing(encoder_id, after).limit(batch)).all()
            _write(session, encoder_id, map(_pair, rows))
        if not rows:
            return made
        made += len(rows)
        after = rows[-1][0].id


def _missing(encoder_id: str, after: UUID) -> Any:
    present = exists().where(
        PassageVector.partner_id == Capability.partner_id,
        PassageVector.capability_id == Capability.id,
        PassageVector.encoder_id == encoder_id,
        PassageVector.content_hash == Capability.content_hash,
    )
    return _locked(
        select(Capability, Embedding.vector)
        .join(Embedding, Embedding.content_hash == Capability.content_hash)
        .where(
            Embedding.encoder_id == encoder_id,
            Embedding.vector.is_not(None),
            Capability.id > after,
            ~present,
        )
        .order_by(Capability.id)
    )


def _locked(statement: Any) -> Any:
    """Nobody removes the capabilities, moves them or changes their texts until the commit."""
    return statement.with_for_update(read=True, of=Capability)


def _pair(row: Any) -> tuple[Capability, Vectors]:
    return row[0], np.frombuffer(row[1], "<f4").astype(np.float32)


def _write(session: Session, encoder_id: str, pairs: Iterable[tuple[Capability, Vectors]]) -> None:
    """In the order of their keys, so that two writers never wait for each other."""
    rows = [
        (
            row.partner_id,
            row.id,
            encoder_id,
            row.content_hash,
            speech_code(languages_of(passage_of(row))),
            HalfVector(vector),
        )
        for row, vector in pairs
    ]
    if not rows:
        return
    connection = session.connection().connection
    driver: Any = connection.driver_connection
    if "halfvec" not in connection.info:  # once for each connection of the pool
        register_vector(driver)
        connection.info["halfvec"] = True
    with driver.cursor() as cursor:
        cursor.executemany(_WRITE, sorted(rows, key=lambda row: (row[0], row[1])))
