"""Erasures from end to end: ledger, rows, files; and erasures repeated in a restored database."""

import logging
import shutil
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.db import BUSY_TIMEOUT_SECONDS, Database
from app.errors import invalid
from app.services import audit, suppressions
from app.services.erasing import (
    Erased,
    bearers,
    erase_person,
    missing_erasures,
    namesakes,
    unknown_erasures,
)
from app.services.erasure_ledger import Entry, Ledger, Subject
from app.services.persons import Person, find_person, identifiers_of_person
from app.services.snapshots import Snapshots
from app.services.suppressions import Digests, digests_to_keep
from models import AuditEvent, Erasure, ObjectKind

logger = logging.getLogger(__name__)

REASONS: Final = ("request", "consent_withdrawn", "purpose_ended", "unlawful", "other")
"""For the ledger: from a closed list, since a free text might name the person."""
EVALUATION: Final = "evaluation"
EXPORTS: Final = "exports"
PREVIEW: Final = "nightly"
"""Where a dry run writes its mails."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of an erasure."""

    erased: Erased
    subjects: tuple[Subject, ...]


def erase(database: Database, ledger: Ledger, reference: str, *, reason: str) -> Outcome:
    """Erase a person from the rows, once the ledger says so on the disk.

    Problem 404, 409 or 422 as `find_person` and for an unknown reason. The bytes are left to
    `cleanse`.
    """
    if reason not in REASONS:
        raise invalid("reason", f"is none of {', '.join(REASONS)}")
    with database.writing(SYSTEM) as session:
        person = find_person(session, reference)
        digests = digests_to_keep(identifiers_of_person(session, person))
        subjects = _subjects(person)
        ledger.append("erase", subjects=subjects, suppress=digests, reason=reason)
        erased = erase_person(session, person)
        _remember(session, subjects)
        suppressions.keep(session, digests)
        erased.namesakes = namesakes(session, digests)
    return Outcome(erased, subjects)


def _subjects(person: Person) -> tuple[Subject, ...]:
    found = [Subject.of("partner", i) for i in sorted(person.partner_ids)]
    found += [Subject.of("account", i) for i in sorted(person.account_ids)]
    if not found:  # only in contact details: the ledger's digest of the address leads there
        made = Subject.of("contact", UUID(int=0))
        found = [Subject(made.id, made.kind, made.id)]
    return tuple(found)


def _remember(session: Session, subjects: tuple[Subject, ...]) -> None:
    session.add_all(
        Erasure(id=s.id, subject_kind=s.kind, subject_id=s.subject_id) for s in subjects
    )
    for subject in subjects:
        audit.record(
            session,
            event=AuditEvent.ERASE,
            object_kind=ObjectKind.ERASURE,
            object_id=subject.subject_id,
        )
    session.flush()


def replay(database: Database, ledger: Ledger) -> int:
    """Bring the database up to the ledger: erase who is erased; returns how many erasures it
    lacked.

    To be called before anything is served. Problem 503 if the ledger cannot be trusted.
    """
    entries = ledger.read()
    with database.reading(SYSTEM) as session:
        if (
            not _lacking(session, entries)
            and not unknown_erasures(session, _known(entries))
            and _is_in_force(session, entries)
        ):
            return 0
    with database.writing(SYSTEM) as session:
        # Looked at again: another process may have been faster.
        entries = _completed(session, ledger)
        lacking = _lacking(session, entries)
        if lacking:
            ledger.append("replay")  # so that the bytes are removed, even if this is killed
        for entry in lacking:
            ids = {subject.subject_id for subject in entry.subjects}
            erase_person(session, bearers(session, ids, dict(entry.suppress or {})))
            missing = missing_erasures(session, [s.id for s in entry.subjects])
            _remember(session, tuple(s for s in entry.subjects if s.id in missing))
        in_force, lifted = _suppressions(entries)
        suppressions.forget(session, lifted)
        suppressions.keep(session, in_force)
        left = namesakes(session, in_force) if lacking else []
    if lacking:
        logger.warning("Repeated %d erasures that this database lacked.", len(lacking))
    if left:
        logger.warning(
            "These partners bear the name of an erased person at the same organisation; look "
            "whether they are the same: %s",
            ", ".join(map(str, left)),
        )
    return len(lacking)


