"""Every change of an audited row becomes an entry of the audit log, in the same transaction.

A session notes what its flushes change and what staff is shown (`shown`), and the entries are
appended once, just before it commits. Who acts stands in the session (`acting`); without an actor
it is the program itself. What a session that only reads has shown is appended in a transaction of
its own before the reading ends (`app.db.Database.reading`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import event, inspect, select
from sqlalchemy.orm import (
    ORMExecuteState,
    RelationshipDirection,
    Session,
    SessionTransaction,
)

from app.access import Actor
from app.audit_chain import SYSTEM, Draft, append
from app.audited import AUDITED, LINKS, SILENT, Audited
from app.contexts import KEY, NOBODY, declare
from app.contexts import SYSTEM as SYSTEM_CONTEXT
from models import AuditEvent, Base, ObjectKind, Purpose

ACTOR: Final = "actor"
PURPOSE: Final = "purpose"
PENDING: Final = "audit"
"""Keys of `Session.info`."""
UNSTATED: Final = "unstated"
"""The purpose of staff who states none."""
RECORDED: Final = "audit_recorded"
"""Execution option of a bulk statement whose service records its entries itself."""

Entry = tuple[AuditEvent, ObjectKind, UUID | None]


@dataclass(slots=True)
class Pending:
    """Entries that a session has still to append."""

    changes: dict[Entry, Draft] = field(default_factory=dict)
    reads: dict[Entry, Draft] = field(default_factory=dict)
    marks: dict[SessionTransaction, dict[Entry, Draft]] = field(default_factory=dict)
    """The changes as they were when a savepoint was set."""

    def add(self, draft: Draft) -> None:
        """Note a draft; what a transaction does to one object is one entry for each event."""
        key = draft.event, draft.kind, draft.object_id
        if draft.event is AuditEvent.CHANGE and (AuditEvent.CREATE, *key[1:]) in self.changes:
            return
        known = self.changes.get(key)
        if known is not None:
            draft = replace(draft, fields=tuple(sorted({*known.fields, *draft.fields})))
        self.changes[key] = draft


def acting(session: Session, actor: Actor | None, purpose: Purpose | None = None) -> None:
    """Say who acts in the session, and what staff reads for."""
    session.info[ACTOR] = actor
    session.info[PURPOSE] = purpose


def pending(session: Session) -> Pending:
    """What the session has still to append."""
    found: Pending = session.info.setdefault(PENDING, Pending())
    return found


def draft_of(
    session: Session,
    event: AuditEvent,
    kind: ObjectKind,
    object_id: UUID | None,
    *,
    fields: Iterable[str] = (),
    purpose: str | None = None,
    actor: Actor | None = None,
) -> Draft:
    """An entry by that actor, or by who acts in the session."""
    actor = actor or session.info.get(ACTOR)
    return _draft(actor, event, kind, object_id, fields=fields, purpose=purpose)


def _draft(
    actor: Actor | None,
    event: AuditEvent,
    kind: ObjectKind,
    object_id: UUID | None,
    *,
    fields: Iterable[str] = (),
    purpose: str | None = None,
) -> Draft:
    return Draft(
        event=event,
        kind=kind,
        object_id=object_id,
        role=SYSTEM if actor is None else actor.role.value,
        account_id=None if actor is None else actor.account_id,
        fields=tuple(sorted(set(fields))),
        purpose=purpose,
    )


def shown(session: Session, kind: ObjectKind, ids: Iterable[UUID]) -> None:
    """Note that confidential text of these objects is shown to who acts, if that is staff.

    What companies and partners are shown of their own or by a release is no reading by staff.
    """
    actor: Actor | None = session.info.get(ACTOR)
    for object_id in ids:
        draft = reading_of(actor, session.info.get(PURPOSE), kind, object_id)
        if draft is not None:
            pending(session).reads[draft.event, draft.kind, object_id] = draft


def reading_of(
    actor: Actor | None, purpose: Purpose | None, kind: ObjectKind, object_id: UUID
) -> Draft | None:
    """The entry of a reading by staff or by the program itself; None of any other."""
    if actor is not None and not actor.is_staff:
        return None
    return _draft(
        actor,
        AuditEvent.READ,
        kind,
        object_id,
        purpose=purpose or (None if actor is None else UNSTATED),
    )


def take_reads(session: Session) -> list[Draft]:
    """What was shown and is not appended yet; it counts as taken over by the caller."""
    waiting = pending(session)
    reads = list(waiting.reads.values())
    waiting.reads.clear()
    return reads


def flush_entries(session: Session) -> None:
    """Append what is pending now, for who looks at the log within the transaction."""
    session.flush()
    waiting = pending(session)
    drafts = [*waiting.reads.values(), *waiting.changes.values()]
    if drafts:
        append(session, drafts)
        waiting.changes.clear()
        waiting.reads.clear()


def install(target: type[Session]) -> None:
    """Have the sessions of that class keep the log."""
    event.listen(target, "before_flush", _note_dependents)
    event.listen(target, "after_flush", _note_changes)
    event.listen(target, "do_orm_execute", _note_bulk)
    event.listen(target, "before_commit", _append)
    event.listen(target, "after_transaction_create", _mark)
    event.listen(target, "after_soft_rollback", _forget)
    event.listen(target, "after_transaction_end", _end)


def _append(session: Session) -> None:
    if session.get_nested_transaction() is None:
        flush_entries(session)


def _mark(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        waiting = pending(session)
        waiting.marks[transaction] = dict(waiting.changes)


def _forget(session: Session, transaction: SessionTransaction) -> None:
    """What a savepoint undid leaves no entry; a flush that fails undoes the one it is in."""
    waiting = pending(session)
    while transaction not in waiting.marks and transaction.parent is not None:
        transaction = transaction.parent
    waiting.changes = dict(waiting.marks.get(transaction, {}))


def _end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        waiting = pending(session)
        waiting.changes.clear()
        waiting.marks.clear()


def _note_changes(session: Session, _context: Any) -> None:
    # After the flush, so that new rows have their ids; the session still knows what was changed.
    for row in _parts_last(session.new):
        _note(session, AuditEvent.CREATE, row)
    for row in _parts_last(session.dirty):
        if names := changed_fields(row):
            _note(session, AuditEvent.CHANGE, row, names)
    for row in _parts_last(session.deleted):
        _note(session, AuditEvent.DELETE, row)


def _parts_last(rows: Iterable[Any]) -> list[Any]:
    """The audited ones; what belongs to a new object makes no entry beside that of the object."""
    audited = [row for row in rows if type(row) in AUDITED]
    return sorted(audited, key=lambda row: AUDITED[type(row)].part is not None)


def _note(
    session: Session, happened: AuditEvent, row: Any, names: frozenset[str] = frozenset()
) -> None:
    audited = AUDITED[type(row)]
    if audited.part is not None:
        happened, names = AuditEvent.CHANGE, frozenset({audited.part})
    for object_id in _ids(row, audited):
        draft = draft_of(session, happened, audited.kind, object_id, fields=names)
        pending(session).add(draft)


def _ids(row: Any, audited: Audited) -> Iterator[UUID]:
    """Of the object; of a part that was moved also of the one that it was taken from."""
    for name in audited.ids:
        yield getattr(row, name)
        if audited.part is not None:
            yield from (i for i in inspect(row).attrs[name].history.deleted or () if i is not None)


def changed_fields(row: Base) -> frozenset[str]:
    """Names of the fields that differ from what is stored, but those that make no entry."""
    state = inspect(row)
    names = {attribute.key for attribute in state.mapper.column_attrs}
    names |= {
        relation.key
        for relation in state.mapper.relationships
        if relation.direction is not RelationshipDirection.MANYTOONE
    }
    changed = {name for name in names if state.attrs[name].history.has_changes()}
    return frozenset(changed - SILENT - AUDITED[type(row)].silent)


def _note_bulk(state: ORMExecuteState) -> Any:
    """A bulk statement passes the flush by: its table gets one entry without an id."""
    if not (state.is_insert or state.is_update or state.is_delete):
        return None
    table = getattr(state.statement, "table", None)
    described = _described(getattr(table, "name", None))
    if described is None or state.execution_options.get(RECORDED):
        return None
    kind, part = described
    result = state.invoke_statement()
    if getattr(result, "rowcount", -1) != 0:
        happened = AuditEvent.DELETE if state.is_delete else AuditEvent.CHANGE
        if state.is_insert:
            happened = AuditEvent.CREATE
        if part is not None:
            happened = AuditEvent.CHANGE
        names = () if part is None else (part,)
        pending(state.session).add(draft_of(state.session, happened, kind, None, fields=names))
    return result


@cache
def _described(table: str | None) -> tuple[ObjectKind, str | None] | None:
    """Kind and field by the name of a table; None of one that is not audited."""
    tables: dict[str, tuple[ObjectKind, str | None]] = {
        link.name: described for link, described in LINKS.items()
    }
    tables |= {
        str(model.__tablename__): (audited.kind, audited.part) for model, audited in AUDITED.items()
    }
    return None if table is None else tables.get(table)


def _note_dependents(session: Session, _context: Any, _instances: Any) -> None:
    # The database deletes them with what they belong to, without telling anybody.
    rows = [r for r in session.deleted if type(r) in AUDITED and AUDITED[type(r)].part is None]
    if not rows:
        return
    # Also those that who acts does not see. After an error the transaction is void, and with it
    # what was declared.
    connection = session.connection()
    declare(connection, SYSTEM_CONTEXT)
    for row in rows:
        _note_deleted_with(session, type(row), [row.id])
    declare(connection, session.info.get(KEY, NOBODY))


def _note_deleted_with(session: Session, model: type[Base], ids: Sequence[UUID]) -> None:
    for child, column in _dependents(model):
        statement = select(child.__table__.c.id).where(column.in_(ids))
        found = session.scalars(statement).all()
        if found:
            for object_id in found:
                kind = AUDITED[child].kind
                pending(session).add(draft_of(session, AuditEvent.DELETE, kind, object_id))
            _note_deleted_with(session, child, found)


@cache
def _dependents(model: type[Base]) -> tuple[tuple[type[Base], Any], ...]:
    """Audited classes whose rows are deleted with those of a class, each with its foreign key."""
    return tuple(
        (child, key.parent)
        for child, audited in AUDITED.items()
        if audited.part is None
        for key in child.__table__.foreign_keys
        if key.column.table is model.__table__ and key.ondelete == "CASCADE"
    )
