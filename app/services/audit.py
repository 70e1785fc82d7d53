"""The audit log: recording what no flush tells of, and reading it."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import auditing
from app.access import Actor
from models import AuditEntry, AuditEvent, ObjectKind, Purpose

shown = auditing.shown
"""Call it for the confidential text that an answer shows, whoever asks: staff alone counts."""


def record(
    session: Session,
    *,
    event: AuditEvent,
    object_kind: ObjectKind,
    object_id: UUID | None,
    fields: Iterable[str] = (),
    purpose: Purpose | None = None,
    actor: Actor | None = None,
) -> None:
    """Add an entry, which is stored when the session commits; by `actor` or who acts in it.

    For what is no change of a row (a sign-in, an export) and for bulk statements, whose rows no
    flush sees: give those the execution option `auditing.RECORDED`. ValueError if a field is
    anything but a name.
    """
    draft = auditing.draft_of(
        session, event, object_kind, object_id, fields=fields, purpose=purpose, actor=actor
    )
    auditing.pending(session).add(draft)


def record_mail(session: Session, *, object_kind: ObjectKind, object_id: UUID) -> None:
    """Add an entry for a mail to an account, partner or organisation: its id, never an address."""
    record(session, event=AuditEvent.MAIL, object_kind=object_kind, object_id=object_id)


def list_entries(
    session: Session,
    *,
    since: datetime | None = None,
    event: AuditEvent | None = None,
    object_id: UUID | None = None,
    account_id: UUID | None = None,
    limit: int,
) -> list[AuditEntry]:
    """The newest entries that fit, the newest first."""
    statement = select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(limit)
    if since is not None:
        statement = statement.where(AuditEntry.at >= since)
    if event is not None:
        statement = statement.where(AuditEntry.event == event.value)
    if object_id is not None:
        statement = statement.where(AuditEntry.object_id == object_id)
    if account_id is not None:
        statement = statement.where(AuditEntry.account_id == account_id)
    return list(session.scalars(statement))
