"""When keys and sessions were last used: noted in memory, written down now and then.

A request that only reads would otherwise have to wait for whoever writes to SQLite.
"""

import threading
from datetime import datetime
from uuid import UUID

from sqlalchemy import update

from app.access import Actor
from app.auditing import RECORDED
from app.changes import MERE_USE
from app.contexts import SYSTEM
from app.db import Database
from models import ApiKey, SignInSession, utc_now


class Uses:
    """The last uses that this process has seen and not yet written down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[UUID, datetime] = {}
        self._sessions: dict[UUID, datetime] = {}

    def note(self, actor: Actor) -> None:
        """The actor's key or session is used now."""
        now = utc_now()
        with self._lock:
            if actor.key_id is not None:
                self._keys[actor.key_id] = now
            if actor.session_id is not None:
                self._sessions[actor.session_id] = now

    def last(self, row_id: UUID) -> datetime | None:
        """When that key or session was last used here, if that is not written down yet."""
        with self._lock:
            return self._sessions.get(row_id) or self._keys.get(row_id)

    def write(self, database: Database) -> int:
        """Write them down in one short transaction; returns how many there were."""
        with self._lock:
            keys, sessions = dict(self._keys), dict(self._sessions)
        if not keys and not sessions:
            return 0
        unrecorded = {RECORDED: True, MERE_USE: True}  # the audit log does not follow mere use
        with database.writing(SYSTEM) as session:
            for key_id, at in keys.items():
                session.execute(
                    update(ApiKey)
                    .where(ApiKey.id == key_id)
                    # A use changes nothing about the key.
                    .values(last_used_at=at, updated_at=ApiKey.updated_at)
                    .execution_options(**unrecorded)
                )
            for session_id, at in sessions.items():
                session.execute(
                    update(SignInSession)
                    .where(SignInSession.id == session_id)
                    .values(last_seen_at=at)
                    .execution_options(**unrecorded)
                )
        with self._lock:
            # What was used again meanwhile stays for the next time.
            _forget(self._keys, keys)
            _forget(self._sessions, sessions)
        return len(keys) + len(sessions)


def _forget(noted: dict[UUID, datetime], written: dict[UUID, datetime]) -> None:
    for row_id, at in written.items():
        if noted.get(row_id) == at:
            del noted[row_id]
