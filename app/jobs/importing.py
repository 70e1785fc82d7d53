"""Storing what an importer has read, in pieces that are committed one by one.

No writer keeps others waiting for long, and an import that was killed is simply run again: what
is stored already is found unchanged.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Final, TypeVar

from app.contexts import SYSTEM
from app.db import Database
from app.services import audit, imports, partner_imports
from app.services.duplicates import count_duplicates_of
from app.services.imports import Imported
from data.importers import ReadResult
from models import AuditEvent, ObjectKind

CHUNK: Final = 200
"""Records per commit."""

Item = TypeVar("Item")


def store(
    database: Database,
    read: ReadResult,
    *,
    set_name: str,
    today: date,
    progress: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Store all records; `progress` is called with the number of records just stored."""
    done = Imported()
    for clusters in _chunks(read.clusters, progress):
        with database.writing(SYSTEM) as session:
            imports.import_clusters(session, clusters, done)
    for organisations in _chunks(read.organisations, progress):
        with database.writing(SYSTEM) as session:
            imports.import_organisations(session, organisations, done)
    for partners in _chunks(read.partners, progress):
        with database.writing(SYSTEM) as session:
            partner_imports.import_partners(session, partners, done)
    for pairs in _chunks(read.loose_capabilities, progress):
        with database.writing(SYSTEM) as session:
            partner_imports.import_loose_capabilities(session, pairs, done)
    for needs in _chunks(read.needs, progress):
        with database.writing(SYSTEM) as session:
            imports.import_needs(session, needs, done, set_name=set_name, today=today)
    if done.created or done.changed:
        with database.writing(SYSTEM) as session:
            # Each row has an entry of its own: this one says that they came by an import.
            audit.record(
                session,
                event=AuditEvent.IMPORT,
                object_kind=ObjectKind.IMPORT,
                object_id=None,
            )
    with database.reading(SYSTEM) as session:
        done.possible_duplicates = count_duplicates_of(session, done.new_partners)
    return done


def number_of_records(read: ReadResult) -> int:
    """What `progress` adds up to."""
    parts: tuple[Sequence[object], ...] = (
        read.clusters,
        read.organisations,
        read.partners,
        read.loose_capabilities,
        read.needs,
    )
    return sum(len(part) for part in parts)


def _chunks(items: Sequence[Item], progress: Callable[[int], None]) -> Iterator[list[Item]]:
    remaining = iter(items)
    while some := list(islice(remaining, CHUNK)):
        yield some
        progress(len(some))