def _completed(session: Session, ledger: Ledger) -> list[Entry]:
    """The ledger's lines, with one more if it lacks erasures that the database knows.

    It was lost, or the setting names another file than before.
    """
    entries = ledger.read()
    unknown = unknown_erasures(session, _known(entries))
    if not unknown:
        return entries
    digests = {digest for entry in entries for digest in entry.suppress or {}}
    logger.warning(
        "The erasure ledger %s lacked %d erasures that the database knows; they were added. Is it "
        "the right file?",
        ledger.path,
        len(unknown),
    )
    added = suppressions.kept_besides(session, digests)
    return [*entries, ledger.append("erase", subjects=unknown, suppress=added, reason="other")]


def _known(entries: list[Entry]) -> set[UUID]:
    return {s.id for entry in entries if entry.deed == "erase" for s in entry.subjects}


def _lacking(session: Session, entries: list[Entry]) -> list[Entry]:
    erasures = [entry for entry in entries if entry.deed == "erase"]
    missing = missing_erasures(session, [s.id for e in erasures for s in e.subjects])
    return [e for e in erasures if any(s.id in missing for s in e.subjects)]


def _is_in_force(session: Session, entries: list[Entry]) -> bool:
    in_force, lifted = _suppressions(entries)
    stored = suppressions.stored(session, {*in_force, *lifted})
    return stored == in_force.keys()


def _suppressions(entries: list[Entry]) -> tuple[Digests, set[str]]:
    """Digests that are in force by the ledger, and those that were and are no more."""
    in_force: Digests = {}
    every: set[str] = set()
    readmitted = {entry.erasure for entry in entries if entry.deed == "readmit"}
    for entry in entries:
        every |= (entry.suppress or {}).keys()
        if entry.deed == "erase" and entry.erasure not in readmitted:
            in_force |= dict(entry.suppress or {})
    return in_force, every - in_force.keys()


def readmit(database: Database, ledger: Ledger, identifiers: suppressions.Identifiers) -> int:
    """Let an erased person be entered again; returns how many erasures were lifted.

    Lifts all digests of every erasure that one of the identifiers belongs to.
    """
    asked = suppressions.digests_of(identifiers)
    entries = ledger.read()
    done = {entry.erasure for entry in entries if entry.deed == "readmit"}
    lifted = [
        entry
        for entry in entries
        if entry.deed == "erase"
        and entry.erasure not in done
        and not asked.isdisjoint(entry.suppress or {})
    ]
    for entry in lifted:
        ledger.append("readmit", erasure=entry.erasure)
    replay(database, ledger)
    return len(lifted)


def cleanse(
    database: Database,
    ledger: Ledger,
    *,
    folder: Path,
    patience: float = BUSY_TIMEOUT_SECONDS,
) -> bool:
    """Remove what is left of erased persons in files; False if another process holds them.

    Empties the folders of the evaluation, of dry runs and of snapshots, deletes exports, rewrites
    an SQLite database so that no free page holds anything, and empties its log. On PostgreSQL
    nothing is left to do from here. Waits at most `patience` seconds for other processes.
    """
    for cache in (EVALUATION, PREVIEW):
        shutil.rmtree(folder / cache, ignore_errors=True)
    if not Snapshots(folder).remove_all(patience):
        logger.warning("Another process is writing a snapshot of the corpus.")
        return False
    announced = ledger.announced()
    for entry in ledger.read():
        for subject in entry.subjects:
            export_file(folder, subject.subject_id).unlink(missing_ok=True)
    if database.engine.dialect.name == "sqlite" and not _rewrite(database, patience):
        return False
    if ledger.announced() == announced:  # else another erasure has begun, and cleanses itself
        ledger.append("cleanse")
    return True


def export_file(folder: Path, subject_id: UUID) -> Path:
    """Where an export is written unless somebody says otherwise: an erasure deletes it there."""
    return folder / EXPORTS / f"person-{subject_id}.json"


def _rewrite(database: Database, patience: float) -> bool:
    until = time.monotonic() + patience
    with database.engine.connect() as connection:
        driver = connection.connection.driver_connection
        if driver is None:  # a connection that is checked out has one
            return False
        try:
            driver.execute(f"PRAGMA busy_timeout={int(patience * 1000)}")
            driver.execute("VACUUM")
            left = max(0.0, until - time.monotonic())
            driver.execute(f"PRAGMA busy_timeout={int(left * 1000)}")
            busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError as error:
            logger.warning("The database file cannot be rewritten: %s.", error)
            return False
        finally:
            driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_SECONDS * 1000}")
        return not busy
