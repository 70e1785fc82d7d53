"""Vectors in the database, under (content hash, encoder)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

import numpy as np
from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from matching.encoders import Encoder, Role, Vectors
from models import Capability, Embedding

LITTLE_ENDIAN: Final = np.dtype("<f4")
PARAMETERS: Final = 500
"""Most values in one statement; SQLite and PostgreSQL both bound them."""


def key_of(encoder: Encoder, role: Role) -> str:
    """The encoder id under which vectors of that role are stored: prompts make them differ."""
    return encoder.id if role == "passage" else f"{encoder.id}/query"


def load_vectors(
    session: Session, hashes: Collection[str], encoder: Encoder, role: Role
) -> dict[str, Vectors]:
    """Stored vectors (dimension,) by content hash; a text known to have none is all zeros."""
    found: dict[str, Vectors] = {}
    for some in _batched(hashes):
        statement = select(Embedding.content_hash, Embedding.vector).where(
            Embedding.encoder_id == key_of(encoder, role), Embedding.content_hash.in_(some)
        )
        for content_hash, vector in session.execute(statement):
            found[content_hash] = (
                np.zeros(encoder.dimension, np.float32)
                if vector is None
                else np.frombuffer(vector, LITTLE_ENDIAN).astype(np.float32)
            )
    return found


def store_vectors(
    session: Session, vectors: Mapping[str, Vectors], encoder: Encoder, role: Role
) -> None:
    """Keep vectors by content hash; those that are stored already are left as they are."""
    key = key_of(encoder, role)
    for some in _batched(vectors):
        stored = set(
            session.scalars(
                select(Embedding.content_hash).where(
                    Embedding.encoder_id == key, Embedding.content_hash.in_(some)
                )
            )
        )
        session.add_all(
            Embedding(
                content_hash=content_hash,
                encoder_id=key,
                vector=(
                    vectors[content_hash].astype(LITTLE_ENDIAN).tobytes()
                    if vectors[content_hash].any()
                    else None
                ),
            )
            for content_hash in some
            if content_hash not in stored
        )
    session.flush()


def pending_capabilities(session: Session, encoder: Encoder) -> list[Capability]:
    """Capabilities whose text has no stored vector yet, one for each text."""
    stored = exists().where(
        Embedding.content_hash == Capability.content_hash,
        Embedding.encoder_id == key_of(encoder, "passage"),
    )
    found = session.scalars(select(Capability).where(~stored).order_by(Capability.id))
    return list({capability.content_hash: capability for capability in found}.values())


def delete_orphans(session: Session) -> int:
    """Forget passage vectors whose text no capability has any more; returns how many."""
    orphaned = ~exists().where(Capability.content_hash == Embedding.content_hash)
    mine = ~Embedding.encoder_id.endswith("/query")
    number = session.scalar(select(func.count()).select_from(Embedding).where(orphaned, mine))
    session.execute(delete(Embedding).where(orphaned, mine))
    return number or 0


def _batched(items: Collection[str]) -> Iterator[Sequence[str]]:
    remaining = iter(items)
    while some := list(islice(remaining, PARAMETERS)):
        yield some
