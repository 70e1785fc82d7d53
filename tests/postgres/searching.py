"""Made vectors in PostgreSQL, and the same in memory to compare with."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import insert, select

from app.contexts import SYSTEM
from app.db import Database
from app.jobs.vector_index import bring_up
from app.services.embeddings import store_vectors
from app.services.passage_vectors import speech_code
from app.services.vector_search_pg import PgVectors, Text, open_vectors
from matching.encoders import Encoder, Vectors
from matching.encoders.hashing import HashingEncoder
from matching.text import content_hash, languages_of
from matching.vectors import Among, Asked, BoolArray, VectorIndex
from models import Capability, CapabilityKind, Partner, PartnerKind, new_id


class Small(HashingEncoder):
    """Of another dimension and id; what it would make of texts does not matter."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension

    @property
    def id(self) -> str:
        return f"small:{self._dimension}"

    @property
    def dimension(self) -> int:
        return self._dimension


ENCODER = Small(32)
"""Whose id the made vectors get."""
DIMENSION = ENCODER.dimension


@dataclass(frozen=True)
class Both:
    """The same texts in the database and in memory, in one order."""

    ids: list[str]
    stored: PgVectors
    memory: VectorIndex
    among: Among

    def allowing(self, partners: BoolArray) -> Among:
        """With these partners (m,) alone."""
        among = self.among
        return Among(among.kind, among.partner_of, among.partners, partners[among.partner_of])

    def missed(self, asked: Asked, among: Among, wanted: int) -> tuple[int, int]:
        """How many of the nearest the database does not find, and how many there are."""
        found = set(self.stored.nearest(asked, among, wanted).tolist())
        true = set(self.memory.nearest(asked, among, wanted).tolist())
        assert len(found) == len(true)
        return len(true - found), len(true)


def made(number: int, seed: int) -> Vectors:
    """Unit vectors (number, d) of which some lie near each other, as those of texts do."""
    random = np.random.default_rng(seed)
    themes = np.random.default_rng(1).standard_normal((20, DIMENSION))
    found = themes[random.integers(0, 20, number)] + random.standard_normal((number, DIMENSION))
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found.astype(np.float32)


def add_texts(database: Database, *, partners: int, each: int, seed: int = 0) -> None:
    """Partners with texts, every fourth in Japanese, and their vectors."""
    owners = [new_id() for _ in range(partners)]
    # Not by the models one by one: each would have its entry in the audit log.
    rows = [_text(owners[place // each], place, seed) for place in range(partners * each)]
    vectors = made(len(rows), seed)
    kept = {row["content_hash"]: vector for row, vector in zip(rows, vectors, strict=True)}
    with database.writing(SYSTEM) as session:
        partner = {
            "kind": PartnerKind.RESEARCHER,
            "name_en": "x",
            "languages": [],
            "engagement_types": [],
        }
        session.execute(insert(Partner), [partner | {"id": owner} for owner in owners])
        session.execute(insert(Capability), rows)
        store_vectors(session, kept, ENCODER, "passage")


def _text(owner: UUID, place: int, seed: int) -> dict[str, Any]:
    japanese = place % 4 == 0
    title = f"果汁 {seed} {place}" if japanese else f"w {seed} {place}"
    return {
        "partner_id": owner,
        "kind": CapabilityKind.PAPER,
        "title_ja": title if japanese else None,
        "title_en": None if japanese else title,
        "content_hash": content_hash(title),
    }


def index(database: Database) -> bool:
    """As the worker does it."""
    return bring_up(database, ENCODER.id, DIMENSION)


def opened(database: Database, encoder: Encoder = ENCODER) -> Both:
    """All texts of the database, each of which has a stored vector or none."""
    with database.reading(SYSTEM) as session:
        rows = session.scalars(select(Capability).order_by(Capability.partner_id, Capability.id))
        texts = [
            Text(
                str(row.id),
                str(row.partner_id),
                row.content_hash,
                speech_code(languages_of(row.title_ja or row.title_en or "")),
            )
            for row in rows
        ]
        found = open_vectors(session, database, encoder, texts)
    assert found is not None
    stored, _ = found
    owners, owner = np.unique([text.partner_id for text in texts], return_inverse=True)
    speech = stored.keys.speech
    among = Among(speech, owner.astype(np.int64), len(owners), np.ones(len(texts), bool))
    memory = VectorIndex(stored.at(np.arange(len(texts))))
    return Both([text.id for text in texts], stored, memory, among)


def asked_of(vector: Vectors) -> Asked:
    """Japanese (1) and English (2) count differently, as in a corpus of both."""
    return Asked(vector, np.array([1.0, 1.3, 0.8, 1.0]), np.array([0.0, -0.1, 0.05, 0.0]))
