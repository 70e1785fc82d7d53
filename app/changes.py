"""The log of changed partners, written in the transaction of the change.

Beside it a second number is raised by whatever may change who is shown which list (accounts, keys,
needs): what was granted under one number may be granted again under the same (`app.repeats`).

Everything the corpus is made from is watched: what a session flushes, and statements that it
executes in bulk. Just before the commit the corpus revision is raised once, and each partner that
is touched is logged with it. Only then is the revision's row locked, so that writers queue for no
longer than a commit takes; revisions ascend in the order of the commits all the same.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final
from uuid import UUID

from sqlalchemy import case, event, inspect, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstanceState, ORMExecuteState, Session, SessionTransaction

from models import (
    Account,
    ApiKey,
    Capability,
    Cluster,
    CorpusRevision,
    Need,
    Organisation,
    Partner,
    PartnerChange,
    Unavailability,
    need_clusters,
    need_staff,
    partner_clusters,
)

CHANNEL: Final = "enmusubi_corpus"
"""On which PostgreSQL tells listening processes of a new revision."""

OWNED: Final = (Unavailability, Capability)
"""Rows with a `partner_id`."""
SHARED: Final = (Organisation, Cluster)
"""Rows that belong to many partners."""
MATCHED: Final = (Partner, *OWNED, *SHARED)
"""What the corpus is made from: a change of any of it raises the revision. Needs are read anew for
each list."""
SEEN_OF_SHARED: Final = frozenset({"prefecture", "city", "slug"})
"""Fields of an organisation or a cluster that are matched; its partners change by no other."""
TABLES: Final = frozenset({str(model.__tablename__) for model in MATCHED} | {partner_clusters.name})

GRANTING: Final = (Account, ApiKey, Need)
"""What, beside the matched, decides about who is shown which match list, and for which query."""
GRANTING_TABLES: Final = frozenset(
    {*(str(model.__tablename__) for model in GRANTING), need_clusters.name, need_staff.name}
)

SIGNING_IN: Final = frozenset({"failed_sign_ins", "locked_until", "last_sign_in_at", "updated_at"})
"""Fields of an account by which nobody's key is let in more or less."""

NOTED: Final = "changes_noted"
"""Execution option of a statement in bulk whose caller says itself which partners it changes."""
MERE_USE: Final = "mere_use"
"""Execution option of a statement in bulk that changes nothing about whom it lets in."""
PENDING: Final = "partner_changes"
"""Key of `Session.info`."""
AT_ONCE: Final = 500
"""Values in one statement."""


@dataclass(slots=True)
class Noted:
    """What a session has changed and not yet logged."""

    matched: bool = False
    """Something of what is matched, be it of no partner."""
    partners: set[UUID] = field(default_factory=set)
    everything: bool = False
    erasure: bool = False
    access: bool = False
    """Something that decides about who is shown what."""


def noted(session: Session) -> Noted:
    """What the session has still to log."""
    found: Noted = session.info.setdefault(PENDING, Noted())
    return found


def has_changes(session: Session) -> bool:
    """True if the session has changed what is matched and not committed it."""
    return noted(session).matched


def note_changes(session: Session, partner_ids: Iterable[UUID]) -> None:
    """Log these partners as changed when the session commits; none only raises the revision.

    For statements in bulk and COPY, which no flush sees. New and deleted partners count as well.
    """
    waiting = noted(session)
    waiting.matched = True
    waiting.partners.update(partner_ids)


def note_all_changed(session: Session) -> None:
    """Have every process make its corpus anew once the session commits."""
    waiting = noted(session)
    waiting.matched = waiting.everything = True


def note_erasure(session: Session) -> None:
    """Forbid every snapshot that was made before the session commits."""
    waiting = noted(session)
    waiting.matched = waiting.erasure = True


def install(target: type[Session]) -> None:
    """Have the sessions of that class keep the log."""
    event.listen(target, "before_flush", _note_deleted)
    event.listen(target, "after_flush", _note_flushed)
    event.listen(target, "do_orm_execute", _note_bulk)
    event.listen(target, "before_commit", log)
    event.listen(target, "after_transaction_end", _end)


def _note_deleted(session: Session, _context: Any, _instances: Any) -> None:
    """Whose cluster or organisation goes: asked while it is still there."""
    for row in session.deleted:
        if isinstance(row, SHARED):
            note_changes(session, _partners_of(session, row))


