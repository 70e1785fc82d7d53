"""Backup and restore of an SQLite database; PostgreSQL has its own tools, see docs/operations.md.

A copy is made by `VACUUM INTO`: one state of the database while others read and write, without
the free pages in which old content may lie.
"""

import fcntl
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace as fields_replaced
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

from app.contexts import SYSTEM
from app.db import BUSY_TIMEOUT_SECONDS, Database
from app.errors import Problem, invalid
from app.jobs.checkpoints import reached
from app.migrations import known_revisions, present_revision
from app.services import backup_manifests
from app.services.backup_manifests import Manifest, beside, describe, require_fitting
from app.services.erasure_ledger import Ledger

PART: Final = ".enmusubi-part"
"""At the end of the name of a copy that is not finished; nobody else's files are called so."""
RESTORED: Final = ".restored"
"""At the end of the name of a copy that is about to be put in the place of the database."""
_BESIDE: Final = ("-wal", "-shm", "-journal")
"""At the ends of the names of what SQLite keeps beside a database."""
SNAPSHOTS: Final = "snapshots"
"""Of the index; their revisions are those of the database that is replaced."""


def back_up(database: Database, ledger: Ledger, target: Path) -> Manifest:
    """Copy the database to a new file, its manifest beside it; both can be read by us alone.

    Problem 422 if it is no SQLite database, or there is such a file; 503 if it cannot be written.
    """
    source = file_of(database)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _tidy(target.parent)
        if target.exists() or beside(target).exists():
            raise invalid("file", f"{target} exists: a backup is never overwritten")
        with _begun(target) as part:
            _copy(source, part)
            reached("backup.copied")
            manifest = _described(part, ledger)
            _write_private(beside(target), backup_manifests.write(manifest))
            reached("backup.described")
            part.replace(target)
            _sync(target.parent)
    except (OSError, sqlite3.Error) as error:
        raise _unwritable(error) from error
    return manifest


@contextmanager
def _begun(target: Path) -> Iterator[Path]:
    """An empty file that is to become `target`; gone in the end if it did not.

    It is locked meanwhile, so that nobody takes it for that of a process which was killed.
    """
    part = target.with_name(target.name + PART)
    descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with suppress(OSError):  # some network drives have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield part
    finally:
        _clear(part)  # whatever went wrong: no erasure would reach it
        os.close(descriptor)


def _tidy(folder: Path) -> None:
    """Remove what backups have left that were killed: half copies, and manifests of none."""
    for part in folder.glob(f"*{PART}"):
        with suppress(OSError), part.open("r+b") as file:
            # Refused while another backup is being made.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _clear(part)


def _clear(part: Path) -> None:
    """Remove an unfinished copy; nothing is left of one that has got its name."""
    if part.exists():
        # Last of all the copy itself: as long as it is there, the next backup clears the rest.
        beside(part.with_name(part.name.removesuffix(PART))).unlink(missing_ok=True)
        _discard(part)


def restore(
    database: Database,
    ledger: Ledger,
    copy: Path,
    *,
    folder: Path,
    now: datetime,
    replace: bool = False,
    ledger_is_lost: bool = False,
) -> tuple[Manifest, Path | None]:
    """Put a copy in the place of the database; returns its manifest and where the old one went.

    `folder` is the data folder. Erasures since are repeated by whoever opens the database next.
    Problem 422 if the copy is damaged or newer than the program; 409 if the key or the ledger in
    place do not belong to it, if there is a database and it is not to be replaced, or if another
    process has it open.
    """
    target = file_of(database)
    manifest = _checked(copy)
    require_fitting(manifest, None if ledger_is_lost else ledger)
    part = target.with_name(target.name + RESTORED)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Before anything is moved: a disk that is full must not leave the place empty.
        _copy_private(copy, part)
        moved = _make_room(target, now=now, replace=replace)
        shutil.rmtree(folder / SNAPSHOTS, ignore_errors=True)
        part.replace(target)
        _sync(target.parent)
    except OSError as error:
        raise _unwritable(error) from error
    finally:
        _discard(part)
    return manifest, moved


