"""Heads of the audit log: what is exported and kept elsewhere, to notice a log cut short.

A chain alone cannot tell that its last entries are gone, or that an older copy of the database
was put in its place. A head names the last entry of a moment, sealed by the same key.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit_chain import GENESIS, audit_key
from app.errors import Problem, invalid
from models import AuditEntry, utc_now

FORMAT: Final = "enmusubi-audit-head-1"
PREFIX: Final = b"enmusubi audit head 1\n"
FIELDS: Final = {"format": str, "seq": int, "count": int, "mac": str, "at": str, "seal": str}


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the log at a moment."""

    seq: int
    """Of the last entry; 0 of an empty log."""
    count: int
    """Entries in the log; the same as `seq` in a whole one."""
    mac: str
    """Of the last entry."""
    at: str
    """When it was exported: ISO 8601, UTC."""
    seal: str
    """HMAC-SHA-256 over the others."""

    @property
    def is_genuine(self) -> bool:
        """True if it was exported with this installation's secret key."""
        return hmac.compare_digest(self.seal.encode(errors="replace"), _seal(self).encode())

    def as_json(self) -> str:
        """One line that `read_head` understands."""
        return json.dumps({"format": FORMAT} | _unsealed(self) | {"seal": self.seal})


def _unsealed(head: Head) -> dict[str, Any]:
    return {"seq": head.seq, "count": head.count, "mac": head.mac, "at": head.at}


def _seal(head: Head) -> str:
    signed = json.dumps(_unsealed(head), sort_keys=True, separators=(",", ":")).encode()
    return hmac.digest(audit_key(), PREFIX + signed, hashlib.sha256).hex()


def export_head(session: Session) -> Head:
    """The end of the log as it is now."""
    last = session.execute(
        select(AuditEntry.seq, AuditEntry.mac).order_by(AuditEntry.seq.desc()).limit(1)
    ).first()
    count = session.scalar(select(func.count()).select_from(AuditEntry)) or 0
    seq, mac = (0, GENESIS) if last is None else (last.seq, last.mac)
    at = utc_now().astimezone(UTC).isoformat(timespec="seconds")
    head = Head(seq, count, mac, at, "")
    return Head(seq, count, mac, at, _seal(head))


def read_head(text: str) -> Head:
    """A head from its JSON; Problem 422 for what never was one."""
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or set(found) != set(FIELDS):
            raise _no_head()
        for name, kind in FIELDS.items():
            if type(found[name]) is not kind:
                raise _no_head()
        if found["format"] != FORMAT or datetime.fromisoformat(found["at"]).tzinfo is None:
            raise _no_head()
    except (ValueError, RecursionError) as error:
        raise _no_head() from error
    return Head(found["seq"], found["count"], found["mac"], found["at"], found["seal"])


def _no_head() -> Problem:
    return invalid("head", "is no head of an audit log: export one with `enmusubi audit head`")
