"""The chain of the audit log: what is signed, by which key, and how entries are appended.

The code (`mac`) of an entry is HMAC-SHA-256 over the entry in its canonical form, which holds the
code of the entry before: who has not the key cannot write an entry, and an entry that is changed,
removed or moved breaks the chain at its place.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import Table, func, insert, select
from sqlalchemy.orm import Session

from app import contexts
from app.errors import Problem
from app.keyring import SecretError, derived_key
from models import AuditEntry, AuditEvent, ObjectKind, utc_now

GENESIS: Final = "0" * 64
"""Stands for the code before the first entry."""
SYSTEM: Final = "system"
"""The role of the program itself: commands, the worker, the nightly job."""
ENTRY: Final = b"enmusubi audit entry 1\n"
"""Goes before what is signed, so that an entry and a head can never stand for each other."""
LOCK: Final = 0x656E6D_61756469
"""Of PostgreSQL's advisory lock that lets one transaction append at a time."""

TABLE: Final = cast("Table", AuditEntry.__table__)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that has not its place in the chain yet."""

    event: AuditEvent
    kind: ObjectKind
    object_id: UUID | None
    role: str
    account_id: UUID | None
    fields: tuple[str, ...] = ()
    """Names of fields; a ValueError for what is no name, so that no text can slip in."""
    purpose: str | None = None

    def __post_init__(self) -> None:
        for name in (*self.fields, self.role, *([self.purpose] if self.purpose else [])):
            if not _NAME.fullmatch(name):
                raise ValueError("An audit entry holds names and ids only, no text.")


def canonical(entry: Mapping[str, Any]) -> bytes:
    """The entry (columns of `AuditEntry` but `mac`) as the bytes that are signed: JSON with sorted
    keys and without spaces, ASCII only, the moment in UTC with microseconds.
    """
    at: datetime = entry["at"]
    signed = {
        "account": _text(entry["account_id"]),
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "event": entry["event"],
        "fields": entry["fields"],
        "kind": entry["object_kind"],
        "object": _text(entry["object_id"]),
        "previous": entry["previous"],
        "purpose": entry["purpose"],
        "role": entry["role"],
        "seq": entry["seq"],
    }
    return json.dumps(signed, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def mac_of(key: bytes, entry: Mapping[str, Any]) -> str:
    """The code of an entry: 64 hex digits."""
    return hmac.digest(key, ENTRY + canonical(entry), hashlib.sha256).hex()


def audit_key() -> bytes:
    """The key of the audit log; Problem 503 if the secret cannot be read, so that nothing happens
    that could not be recorded.
    """
    try:
        return derived_key("audit")
    except SecretError as error:
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The audit log cannot be written: its secret key cannot be read. Nothing was done.",
        ) from error


def append(session: Session, drafts: Sequence[Draft]) -> None:
    """Add entries at the end of the chain, in the session's transaction.

    Appends are serial: SQLite has one writer at a time, on PostgreSQL a lock is held until the
    transaction ends. Called last in a transaction, so that who holds the lock waits for nobody.
    """
    connection = session.connection()
    # Nobody but the program writes the log, whoever acts.
    contexts.declare(connection, contexts.SYSTEM)
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    last = connection.execute(
        select(AuditEntry.seq, AuditEntry.mac).order_by(AuditEntry.seq.desc()).limit(1)
    ).first()
    end, previous = (0, GENESIS) if last is None else (last.seq, last.mac)
    key, at = audit_key(), utc_now()
    rows = []
    for seq, draft in enumerate(drafts, end + 1):
        row: dict[str, Any] = {
            "seq": seq,
            "at": at,
            "event": draft.event.value,
            "role": draft.role,
            "account_id": draft.account_id,
            "object_kind": draft.kind.value,
            "object_id": draft.object_id,
            "purpose": draft.purpose,
            "fields": list(draft.fields),
            "previous": previous,
        }
        row["mac"] = previous = mac_of(key, row)
        rows.append(row)
    connection.execute(insert(TABLE), rows)
    contexts.declare(connection, session.info.get(contexts.KEY, contexts.NOBODY))
