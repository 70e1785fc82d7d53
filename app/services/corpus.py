"""The corpus in memory, kept in step with the rows.

Each process holds one immutable `Corpus`. Every transaction that changes what is matched raises
the corpus revision in the database and logs the partners it touched (`app.changes`); a request
that finds a newer revision than its corpus has brings it up to that first. A change is therefore
seen by the very next request of every process. A small corpus is made anew each time. Of a large
one only the partners in the log are read, and it is made anew in the background now and then; a
snapshot on disk spares the next start from reading all rows.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.db import Database
from app.metrics import building_index
from app.services.changes import State, changed_since, has_changes, state_of
from app.services.corpus_rows import Rows, partner_value, read_all, read_some
from app.services.corpus_vectors import (
    FoundVectors,
    ServerSearch,
    find_all_vectors,
    find_vectors,
    stored_by_now,
)
from app.services.counting import count_many
from app.services.match_answers import MatchAnswers
from app.services.need_scores import NeedScoresCache
from app.services.snapshots import Reached, Snapshots, unwatched
from app.services.vector_search_pg import Choice
from matching.corpus import Corpus, Evidence
from matching.counted import Counted
from matching.encoders import WORDS_ONLY, CachedEncoder, Encoder
from matching.lexical import TermCounts, count_terms
from matching.model import Model
from matching.vectors import VectorIndex
from models import CorpusRevision

__all__ = ["CorpusCache", "Engine", "Loaded", "partner_value"]

NEED_SCORES: Final = 5000
"""Needs whose lists are remembered: of at most 400 candidates each, some 35 MB in all."""
LARGE: Final = 5000
"""Pieces of evidence from which on a corpus is changed in parts and has snapshots."""
MOST: Final = 0.5
"""Share of the partners; if more have changed, the corpus is made anew at once."""
DRIFT: Final = 0.2
"""Share of rows in changed parts above which the corpus is made anew in the background."""
STALE_SECONDS: Final = 86_400.0
"""So long at most a corpus and its snapshot may hold what has been deleted."""
MANY: Final = 10_000
"""Texts waiting for vectors, above which it is not asked all the time which have arrived."""
REST: Final = 5.0
"""Between two builds in the background, in durations of a build."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A corpus and the revision of the data that it holds."""

    corpus: Corpus
    revision: int
    base: int = 0
    """The revision at which it was last made from all rows."""
    waiting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Texts, by content hash, without a vector yet, and whose they are."""


class CorpusCache:
    """The newest corpus, brought up to date when it is asked for.

    It only reads: vectors that it has to compute are left to the background to store, so that no
    request waits for a writer.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        inline: int,
        like: "CorpusCache | None" = None,
        snapshots: Snapshots | None = None,
        large: int = LARGE,
        server: ServerSearch | None = None,
    ) -> None:
        """`like` is a cache for another encoder: what does not depend on that is taken over.

        Without `snapshots` nothing is read from or written to the disk; without `server` vectors
        are searched in this process.
        """
        self._encoder = encoder
        self._inline = inline
        self._snapshots = snapshots
        self._large = large
        self._server = server
        self._lock = threading.Lock()
        self._building = threading.Lock()
        self._loaded: Loaded | None = None
        self._terms: dict[str, TermCounts] = {} if like is None else like._terms
        self._unsaved: Loaded | None = None
        self._erased = 0
        self._since = self._rests_until = self._asks_again_at = 0.0
        self.on_missing: Callable[[], None] = lambda: None
        """Called when texts without a stored vector were met."""

    def ready(self, session: Session) -> Loaded | None:
        """What is in memory, current or not; None at the start. Fails if the database does."""
        self._revision(session)
        return self._loaded

    @property
    def held(self) -> Loaded | None:
        """What is in memory, current or not; None at the start."""
        return self._loaded

    def current(self, session: Session) -> Loaded:
        """The corpus of the session's present revision, or a newer one.

        Up to `inline` new texts are embedded here and now; if there are more, they count by their
        words alone until the background has embedded them. A session that has changed what is
        matched and not committed it gets a corpus of its own.
        """
        return self._at_least(session, self._revision(session), renew_pending=False)

    def renew(self, session: Session) -> None:
        """Bring the corpus up to the revision, and take in vectors that have arrived."""
        self._at_least(session, self._revision(session), renew_pending=True)

    @property
    def waits(self) -> bool:
        """True if there is something to do even if no change is heard of: vectors, or a build."""
        loaded = self._loaded
        return self.wants_build or (loaded is not None and bool(loaded.waiting))

    @property
    def wants_build(self) -> bool:
        """True if `rebuild` has something to do."""
        loaded = self._loaded
        if loaded is None or not self._is_large(loaded) or time.monotonic() < self._rests_until:
            return False
        if self._unsaved is not None and self._snapshots is not None:
            return True
        drift = loaded.corpus.drift
        is_stale = drift > 0 and time.monotonic() - self._since > STALE_SECONDS
        return drift > DRIFT or is_stale or loaded.base < self._erased

    def rebuild(self, database: Database, *, reached: Reached = unwatched) -> None:
        """Make a large corpus anew from all rows and save it, while requests use the present one.

        Of the processes on one machine one does it at a time; the others open what it has saved.
        """
        if not self._building.acquire(blocking=False):
            return
        started = time.monotonic()
        try:
            if self._snapshots is None:
                self._replace(database, self._built(database))
            else:
                self._rebuild(database, self._snapshots, reached)
        finally:
            self._rests_until = time.monotonic() + REST * (time.monotonic() - started)
            self._building.release()

    def leave_to_the_server(self, database: Database) -> None:
        """Have the database search the vectors, which it can now, if they are still held here."""
        loaded = self._loaded
        if loaded is not None and not _is_elsewhere(loaded):
            self._replace(database, self._built(database))

    @staticmethod
    def _revision(session: Session) -> int:
        return session.scalar(select(CorpusRevision.value)) or 0

    def _is_large(self, loaded: Loaded) -> bool:
        return len(loaded.corpus.evidence) >= self._large

    def _at_least(self, session: Session, revision: int, *, renew_pending: bool) -> Loaded:
        def is_enough(loaded: Loaded | None) -> bool:
            if loaded is None or loaded.revision < revision:
                return False
            return not (renew_pending and loaded.waiting)

        if has_changes(session):
            # What may yet be rolled back must reach nobody else.
            return self._build(session, state_of(session))
        loaded = self._loaded  # read once: another thread may replace it at any time
        if loaded is not None and is_enough(loaded):
            return loaded
        with self._lock:
            loaded = self._loaded
            if loaded is None or not is_enough(loaded):
                with building_index():
                    loaded = self._loaded = self._load(session, renew_pending=renew_pending)
            return loaded

    def _load(self, session: Session, *, renew_pending: bool) -> Loaded:
        state = state_of(session)
        self._erased = state.erased
        before = self._loaded or self._started(session, state)
        if before is not None:
            after = self._followed(session, before, state, renew_pending=renew_pending)
            if after is not None:
                return after
        built = self._build(session, state)
        self._forget_sentences(before, built)
        self._since = time.monotonic()
        self._unsaved = built if self._may_be_saved(built) else None
        return built

    def _started(self, session: Session, state: State) -> Loaded | None:
        """From a snapshot, at the start of the process."""
        if self._snapshots is not None:
            self._snapshots.tidy(session, state)
        return self._opened(session, state)

    def _opened(self, session: Session, state: State, *, after: int = -1) -> Loaded | None:
        if self._snapshots is None:
            return None
        opened = self._snapshots.open_newest(session, self._encoder, state, after=after)
        if opened is None:
            return None
        self._since = time.monotonic()
        return Loaded(opened.corpus, opened.revision, opened.revision)

    def _may_be_saved(self, loaded: Loaded) -> bool:
        return self._is_large(loaded) and not loaded.waiting and not _is_elsewhere(loaded)

    def _build(self, session: Session, state: State) -> Loaded:
        """From all rows."""
        rows = read_all(session)
        terms = self._count(rows.evidence)
        found = find_all_vectors(session, self._encoder, rows, self._server)
        vectors, waiting = found.vectors, self._fill(found, rows)
        corpus = Corpus.build(
            rows.partners,
            rows.evidence,
            vectors,
            terms,
            pending=len(waiting),
        )
        return Loaded(corpus, state.revision, state.revision, waiting)

    def _count(self, evidence: Sequence[Evidence]) -> Sequence[TermCounts] | Counted:
        """The words of these texts; those of a small corpus are remembered."""
        if len(evidence) >= self._large > 0:
            self._terms = {}
            return count_many([piece.text for piece in evidence])
        known = self._terms
        terms = [known.get(piece.text) or count_terms(piece.text) for piece in evidence]
        self._terms = {piece.text: one for piece, one in zip(evidence, terms, strict=True)}
        return terms

    def _followed(
        self, session: Session, before: Loaded, state: State, *, renew_pending: bool
    ) -> Loaded | None:
        """The corpus with what has changed since; None if it is to be made anew."""
        if state.revision < before.revision:
            return before  # rows of an older session must not come back
        if state.complete_from > before.revision:
            return None
        touched = set(map(str, changed_since(session, before.revision)))
        if renew_pending:
            touched |= self._arrived(session, before)
        if not touched:
            return replace(before, revision=state.revision)
        if not self._is_large(before) or len(touched) > MOST * len(before.corpus.partners):
            return None
        rows = read_some(session, [UUID(key) for key in sorted(touched)])
        terms = [count_terms(piece.text) for piece in rows.evidence]
        vectors, missing = find_vectors(session, self._encoder, rows.hashes)
        fresh = self._fill(FoundVectors(vectors, missing), rows)
        waiting = _without(before.waiting, touched) | fresh
        corpus = before.corpus.changed(
            rows.partners,
            rows.evidence,
            vectors,
            terms,
            gone=touched - {partner.id for partner in rows.partners},
            pending=len(waiting),
        )
        after = Loaded(corpus, state.revision, before.base, waiting)
        self._forget_sentences(before, after, of=touched)
        return after

    def _arrived(self, session: Session, before: Loaded) -> set[str]:
        """Partners of whose texts a vector is stored by now."""
        if len(before.waiting) > MANY and time.monotonic() < self._asks_again_at:
            return set()
        started = time.monotonic()
        arrived = stored_by_now(session, self._encoder, before.waiting.keys())
        self._asks_again_at = time.monotonic() + 10 * (time.monotonic() - started)
        return {owner for key in arrived for owner in before.waiting[key]}

    def _fill(self, found: FoundVectors, rows: Rows) -> dict[str, tuple[str, ...]]:
        """Embed what is missing if that is little; returns what is left to the background."""
        texts = {rows.hashes[row]: rows.evidence[row].text for row in found.missing}
        if not texts:
            return {}
        self.on_missing()
        if len(texts) <= self._inline and isinstance(found.vectors, np.ndarray):
            encoded = self._encoder.encode(list(texts.values()))
            fresh = dict(zip(texts, encoded, strict=True))
            for row in found.missing:
                found.vectors[row] = fresh[rows.hashes[row]]
            return {}
        owners: dict[str, list[str]] = defaultdict(list)
        for row in found.missing:
            owners[rows.hashes[row]].append(rows.evidence[row].partner)
        return {key: tuple(some) for key, some in owners.items()}

    def _forget_sentences(
        self, before: Loaded | None, after: Loaded, of: Collection[str] | None = None
    ) -> None:
        """Of somebody who was erased, sentences may be remembered."""
        if before is None or not isinstance(self._encoder, CachedEncoder):
            return
        if _pieces(before.corpus, of) - _pieces(after.corpus, of):
            self._encoder.forget()

    def _rebuild(self, database: Database, snapshots: Snapshots, reached: Reached) -> None:
        with snapshots.alone() as mine:
            if self._take_over(database) or not mine:
                return
            with database.reading(SYSTEM) as session:
                snapshots.sweep(session, state_of(session))
            built, self._unsaved = self._unsaved, None
            if built is None:
                built = self._built(database)
                self._replace(database, built)
            if self._may_be_saved(built):
                snapshots.save(database, self._encoder, built.corpus, built.base, reached=reached)

    def _take_over(self, database: Database) -> bool:
        """Use a newer snapshot that another process has saved, if there is one."""
        loaded = self._loaded
        with database.reading(SYSTEM) as session:
            state = state_of(session)
            after = -1 if loaded is None else loaded.base
            opened = self._opened(session, state, after=after)
        if opened is None:
            return False
        self._replace(database, opened)
        self._unsaved = None
        return True

    def _built(self, database: Database) -> Loaded:
        with database.reading(SYSTEM) as session:
            return self._build(session, state_of(session))

    def _replace(self, database: Database, fresh: Loaded) -> None:
        """Use a fresh corpus from now on, brought up to what has changed since it was made."""
        with self._lock, database.reading(SYSTEM) as session:
            state = state_of(session)
            followed = self._followed(session, fresh, state, renew_pending=False)
            if followed is None:
                return  # everything has changed: the next request makes it anew
            if self._loaded is not None and followed.revision < self._loaded.revision:
                return  # of a copy of the database that lags behind
            self._loaded = followed
            self._since = time.monotonic()


