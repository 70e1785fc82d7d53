"""The corpus in memory, kept in step with the rows.

Each process holds one immutable `Corpus`. Every transaction that changes what is matched raises
the corpus revision in the database; a request that finds a newer revision than its corpus has
makes a new one first. A change is therefore seen by the very next request of every process.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.db import Database
from app.services.capabilities import passage_of
from app.services.embeddings import PARAMETERS, load_vectors
from app.services.match_answers import MatchAnswers
from app.services.need_scores import NeedScoresCache
from matching.corpus import Corpus, Evidence, Partner, Period
from matching.encoders import WORDS_ONLY, CachedEncoder, Encoder, Vectors
from matching.lexical import TermCounts, count_terms
from matching.model import Model
from models import Capability, CorpusRevision
from models import Partner as PartnerRow

NEED_SCORES: Final = 5000
"""Needs whose lists are remembered: of at most 400 candidates each, some 35 MB in all."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A corpus and the revision of the data that it holds."""

    corpus: Corpus
    revision: int


@dataclass(frozen=True, slots=True)
class Piece:
    """What is kept of a capability from one corpus to the next."""

    updated_at: datetime
    content_hash: str
    evidence: Evidence
    terms: TermCounts


class CorpusCache:
    """The newest corpus, made when it is asked for and out of date.

    It only reads: vectors that it has to compute are left to the background to store, so that no
    request waits for a writer.
    """

    def __init__(self, encoder: Encoder, *, inline: int, like: "CorpusCache | None" = None) -> None:
        """`like` is a cache for another encoder: what does not depend on that is taken over."""
        self._encoder = encoder
        self._inline = inline
        self._lock = threading.Lock()
        self._loaded: Loaded | None = None
        self._pieces: dict[UUID, Piece] = {} if like is None else like._pieces
        self._vectors: dict[str, Vectors] = {}
        self.on_missing: Callable[[], None] = lambda: None
        """Called when texts without a stored vector were met."""

    def ready(self, session: Session) -> Loaded | None:
        """What is in memory, current or not; None at the start. Fails if the database does."""
        self._revision(session)
        return self._loaded

    def current(self, session: Session) -> Loaded:
        """The corpus of the session's present revision, or a newer one.

        Up to `inline` new texts are embedded here and now; if there are more, they count by their
        words alone until the background has embedded them.
        """
        return self._at_least(session, self._revision(session), renew_pending=False)

    def renew(self, session: Session) -> None:
        """Make the corpus anew if the revision has changed or vectors were still missing."""
        self._at_least(session, self._revision(session), renew_pending=True)

    @staticmethod
    def _revision(session: Session) -> int:
        return session.scalar(select(CorpusRevision.value)) or 0

    def _at_least(self, session: Session, revision: int, *, renew_pending: bool) -> Loaded:
        def is_enough(loaded: Loaded | None) -> bool:
            if loaded is None or loaded.revision < revision:
                return False
            return not (renew_pending and loaded.corpus.pending)

        loaded = self._loaded  # read once: another thread may replace it at any time
        if loaded is not None and is_enough(loaded):
            return loaded
        with self._lock:
            loaded = self._loaded
            if loaded is None or not is_enough(loaded):
                loaded = self._loaded = self._load(session, revision)
            return loaded

    def _load(self, session: Session, revision: int) -> Loaded:
        partners = [partner_value(row) for row in _partner_rows(session)]
        self._pieces, before = self._renew_pieces(session), self._pieces
        if before.keys() - self._pieces.keys() and isinstance(self._encoder, CachedEncoder):
            self._encoder.forget()  # of somebody who was erased, sentences may be remembered
        pieces = list(self._pieces.values())
        pending = self._renew_vectors(session, pieces)
        nothing = np.zeros(self._encoder.dimension, np.float32)
        vectors = [self._vectors.get(piece.content_hash, nothing) for piece in pieces]
        corpus = Corpus.build(
            partners,
            [piece.evidence for piece in pieces],
            np.stack(vectors) if vectors else np.zeros((0, len(nothing)), np.float32),
            [piece.terms for piece in pieces],
            pending=pending,
        )
        return Loaded(corpus, revision)

    def _renew_pieces(self, session: Session) -> dict[UUID, Piece]:
        """All capabilities in the order of their ids; only new and changed rows are read whole."""
        stamps = session.execute(select(Capability.id, Capability.updated_at))
        known = {row.id: row.updated_at for row in stamps.all()}
        kept = {
            key: piece for key, piece in self._pieces.items() if known.get(key) == piece.updated_at
        }
        remaining = iter(known.keys() - kept.keys())
        while some := list(islice(remaining, PARAMETERS)):
            for row in session.scalars(select(Capability).where(Capability.id.in_(some))):
                kept[row.id] = _piece(row)
        return {key: kept[key] for key in sorted(kept)}

    def _renew_vectors(self, session: Session, pieces: list[Piece]) -> int:
        """Bring the vectors up to these pieces; returns how many are left to the background."""
        texts = {piece.content_hash: piece.evidence.text for piece in pieces}
        kept = {key: self._vectors[key] for key in texts if key in self._vectors}
        kept |= load_vectors(session, texts.keys() - kept.keys(), self._encoder, "passage")
        missing = [key for key in texts if key not in kept]
        if missing:
            self.on_missing()
        if len(missing) <= self._inline:
            fresh = self._encoder.encode([texts[key] for key in missing]) if missing else ()
            kept |= dict(zip(missing, fresh, strict=True))
            missing = []
        self._vectors = kept
        return len(missing)


@dataclass(frozen=True, slots=True)
class Engine:
    """What a request needs in order to rank, all of it for one encoder."""

    database: Database
    encoder: CachedEncoder
    corpora: CorpusCache
    need_scores: NeedScoresCache
    model: Model
    answers: MatchAnswers = field(default_factory=MatchAnswers, compare=False)

    @classmethod
    def make(
        cls,
        database: Database,
        encoder: Encoder,
        *,
        inline: int,
        sentence_cache: int,
        model: Model | None = None,
        like: "Engine | None" = None,
    ) -> "Engine":
        """An engine on a database; nothing is loaded yet.

        `like` is an engine on the same database for another encoder, to spare reading texts twice.
        """
        cached = CachedEncoder(encoder, sentence_cache)
        corpora = CorpusCache(cached, inline=inline, like=None if like is None else like.corpora)
        model = model or Model()
        need_scores = NeedScoresCache(NEED_SCORES, model.signals)
        return cls(database, cached, corpora, need_scores, model)

    @property
    def reads(self) -> bool:
        """False if it has no encoder and ranks by words alone."""
        return self.encoder.id != WORDS_ONLY


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
    return Partner(
        id=str(row.id),
        kind=row.kind,
        organisation=None if organisation is None else str(organisation.id),
        clusters=frozenset(cluster.slug for cluster in row.clusters),
        prefecture=None if organisation is None else organisation.prefecture,
        city=None if organisation is None else organisation.city,
        engagement_types=frozenset(row.engagement_types),
        unavailable=tuple(Period(u.start, u.end) for u in row.unavailable),
    )


def _piece(row: Capability) -> Piece:
    text = passage_of(row)
    evidence = Evidence(
        id=str(row.id),
        partner=str(row.partner_id),
        text=text,
        kind=row.kind,
        external_id=row.external_id,
        year=row.year,
    )
    return Piece(row.updated_at, row.content_hash, evidence, count_terms(text))
