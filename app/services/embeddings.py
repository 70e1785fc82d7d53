"""Vectors in the database, under (content hash, encoder)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, delete, exists, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.errors import Problem
from app.services.needs import query_text
from app.services.passage_vectors import forget_copies, keep_copies
from matching.encoders import Encoder, Role, Vectors
from matching.text import bilingual_text, content_hash
from models import Capability, Confidentiality, Embedding, Need, NeedStatus

LITTLE_ENDIAN: Final = np.dtype("<f4")
QUERY: Final = "/query"
ROWS_AT_ONCE: Final = 5000
PARAMETERS: Final = 500
"""Most values in one statement; SQLite and PostgreSQL both bound them."""


def key_of(encoder: Encoder, role: Role) -> str:
    """The encoder id under which vectors of that role are stored: prompts make them differ."""
    return encoder.id if role == "passage" else encoder.id + QUERY


def load_vectors(
    session: Session, hashes: Collection[str], encoder: Encoder, role: Role
) -> dict[str, Vectors]:
    """Stored vectors (dimension,) by content hash; a text known to have none is all zeros.

    Problem 503 if one of them has another length than the encoder's.
    """
    found: dict[str, Vectors] = {}
    for some in _batched(hashes):
        statement = select(Embedding.content_hash, Embedding.vector).where(
            Embedding.encoder_id == key_of(encoder, role), Embedding.content_hash.in_(some)
        )
        for key, vector in session.execute(statement):
            found[key] = (
                np.zeros(encoder.dimension, np.float32)
                if vector is None
                else _read(vector, encoder)
            )
    return found


def _read(vector: bytes, encoder: Encoder) -> Vectors:
    if len(vector) != encoder.dimension * LITTLE_ENDIAN.itemsize:
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"A stored vector of the encoder {encoder.id} has {len(vector)} bytes instead of "
            f"{encoder.dimension * LITTLE_ENDIAN.itemsize}: the database is damaged or was changed "
            "by another program. Run `enmusubi embed`: it forgets such vectors and computes them "
            "anew.",
        )
    return np.frombuffer(vector, LITTLE_ENDIAN).astype(np.float32)


def forget_misfits(session: Session, encoder: Encoder, *, dimension: int) -> int:
    """Forget vectors of the encoder that do not have its dimension; returns how many."""
    wrong = Embedding.encoder_id.in_([key_of(encoder, "passage"), key_of(encoder, "query")]) & (
        func.length(Embedding.vector) != dimension * LITTLE_ENDIAN.itemsize
    )
    return _forget(session, wrong)


def store_vectors(
    session: Session, vectors: Mapping[str, Vectors], encoder: Encoder, role: Role
) -> None:
    """Keep vectors by content hash; those that are stored already are left as they are."""
    key = key_of(encoder, role)
    on_server = session.get_bind().dialect.name == "postgresql"
    insert = postgresql.insert(Embedding) if on_server else sqlite.insert(Embedding)
    for some in _batched(vectors):
        rows = [
            {
                "content_hash": text_key,
                "encoder_id": key,
                "vector": (
                    vectors[text_key].astype(LITTLE_ENDIAN).tobytes()
                    if vectors[text_key].any()
                    else None
                ),
            }
            for text_key in some
        ]
        # Two processes may embed the same text at once; either vector will do.
        session.execute(insert.on_conflict_do_nothing(), rows)
        if role == "passage":
            keep_copies(session, key, {text_key: vectors[text_key] for text_key in some})


def present_texts(session: Session, hashes: Collection[str]) -> set[str]:
    """Those of these texts that a capability has."""
    found: set[str] = set()
    for some in _batched(hashes):
        statement = select(Capability.content_hash).where(Capability.content_hash.in_(some))
        found |= set(session.scalars(statement))
    return found


def pending_lengths(
    session: Session, encoder: Encoder, *, between: tuple[UUID, UUID] | None = None
) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
    """Content hashes (n,) of texts without a stored vector, each once, and their lengths (n,).

    In characters, before they are normalised; `between` two ids of capabilities, both included.
    About 150 bytes of memory for each text while they are read, 72 afterwards.
    """
    stored = exists().where(
        Embedding.content_hash == Capability.content_hash,
        Embedding.encoder_id == key_of(encoder, "passage"),
    )
    fields = Capability.title_ja, Capability.text_ja, Capability.title_en, Capability.text_en
    length = sum((func.coalesce(func.length(field), 0) for field in fields), start=literal(0))
    statement = select(Capability.content_hash, length).where(~stored)
    if between is not None:
        statement = statement.where(Capability.id.between(*between))
    rows = session.execute(statement.execution_options(yield_per=ROWS_AT_ONCE))
    hashes, lengths = [np.zeros(0, "S64")], [np.zeros(0, np.int64)]
    for some in rows.partitions():
        hashes.append(np.array([row[0] for row in some], "S64"))
        lengths.append(np.array([row[1] for row in some], np.int64))
    found, first = np.unique(np.concatenate(hashes), return_index=True)
    return found, np.concatenate(lengths)[first]


def texts_of(session: Session, hashes: Collection[str]) -> dict[str, str]:
    """The texts with these hashes that a capability has, by hash."""
    found: dict[str, str] = {}
    fields = Capability.title_ja, Capability.text_ja, Capability.title_en, Capability.text_en
    for some in _batched(hashes):
        statement = select(Capability.content_hash, *fields).where(
            Capability.content_hash.in_(some)
        )
        for row in session.execute(statement):
            if row[0] not in found:
                found[row[0]] = bilingual_text(*row[1:])
    return found


@dataclass(frozen=True, slots=True)
class Measured:
    """How many of the texts of all capabilities have a stored vector."""

    embedded: int
    total: int

    @property
    def is_complete(self) -> bool:
        """True if nothing is left to embed."""
        return self.embedded == self.total


def measure(session: Session, encoder: Encoder) -> Measured:
    """How far the encoder is with the capabilities; texts that are equal count once."""
    texts = select(Capability.content_hash).distinct().subquery()
    stored = exists().where(
        Embedding.content_hash == texts.c.content_hash,
        Embedding.encoder_id == key_of(encoder, "passage"),
    )
    total = session.scalar(select(func.count()).select_from(texts)) or 0
    embedded = session.scalar(select(func.count()).select_from(texts).where(stored)) or 0
    return Measured(embedded, total)


def count_passages(session: Session) -> dict[str, int]:
    """Number of stored vectors of capabilities by the id of their encoder."""
    statement = (
        select(Embedding.encoder_id, func.count())
        .where(~Embedding.encoder_id.endswith(QUERY))
        .group_by(Embedding.encoder_id)
    )
    return {row[0]: row[1] for row in session.execute(statement)}


@dataclass(frozen=True, slots=True)
class Stored:
    """How much is stored of one encoder, of queries and passages together."""

    encoder: str
    vectors: int
    bytes: int


def stored_vectors(session: Session) -> list[Stored]:
    """What is stored, by encoder."""
    statement = select(
        Embedding.encoder_id, func.count(), func.sum(func.length(Embedding.vector))
    ).group_by(Embedding.encoder_id)
    found: dict[str, Stored] = {}
    for key, vectors, size in session.execute(statement):
        encoder = key.removesuffix(QUERY)
        before = found.get(encoder, Stored(encoder, 0, 0))
        found[encoder] = Stored(encoder, before.vectors + vectors, before.bytes + (size or 0))
    return list(found.values())


def forget_all_but(session: Session, encoder_ids: Collection[str]) -> int:
    """Forget the vectors of all encoders but these; returns how many there were."""
    kept = [key + suffix for key in encoder_ids for suffix in ("", QUERY)]
    return _forget(session, Embedding.encoder_id.not_in(kept))


def count_unread(session: Session, encoder: Encoder) -> int:
    """Number of capability texts in which the encoder found nothing to read."""
    statement = (
        select(func.count())
        .select_from(Embedding)
        .where(Embedding.encoder_id == key_of(encoder, "passage"), Embedding.vector.is_(None))
    )
    return session.scalar(statement) or 0


def pending_queries(session: Session, encoder: Encoder) -> dict[str, str]:
    """Texts of open needs whose query vectors may be stored and are not yet, by content hash."""
    texts = _storable_queries(session)
    stored = load_vectors(session, texts.keys(), encoder, "query")
    return {key: text for key, text in texts.items() if key not in stored}


def delete_orphans(session: Session) -> int:
    """Forget vectors whose text no capability or open need has any more; returns how many."""
    passages = (~Embedding.encoder_id.endswith(QUERY)) & ~exists().where(
        Capability.content_hash == Embedding.content_hash
    )
    queries = Embedding.encoder_id.endswith(QUERY) & Embedding.content_hash.not_in(
        _storable_queries(session)
    )
    return _forget(session, passages | queries)


def _forget(session: Session, which: ColumnElement[bool]) -> int:
    number = session.scalar(select(func.count()).select_from(Embedding).where(which)) or 0
    if number:
        forget_copies(session, which)
        session.execute(delete(Embedding).where(which))
    return number


def _storable_queries(session: Session) -> dict[str, str]:
    """Texts of the open needs by content hash, without those for named staff only."""
    statement = select(Need).where(
        Need.status == NeedStatus.OPEN, Need.confidentiality != Confidentiality.NAMED_STAFF
    )
    texts = (query_text(need) for need in session.scalars(statement))
    return {content_hash(text): text for text in texts}


def _batched(items: Collection[str]) -> Iterator[Sequence[str]]:
    remaining = iter(items)
    while some := list(islice(remaining, PARAMETERS)):
        yield some
