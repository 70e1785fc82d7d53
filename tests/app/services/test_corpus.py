"""The corpus in memory never goes backwards, never writes, and drops what is gone."""

import threading

import numpy as np
from sqlalchemy import func, select

from app.db import Database
from app.services.corpus import CorpusCache
from matching.encoders import CachedEncoder
from matching.encoders.hashing import HashingEncoder
from models import Capability, Embedding
from tests.factories import make_capability, make_cluster, make_need, make_partner


def cache(inline: int = 32) -> CorpusCache:
    return CorpusCache(HashingEncoder(), inline=inline)


def test_a_change_of_anything_matched_raises_the_revision(database: Database) -> None:
    corpora = cache()
    seen = []
    with database.writing() as session:
        partner = make_partner(session)
    for change in (make_capability, None):
        with database.reading() as session:
            seen.append(corpora.current(session).revision)
        if change is not None:
            with database.writing() as session:
                change(session, partner)
    assert seen[0] < seen[1]


def test_a_need_does_not_rebuild_the_corpus(database: Database) -> None:
    corpora = cache()
    with database.writing() as session:
        make_capability(session, make_partner(session))
        need = make_need(session)
    with database.reading() as session:
        before = corpora.current(session)
    with database.writing() as session:
        make_need(session, organisation_id=need.organisation_id)
    with database.reading() as session:
        assert corpora.current(session) is before


def test_an_older_snapshot_does_not_bring_back_an_older_corpus(database: Database) -> None:
    corpora = cache()
    with database.writing() as session:
        partner = make_partner(session)
        make_capability(session, partner)
    with database.reading() as old:
        corpora.current(old)  # its snapshot is taken here
        with database.writing() as session:
            make_capability(session, partner, title_en="Another paper")
        with database.reading() as new:
            latest = corpora.current(new)
        assert len(latest.corpus.evidence) == 2
        assert corpora.current(old) is latest


def test_new_texts_are_embedded_without_writing(database: Database) -> None:
    corpora = cache()
    missing = threading.Event()
    corpora.on_missing = missing.set
    with database.writing() as session:
        make_capability(session, make_partner(session))
    with database.writing() as blocking:
        make_cluster(blocking)  # holds the one write lock
        with database.reading() as session:
            loaded = corpora.current(session)
    assert loaded.corpus.has_vector.all()
    assert missing.is_set()
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Embedding)) == 0


def test_too_many_new_texts_wait_for_the_background(database: Database) -> None:
    corpora = cache(inline=1)
    with database.writing() as session:
        partner = make_partner(session)
        for title in ("One", "Two"):
            make_capability(session, partner, title_en=f"{title} citrus paper")
    with database.reading() as session:
        loaded = corpora.current(session)
    assert loaded.corpus.pending == 2
    assert not loaded.corpus.has_vector.any()


def test_a_changed_and_a_deleted_capability(database: Database) -> None:
    corpora = cache()
    with database.writing() as session:
        partner = make_partner(session)
        changed, gone = (
            make_capability(session, partner),
            make_capability(session, partner, title_en="Another paper"),
        )
    with database.reading() as session:
        before = corpora.current(session).corpus
    with database.writing() as session:
        row = session.get_one(Capability, changed.id)
        row.title_en, row.content_hash = "Welding of aluminium", "0" * 64
        session.delete(session.get_one(Capability, gone.id))
    with database.reading() as session:
        after = corpora.current(session).corpus
    assert [piece.text for piece in after.evidence] == ["Welding of aluminium"]
    assert not np.allclose(after.vectors.at(np.arange(1)), before.vectors.at(np.arange(1)))


def test_remembered_sentences_go_with_a_capability(database: Database) -> None:
    encoder = CachedEncoder(HashingEncoder(), 10)
    corpora = CorpusCache(encoder, inline=32)
    with database.writing() as session:
        piece = make_capability(session, make_partner(session))
    with database.reading() as session:
        corpora.current(session)
    encoder.encode(["A sentence of hers."])
    assert encoder.remembered
    with database.writing() as session:
        session.delete(session.get_one(Capability, piece.id))
    with database.reading() as session:
        corpora.current(session)
    assert encoder.remembered == 0
