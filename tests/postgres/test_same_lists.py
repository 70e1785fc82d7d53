"""SQLite with vectors in memory and PostgreSQL with pgvector give the same match lists."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import fmean

import pytest
from sqlalchemy import select

from app.contexts import SYSTEM
from app.db import Database
from app.jobs.embedding import embed_pending, pending_texts
from app.jobs.importing import store
from app.jobs.vector_index import bring_up
from app.services.corpus import Engine
from app.services.needs import query_of, query_text
from app.services.vector_search_pg import PgVectors, open_vectors, texts_of
from data import importers
from data.samples import REGION
from matching.corpus import Corpus
from matching.encoders import Encoder, make_encoder
from matching.list_agreement import rank_biased_overlap
from matching.ranker import CANDIDATES, rank
from models import Capability, Need, NeedStatus, Partner

pytestmark = pytest.mark.slow

Lists = dict[str, list[str]]


@contextmanager
def _on_sqlite(file: Path, folder: Path) -> Iterator[Database]:
    database = Database.at(f"sqlite:///{shutil.copy(file, folder / 'same.db')}")
    yield database
    database.engine.dispose()


def _corpus(database: Database, encoder: Encoder) -> Corpus:
    """The sample region, imported and embedded."""
    store(database, importers.read(REGION), set_name="region", today=date(2026, 11, 26))
    embed_pending(database, encoder, pending_texts(database, encoder))
    engine = Engine.make(database, encoder, inline=0, sentence_cache=10)
    with database.reading(SYSTEM) as session:
        return engine.corpora.current(session).corpus


def _searched_by_pgvector(database: Database, encoder: Encoder, corpus: Corpus) -> Corpus:
    assert bring_up(database, encoder.id, encoder.dimension)
    with database.reading(SYSTEM) as session:
        hashes = {
            str(key): content_hash
            for key, content_hash in session.execute(select(Capability.id, Capability.content_hash))
        }
        texts = texts_of(corpus.evidence, [hashes[piece.id] for piece in corpus.evidence])
        found = open_vectors(session, database, encoder, texts)
    assert found is not None
    vectors, missing = found
    assert missing == ()
    assert isinstance(vectors, PgVectors)
    return replace(corpus, vectors=vectors)


def _lists(database: Database, encoder: Encoder, corpus: Corpus, candidates: int) -> Lists:
    """External ids of the partners for each open need of the region."""
    with database.reading(SYSTEM) as session:
        names = {str(row.id): str(row.external_id) for row in session.scalars(select(Partner))}
        needs = session.scalars(select(Need).where(Need.status == NeedStatus.OPEN)).all()
        asked = {
            str(need.external_id): (
                query_of(need),
                encoder.encode([query_text(need)], role="query")[0],
            )
            for need in needs
        }
    return {
        key: [
            names[match.partner.id]
            for match in rank(query, vector, corpus, candidates=candidates).matches
        ]
        for key, (query, vector) in asked.items()
    }


def test_the_sample_has_the_same_lists(
    database: Database, migrated_file: Path, tmp_path: Path
) -> None:
    encoder = make_encoder("hashing")
    searched = _searched_by_pgvector(database, encoder, _corpus(database, encoder))
    with _on_sqlite(migrated_file, tmp_path) as embedded:
        held = _corpus(embedded, encoder)
        for candidates in (10, CANDIDATES):  # the first lets the two searches choose
            ours = _lists(embedded, encoder, held, candidates)
            theirs = _lists(database, encoder, searched, candidates)
            assert ours.keys() == theirs.keys()
            assert len(ours) > 40
            overlaps = [rank_biased_overlap(ours[need], theirs[need]) for need in ours]
            assert fmean(overlaps) >= 0.98
