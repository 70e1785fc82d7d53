"""The corpus in memory, kept in step with the rows.

Each process holds one immutable `Corpus`. Every transaction that changes what is matched raises
the corpus revision in the database; a request that finds a newer revision than its corpus has
makes a new one first. A change is therefore seen by the very next request of every process.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.db import Database
from app.jobs import embed_texts
from app.services.capabilities import passage_of
from app.services.embeddings import load_vectors
from matching.corpus import Corpus, Evidence, Partner, Period
from matching.encoders import CachedEncoder, Encoder, Vectors
from matching.lexical import TermCounts, count_terms
from models import Capability, CorpusRevision
from models import Partner as PartnerRow

STALE: Final = -1


@dataclass(frozen=True, slots=True)
class Loaded:
    """A corpus and the revision of the data that it holds."""

    corpus: Corpus
    revision: int


class CorpusCache:
    """The newest corpus, made when it is asked for and out of date."""

    def __init__(self, database: Database, encoder: Encoder, *, inline: int) -> None:
        self._database = database
        self._encoder = encoder
        self._inline = inline
        self._lock = threading.Lock()
        self._loaded: Loaded | None = None
        self._revision = STALE
        self._terms: dict[str, TermCounts] = {}
        self._vectors: dict[str, Vectors] = {}
        self.on_pending: Callable[[], None] = lambda: None
        """Called when texts were left for the background to embed."""

    @property
    def latest(self) -> Loaded | None:
        """What is in memory now, without looking whether it is still current; None at the start."""
        return self._loaded

    def current(self, session: Session) -> Loaded:
        """The corpus of the session's present revision.

        Up to `inline` new texts are embedded here and now; if there are more, they count by their
        words alone until the background has embedded them.
        """
        revision = session.scalar(select(CorpusRevision.value)) or 0
        loaded = self._loaded
        if loaded is not None and self._revision == revision:
            return loaded
        with self._lock:
            if self._loaded is None or self._revision != revision:
                self._loaded = self._load(session, revision)
                self._revision = revision
            return self._loaded

    def refresh(self) -> None:
        """Make the corpus anew if the revision has changed or vectors were still missing."""
        with self._lock:
            if self._loaded is not None and self._loaded.corpus.pending:
                self._revision = STALE
        with self._database.reading() as session:
            self.current(session)

    def _load(self, session: Session, revision: int) -> Loaded:
        partners = [partner_value(row) for row in _partner_rows(session)]
        rows = session.scalars(select(Capability).order_by(Capability.id)).all()
        texts = {row.content_hash: passage_of(row) for row in rows}
        pending = self._renew_vectors(session, texts)
        self._terms = {
            key: self._terms.get(key) or count_terms(text) for key, text in texts.items()
        }
        nothing = np.zeros(self._encoder.dimension, np.float32)
        corpus = Corpus.build(
            partners,
            [evidence_value(row, texts[row.content_hash]) for row in rows],
            np.stack([self._vectors.get(row.content_hash, nothing) for row in rows])
            if rows
            else np.zeros((0, self._encoder.dimension), np.float32),
            [self._terms[row.content_hash] for row in rows],
            pending=pending,
        )
        return Loaded(corpus, revision)

    def _renew_vectors(self, session: Session, texts: dict[str, str]) -> int:
        """Bring the vectors up to these texts; returns how many are left to the background."""
        kept = {key: self._vectors[key] for key in texts if key in self._vectors}
        absent = texts.keys() - kept.keys()
        kept |= load_vectors(session, absent, self._encoder, "passage")
        missing = {key: text for key, text in texts.items() if key not in kept}
        if missing and len(missing) <= self._inline:
            kept |= embed_texts(self._database, self._encoder, missing)
            missing = {}
        self._vectors = kept
        if missing:
            self.on_pending()
        return len(missing)


@dataclass(frozen=True, slots=True)
class Engine:
    """What a request needs in order to rank."""

    database: Database
    encoder: CachedEncoder
    corpora: CorpusCache

    @classmethod
    def make(
        cls, database: Database, encoder: Encoder, *, inline: int, sentence_cache: int
    ) -> "Engine":
        """An engine on a database; nothing is loaded yet."""
        return cls(
            database,
            CachedEncoder(encoder, sentence_cache),
            CorpusCache(database, encoder, inline=inline),
        )


def _partner_rows(session: Session) -> Iterable[PartnerRow]:
    statement = (
        select(PartnerRow)
        .order_by(PartnerRow.id)
        .options(selectinload(PartnerRow.clusters), selectinload(PartnerRow.unavailable))
    )
    return session.scalars(statement).all()


def partner_value(row: PartnerRow) -> Partner:
    """A partner as the engine sees it."""
    organisation = row.organisation
    clusters = {cluster.slug for cluster in row.clusters}
    return Partner(
        id=str(row.id),
        kind=row.kind,
        organisation=None if organisation is None else str(organisation.id),
        clusters=frozenset(clusters),
        prefecture=None if organisation is None else organisation.prefecture,
        city=None if organisation is None else organisation.city,
        engagement_types=frozenset(row.engagement_types),
        unavailable=tuple(Period(u.start, u.end) for u in row.unavailable),
    )


def evidence_value(row: Capability, text: str) -> Evidence:
    """A capability as the engine sees it."""
    return Evidence(
        id=str(row.id),
        partner=str(row.partner_id),
        text=text,
        kind=row.kind,
        external_id=row.external_id,
        year=row.year,
    )