def file_of(database: Database) -> Path:
    """The file of an SQLite database. Problem 422 if it is another."""
    url = database.engine.url
    if url.get_backend_name() != "sqlite" or not url.database:
        raise invalid(
            "database",
            "is not SQLite: PostgreSQL is backed up with its own tools, see docs/operations.md",
        )
    return Path(url.database)


def _copy(source: Path, part: Path) -> None:
    if not source.is_file():
        raise invalid("database", "does not exist yet: there is nothing to back up")
    with closing(sqlite3.connect(source, timeout=BUSY_TIMEOUT_SECONDS)) as connection:
        connection.execute("VACUUM INTO ?", (str(part),))  # it takes an empty file


def _described(part: Path, ledger: Ledger) -> Manifest:
    with closing(sqlite3.connect(part)) as connection:
        (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if state != "ok":
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The copy is damaged, and so may the database be: look at the disk.",
        )
    found = Database.at(f"sqlite:///{part}")
    try:
        with found.reading(SYSTEM) as session:
            draft = describe(
                session, ledger, size=0, sha256="", migration=present_revision(found) or ""
            )
    finally:
        found.engine.dispose()
    _leave_wal(part)
    _sync(part)
    return fields_replaced(draft, size=part.stat().st_size, sha256=_sha256(part))


def _leave_wal(path: Path) -> None:
    """Make one file of a database: nothing of it stays in a log beside it.

    Raises sqlite3.OperationalError if any other process has it open.
    """
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    if mode != "delete":  # it may also say so by staying as it was
        raise sqlite3.OperationalError("database is locked")


def _checked(copy: Path) -> Manifest:
    manifest = backup_manifests.read(copy)
    try:
        whole = copy.stat().st_size == manifest.size and _sha256(copy) == manifest.sha256
    except OSError as error:
        raise invalid("file", f"cannot be read: {error.strerror}") from error
    if not whole:
        raise invalid("file", "is damaged: it is not what `enmusubi backup` wrote")
    if manifest.migration not in known_revisions():
        raise invalid("file", "is of a newer version of this program: install that one first")
    return manifest


def _make_room(target: Path, *, now: datetime, replace: bool) -> Path | None:
    """Move a database away that is in the place; returns where it lies then.

    What SQLite keeps beside it goes with it, under the name by which SQLite finds it again: of a
    database that is damaged, the last changes may be in its log alone. It would also be taken for
    that of the copy.
    """
    found = [left for left in ("", *_BESIDE) if target.with_name(target.name + left).exists()]
    if not found:
        return None
    if not replace:
        raise Problem(
            HTTPStatus.CONFLICT,
            f"There is a database at {target}, or what was left of one: --replace moves it aside "
            "and puts the backup in its place.",
        )
    # SQLite deletes the log of an empty file, so that is not even opened.
    if target.exists() and target.stat().st_size:
        _require_alone(target)
    moved = target.with_name(f"{target.name}.replaced-{now:%Y%m%dT%H%M%S}")
    for left in reversed(found):
        with suppress(FileNotFoundError):  # nothing is left beside one that is whole
            target.with_name(target.name + left).rename(moved.with_name(moved.name + left))
    return moved


def _require_alone(target: Path) -> None:
    """Problem 409 as long as any other process has a connection, even an idle one."""
    try:
        _leave_wal(target)
    except sqlite3.OperationalError as error:
        raise Problem(
            HTTPStatus.CONFLICT,
            "Another process has the database open: stop the service and everything else first.",
        ) from error
    except sqlite3.DatabaseError:
        pass  # it is no database any more, which may be why a backup is restored


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy_private(source: Path, target: Path) -> None:
    """Nobody else can read the copy, not even while it is made."""
    target.unlink(missing_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as whole, os.fdopen(descriptor, "wb") as file:
        shutil.copyfileobj(whole, file)
        file.flush()
        os.fsync(file.fileno())


def _discard(part: Path) -> None:
    """Remove a file that was not finished, and what SQLite keeps beside it."""
    for left in (*_BESIDE, ""):
        part.with_name(part.name + left).unlink(missing_ok=True)


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(error: Exception) -> Problem:
    why = error.strerror if isinstance(error, OSError) else str(error)
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"It cannot be written: {why}.")
