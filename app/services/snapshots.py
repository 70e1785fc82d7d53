"""Snapshots of the corpus on disk, from which a process starts without reading every row.

A snapshot is believed only if the database names it (`models.CorpusSnapshot`), it was made of what
this process would make it of, and its checksums are right. One that is being written, left half by
a crash, of another database or of a state that a restored database never had is named by nobody.
"""

import fcntl
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

import matching
from app.contexts import SYSTEM
from app.db import Database
from app.services.changes import State, state_of
from matching.corpus import Corpus
from matching.encoders import Encoder
from matching.snapshot import SnapshotError
from matching.text import words_id
from models import CorpusRevision, CorpusSnapshot, new_id

logger = logging.getLogger(__name__)

FOLDER: Final = "snapshots"
"""In the data folder."""
LOCK: Final = "lock"
"""Whoever writes or removes snapshots holds this file locked; who reads them does not."""
POLL_SECONDS: Final = 0.1

Reached = Callable[[str], None]


def unwatched(_name: str) -> None:
    """Where nobody watches the steps."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A corpus from a snapshot, and the revision of the data that it holds."""

    corpus: Corpus
    revision: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A snapshot that lies here."""

    path: Path
    revision: int
    id: UUID


class Snapshots:
    """The snapshots of one machine. Several processes may use the folder at once."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / FOLDER

    def open_newest(
        self, session: Session, encoder: Encoder, state: State, *, after: int = -1
    ) -> Opened | None:
        """The newest snapshot that may be used and is later than revision `after`, if any.

        One that is damaged is removed.
        """
        usable = (
            CorpusSnapshot.made_of == made_of(encoder),
            CorpusSnapshot.revision <= state.revision,
            CorpusSnapshot.revision >= max(state.complete_from, state.erased),
            CorpusSnapshot.revision > after,
        )
        named = select(CorpusSnapshot.id).where(*usable)
        ids = set(session.scalars(named))
        here = [one for one in self.stored(state.identity) if one.id in ids]
        for one in sorted(here, key=lambda one: one.revision, reverse=True):
            try:
                return Opened(Corpus.open(one.path), one.revision)
            except (SnapshotError, OSError) as error:
                logger.warning("The snapshot %s cannot be used (%s): removed.", one.path, error)
                shutil.rmtree(one.path, ignore_errors=True)
        return None

    def stored(self, identity: str) -> list[Stored]:
        """The snapshots of that database that lie here, named by it or not."""
        found = []
        with suppress(OSError):
            for path in self._home(identity).iterdir():
                revision, _, key = path.name.partition("-")
                with suppress(ValueError):
                    found.append(Stored(path, int(revision), UUID(key)))
        return found

    @staticmethod
    def named(session: Session, state: State) -> set[UUID]:
        """Ids of the snapshots that the database names, of this machine or another."""
        statement = select(CorpusSnapshot.id).where(CorpusSnapshot.revision >= state.erased)
        return set(session.scalars(statement))

    @contextmanager
    def alone(self, patience: float = 0.0) -> Iterator[bool]:
        """True if no other process of this machine writes or removes snapshots in this block.

        Waits at most `patience` seconds for one that does.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        until = time.monotonic() + patience
        descriptor = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not (mine := _locked(descriptor)) and time.monotonic() < until:
                time.sleep(POLL_SECONDS)
            yield mine
        finally:
            os.close(descriptor)

    def save(
        self,
        database: Database,
        encoder: Encoder,
        corpus: Corpus,
        revision: int,
        *,
        reached: Reached = unwatched,
    ) -> bool:
        """Save a corpus of that revision and remove older ones; False if it may not be kept.

        Only in a block that is `alone`. A disk that is full is reported and harms nothing.
        """
        with database.reading(SYSTEM) as session:
            state = state_of(session)
            self.sweep(session, state)
        if revision < max(state.complete_from, state.erased):
            return False
        home, key = self._home(state.identity), new_id()
        path = home / f"{revision}-{key.hex}"
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            reached("snapshot.saving")
            corpus.save(path)
            reached("snapshot.saved")
            kept = self._name(database, encoder, key, revision)
            reached("snapshot.named")
        except (OSError, SQLAlchemyError) as error:
            logger.error(  # noqa: TRY400 - a sentence that says what happened
                "No snapshot of the corpus was saved in %s (%s): the next start reads all rows.",
                home,
                _reason(error),
            )
            kept = False
        with database.reading(SYSTEM) as session:
            self.sweep(session, state_of(session))
        reached("snapshot.swept")
        return kept

    def tidy(self, session: Session, state: State) -> None:
        """As `sweep`, unless there is nothing or another process is at it."""
        if self._home(state.identity).exists():
            with self.alone() as mine:
                if mine:
                    self.sweep(session, state)

    def sweep(self, session: Session, state: State) -> None:
        """Remove what the database does not name, and what a process was killed at.

        Only in a block that is `alone`.
        """
        named = self.named(session, state)
        kept = {one.path for one in self.stored(state.identity) if one.id in named}
        with suppress(OSError):
            for path in self._home(state.identity).iterdir():
                if path not in kept:
                    with suppress(OSError):
                        _remove(path)

    def remove_all(self, patience: float = 0.0) -> bool:
        """Remove every snapshot of every database; False if another process keeps writing one.

        The database must have forbidden them before (`note_erasure`), so that none comes back.
        """
        if not self.folder.exists():
            return True
        with self.alone(patience) as mine:
            if mine:
                for path in self.folder.iterdir():
                    if path.name != LOCK:
                        _remove(path)
        return mine

    def _home(self, identity: str) -> Path:
        return self.folder / (identity[:12] or "unnamed")

    def _name(self, database: Database, encoder: Encoder, key: UUID, revision: int) -> bool:
        """Have the database name it, in the place of older ones of this machine."""
        with database.writing(SYSTEM) as session:
            session.execute(select(CorpusRevision.value).with_for_update())
            state = state_of(session)
            if revision < max(state.complete_from, state.erased):
                return False  # somebody was erased meanwhile
            here = [one.id for one in self.stored(state.identity) if one.id != key]
            useless = CorpusSnapshot.revision < max(state.complete_from, state.erased)
            session.execute(delete(CorpusSnapshot).where(CorpusSnapshot.id.in_(here) | useless))
            session.add(CorpusSnapshot(id=key, revision=revision, made_of=made_of(encoder)))
        return True


def _remove(path: Path) -> None:
    """A folder, or whatever else somebody has put there; of a link never what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _reason(error: Exception) -> str:
    """Without what a database's message may quote."""
    return str(error.strerror) if isinstance(error, OSError) else type(error).__name__


def made_of(encoder: Encoder) -> str:
    """What a corpus depends on besides the rows: encoder, words, and the engine's program."""
    parts = (encoder.id, words_id(), _program())
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@cache
def _program() -> str:
    """Digest of the engine's source: a new version may count words or lay out files anew."""
    found = hashlib.sha256()
    for folder in matching.__path__:
        for file in sorted(Path(folder).rglob("*.py")):
            found.update(file.read_bytes())
    return found.hexdigest()
