"""The vectors of a corpus: the one place where it is decided where they lie.

`find_all_vectors` reads those of a whole corpus into this process, unless PostgreSQL is to search
them; what changes later is read by `find_vectors` in any case.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Database
from app.services.corpus_rows import Rows
from app.services.embeddings import PARAMETERS, key_of, load_vectors
from app.services.vector_search_pg import Choice, is_chosen, open_vectors, texts_of
from matching.encoders import Encoder, Vectors
from matching.vectors import VectorSearch
from models import Embedding


@dataclass(frozen=True, slots=True)
class FoundVectors:
    """Of n texts in the order asked for."""

    vectors: Vectors | VectorSearch
    """(n, d)."""
    missing: tuple[int, ...]
    """The rows whose texts have no stored vector yet: zeros until somebody fills them."""


@dataclass(frozen=True, slots=True)
class ServerSearch:
    """A database that may search vectors itself, and whether it is to (`ENMUSUBI_VECTORS`)."""

    database: Database
    choice: Choice


def find_all_vectors(
    session: Session, encoder: Encoder, rows: Rows, server: ServerSearch | None = None
) -> FoundVectors:
    """The vectors of a whole corpus, or a search of them by the database if it is chosen.

    In memory also where the database cannot search, or not yet: its indexes are made in the
    background (`app.jobs.vector_index`).
    """
    if server is not None and is_chosen(server.choice, len(rows.hashes)):
        texts = texts_of(rows.evidence, rows.hashes)
        opened = open_vectors(session, server.database, encoder, texts)
        if opened is not None:
            return FoundVectors(*opened)
    return FoundVectors(*find_vectors(session, encoder, rows.hashes))


def find_vectors(
    session: Session, encoder: Encoder, hashes: Sequence[str]
) -> tuple[Vectors, tuple[int, ...]]:
    """The stored vectors (n, d) of texts by their content hashes, and the rows that have none yet.

    A text may come more than once. They are read a few hundred at a time into one array.
    Problem 503 as `load_vectors`.
    """
    vectors = np.zeros((len(hashes), encoder.dimension), np.float32)
    missing: list[int] = []
    for start in range(0, len(hashes), PARAMETERS):
        some = hashes[start : start + PARAMETERS]
        stored = load_vectors(session, set(some), encoder, "passage")
        for row, key in enumerate(some, start):
            if key in stored:
                vectors[row] = stored[key]
            else:
                missing.append(row)
    return vectors, tuple(missing)


def stored_by_now(session: Session, encoder: Encoder, hashes: Collection[str]) -> set[str]:
    """Those of these texts whose vectors are stored."""
    waiting = sorted(hashes)
    found: set[str] = set()
    for start in range(0, len(waiting), PARAMETERS):
        statement = select(Embedding.content_hash).where(
            Embedding.encoder_id == key_of(encoder, "passage"),
            Embedding.content_hash.in_(waiting[start : start + PARAMETERS]),
        )
        found |= set(session.scalars(statement))
    return found
