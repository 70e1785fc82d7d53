"""Storing what an importer reads, in pieces that are committed one by one.

Records are stored as they are read, and none is kept. No writer keeps others waiting for long, and
an import that was killed is simply run again: what is stored already is compared in bulk and found
unchanged, several times as fast as it was stored.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import groupby
from typing import Any, Final

from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.db import Database
from app.jobs.checkpoints import reached
from app.services import audit, imports
from app.services.capability_imports import import_loose_capabilities
from app.services.duplicates import count_duplicates_of
from app.services.imports import Imported
from app.services.partner_imports import import_partners
from data.importers import ReadResult
from data.importers.collect import Item
from data.records import ClusterRecord, NeedRecord, OrganisationRecord, PartnerRecord
from models import AuditEvent, ObjectKind

CHUNK: Final = 200
"""Records per commit, of those that go by the ORM."""
PARTNERS: Final = 500
PIECES: Final = 2000
"""Of evidence, per commit: a second of work, and some megabytes. One partner with more goes by
itself."""


def store(
    database: Database,
    read: ReadResult | Iterable[Item],
    *,
    set_name: str,
    today: date,
    progress: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Store all records; `progress` is called with the number of records just stored.

    Records must come after what they refer to, as those of `data.importers.stream` do.
    """
    done = Imported()
    items = _items(read) if isinstance(read, ReadResult) else read
    for kind, same in groupby(items, type):
        write, fits = _WRITERS[kind]
        for chunk in _chunks(same, fits):
            with database.writing(SYSTEM) as session:
                write(session, chunk, done, set_name=set_name, today=today)
                reached("import.storing")
            reached("import.stored")
            progress(len(chunk))
    _finish(database, done)
    return done


def _finish(database: Database, done: Imported) -> None:
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


def _items(read: ReadResult) -> Iterator[Item]:
    yield from read.clusters
    yield from read.organisations
    yield from read.partners
    yield from read.loose_capabilities
    yield from read.needs


def _chunks(items: Iterable[Any], fits: Callable[[int, int], bool]) -> Iterator[list[Any]]:
    """Records for one commit; `fits` is asked with their number and that of their evidence."""
    chunk: list[Any] = []
    pieces = 0
    for item in items:
        more = len(item.evidence) if isinstance(item, PartnerRecord) else 0
        if chunk and not fits(len(chunk) + 1, pieces + more):
            yield chunk
            chunk, pieces = [], 0
        chunk.append(item)
        pieces += more
    if chunk:
        yield chunk


def _few(records: int, _pieces: int) -> bool:
    return records <= CHUNK


def _many(records: int, pieces: int) -> bool:
    return records <= PARTNERS and pieces <= PIECES


def _loose(records: int, _pieces: int) -> bool:
    return records <= PIECES


def _clusters(session: Session, chunk: list[Any], done: Imported, **_: Any) -> None:
    imports.import_clusters(session, chunk, done)


def _organisations(session: Session, chunk: list[Any], done: Imported, **_: Any) -> None:
    imports.import_organisations(session, chunk, done)


def _partners(session: Session, chunk: list[Any], done: Imported, **_: Any) -> None:
    import_partners(session, chunk, done)


def _capabilities(session: Session, chunk: list[Any], done: Imported, **_: Any) -> None:
    import_loose_capabilities(session, chunk, done)


_WRITERS: Final[dict[type, tuple[Callable[..., None], Callable[[int, int], bool]]]] = {
    ClusterRecord: (_clusters, _few),
    OrganisationRecord: (_organisations, _few),
    PartnerRecord: (_partners, _many),
    tuple: (_capabilities, _loose),
    NeedRecord: (imports.import_needs, _few),
}
"""By the type of a record: how it is stored, and how many at once."""