def _note_flushed(session: Session, _context: Any) -> None:
    """After the flush new rows have their ids, and what changed can still be told."""
    changed = chain(session.new, (row for row in session.dirty if session.is_modified(row)))
    for row in chain(changed, session.deleted):
        if isinstance(row, MATCHED):
            note_changes(session, _touched_by(session, row))
        if isinstance(row, GRANTING) and not _is_mere_use(session, row):
            noted(session).access = True


def _is_mere_use(session: Session, row: object) -> bool:
    """True if of an account nothing has changed but when and how often somebody signed in."""
    if not isinstance(row, Account) or row in session.new or row in session.deleted:
        return False
    state: InstanceState[Any] = inspect(row)
    names = {attribute.key for attribute in state.mapper.attrs}
    return {name for name in names if state.attrs[name].history.has_changes()} <= SIGNING_IN


def _touched_by(session: Session, row: object) -> Iterable[UUID]:
    if isinstance(row, Partner):
        return (row.id,)
    if isinstance(row, OWNED):
        state: InstanceState[Any] = inspect(row)
        before = state.attrs.partner_id.history.deleted or ()
        return {key for key in (row.partner_id, *before) if key is not None}
    if row in session.new or row in session.deleted:
        return ()  # of none yet; or noted before it went
    state = inspect(row)
    seen = SEEN_OF_SHARED & set(state.mapper.column_attrs.keys())
    if any(state.attrs[name].history.has_changes() for name in seen):
        return _partners_of(session, row)
    return ()


def _partners_of(session: Session, row: object) -> Iterator[UUID]:
    if isinstance(row, Cluster):
        column = partner_clusters.c.partner_id
        yield from session.scalars(select(column).where(partner_clusters.c.cluster_id == row.id))
    elif isinstance(row, Organisation):
        yield from session.scalars(select(Partner.id).where(Partner.organisation_id == row.id))


def _note_bulk(state: ORMExecuteState) -> None:
    """A statement in bulk may touch anybody, unless its caller has noted whom."""
    if not (state.is_insert or state.is_update or state.is_delete):
        return
    table, options = getattr(state.statement, "table", None), state.execution_options
    name = getattr(table, "name", None)
    if name in TABLES and not options.get(NOTED):
        note_all_changed(state.session)
    if name in GRANTING_TABLES and not options.get(MERE_USE):
        noted(state.session).access = True


def log(session: Session) -> None:
    """Raise the revision for what the session has changed, unless it is in a savepoint.

    Before the audit log is locked: a change of the encoder holds the revision for a while, and
    nobody who only reads may wait for that.
    """
    if session.get_nested_transaction() is not None:
        return
    session.flush()
    waiting = noted(session)
    if not waiting.matched:
        if waiting.access:
            _raise_access(session)
        return
    row, after = CorpusRevision, CorpusRevision.value + 1
    # What another program has raised is not in the log: from there on anything may have changed.
    whole: Any = case((row.logged == row.value, row.whole), else_=after)
    values: dict[str, Any] = {"value": after, "logged": after}
    values["whole"] = after if waiting.everything else whole
    if waiting.erasure:
        values["erased"] = after
    if waiting.access:
        values["access"] = row.access + 1
    raised = update(CorpusRevision).values(values).returning(CorpusRevision.value)
    silent = {"synchronize_session": False}
    revision = session.execute(raised, execution_options=silent).scalar_one()
    _write(session, waiting.partners, revision)
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"NOTIFY {CHANNEL}"))
    session.info.pop(PENDING)


def _raise_access(session: Session) -> None:
    raised = update(CorpusRevision).values(access=CorpusRevision.access + 1)
    session.execute(raised, execution_options={"synchronize_session": False})
    session.info.pop(PENDING)


def _write(session: Session, partner_ids: Collection[UUID], revision: int) -> None:
    on_server = session.get_bind().dialect.name == "postgresql"
    insert = postgresql.insert(PartnerChange) if on_server else sqlite.insert(PartnerChange)
    newer = insert.on_conflict_do_update(
        index_elements=[PartnerChange.partner_id], set_={"revision": insert.excluded.revision}
    )
    rows = [{"partner_id": key, "revision": revision} for key in sorted(partner_ids)]
    for start in range(0, len(rows), AT_ONCE):
        session.execute(newer, rows[start : start + AT_ONCE])


def _end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(PENDING, None)
