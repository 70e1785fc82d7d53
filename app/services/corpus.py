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
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.db import Database
from app.metrics import building_index
from app.services.changes import State, has_changes, state_of
from app.services.corpus_reading import LARGE, CorpusReader, Loaded
from app.services.corpus_vectors import (
    ServerSearch,
)
from app.services.match_answers import MatchAnswers
from app.services.need_scores import NeedScoresCache
from app.services.snapshots import Reached, Snapshots, unwatched
from app.services.vector_search_pg import Choice
from matching.encoders import WORDS_ONLY, CachedEncoder, Encoder
from matching.model import Model
from models import CorpusRevision

NEED_SCORES: Final = 5000
"""Needs whose lists are remembered: of at most 400 candidates each, some 35 MB in all."""
DRIFT: Final = 0.2
"""Share of rows in changed parts above which the corpus is made anew in the background."""
STALE_SECONDS: Final = 86_400.0
"""So long at most a corpus and its snapshot may hold what has been deleted."""
REST: Final = 5.0
"""Between two builds in the background, in durations of a build."""


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
        self._snapshots = snapshots
        self._reader: CorpusReader = CorpusReader(
            encoder,
            inline=inline,
            like=None if like is None else like._reader,
            large=large,
            server=server,
            on_missing=lambda: self.on_missing(),  # noqa: PLW0108 - it is set later
        )
        self._lock = threading.Lock()
        self._building = threading.Lock()
        self._loaded: Loaded | None = None
        self._unsaved: Loaded | None = None
        self._erased = 0
        self._since = self._rests_until = 0.0
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
        if (
            loaded is None
            or not self._reader.is_large(loaded)
            or time.monotonic() < self._rests_until
        ):
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
        if loaded is not None and not loaded.is_elsewhere:
            self._replace(database, self._built(database))

    @staticmethod
    def _revision(session: Session) -> int:
        return session.scalar(select(CorpusRevision.value)) or 0

    def _at_least(self, session: Session, revision: int, *, renew_pending: bool) -> Loaded:
        def is_enough(loaded: Loaded | None) -> bool:
            if loaded is None or loaded.revision < revision:
                return False
            return not (renew_pending and loaded.waiting)

        if has_changes(session):
            # What may yet be rolled back must reach nobody else.
            return self._reader.build(session, state_of(session))
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
            after = self._reader.followed(session, before, state, renew_pending=renew_pending)
            if after is not None:
                return after
        built = self._reader.build(session, state)
        self._reader.forget_sentences(before, built)
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
        return self._reader.is_large(loaded) and not loaded.waiting and not loaded.is_elsewhere

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
            return self._reader.build(session, state_of(session))

    def _replace(self, database: Database, fresh: Loaded) -> None:
        """Use a fresh corpus from now on, brought up to what has changed since it was made."""
        with self._lock, database.reading(SYSTEM) as session:
            state = state_of(session)
            followed = self._reader.followed(session, fresh, state, renew_pending=False)
            if followed is None:
                return  # everything has changed: the next request makes it anew
            if self._loaded is not None and followed.revision < self._loaded.revision:
                return  # of a copy of the database that lags behind
            self._loaded = followed
            self._since = time.monotonic()


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