def _is_elsewhere(loaded: Loaded) -> bool:
    """True if the vectors do not lie in this process: then there is nothing to save or map."""
    return not isinstance((loaded.corpus.base or loaded.corpus).vectors, VectorIndex)


def _without(
    waiting: Mapping[str, tuple[str, ...]], partners: Collection[str]
) -> dict[str, tuple[str, ...]]:
    left = {
        key: tuple(owner for owner in owners if owner not in partners)
        for key, owners in waiting.items()
    }
    return {key: owners for key, owners in left.items() if owners}


def _pieces(corpus: Corpus, of: Collection[str] | None) -> set[str]:
    """Ids of the evidence, of these partners or of all."""
    if of is None:
        return {piece.id for piece in corpus.evidence}
    places = [corpus.position[key] for key in of if key in corpus.position]
    return {piece.id for place in places for piece in corpus.evidence[corpus.rows_of(place)]}


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
        snapshots: Snapshots | None = None,
        vectors: Choice = "memory",
    ) -> "Engine":
        """An engine on a database; nothing is loaded yet.

        `like` is an engine on the same database for another encoder, to spare reading texts twice.
        """
        cached = CachedEncoder(encoder, sentence_cache)
        corpora = CorpusCache(
            cached,
            inline=inline,
            like=None if like is None else like.corpora,
            snapshots=snapshots,
            server=ServerSearch(database, vectors),
        )
        model = model or Model()
        need_scores = NeedScoresCache(NEED_SCORES, model.signals)
        return cls(database, cached, corpora, need_scores, model)

    @property
    def reads(self) -> bool:
        """False if it has no encoder and ranks by words alone."""
        return self.encoder.id != WORDS_ONLY
