"""Signed-in browsers: the cookie's token is kept as its hash."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.access import Actor, Scope
from app.errors import not_found
from app.services import audit
from app.services.actors import actor_of
from app.services.uses import Uses
from models import Account, AuditEvent, ObjectKind, SignInSession, utc_now

TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long a browser stays signed in."""

    idle: timedelta
    """Without a request."""
    lifetime: timedelta
    """At most."""


def open_session(session: Session, account: Account, rules: SessionRules) -> str:
    """Sign a browser in as this account; returns the new token for its cookie.

    What has run out of anybody's sessions is removed: nobody needs to know when who was here.
    """
    now = utc_now()
    session.execute(delete(SignInSession).where(SignInSession.expires_at < now))
    account.last_sign_in_at = now
    audit.record(
        session,
        event=AuditEvent.SIGN_IN,
        object_kind=ObjectKind.ACCOUNT,
        object_id=account.id,
        actor=actor_of(account, scopes=frozenset(Scope)),
    )
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(
        SignInSession(
            account_id=account.id,
            sha256=_digest(token),
            created_at=now,
            last_seen_at=now,
            expires_at=now + rules.lifetime,
        )
    )
    session.flush()
    return token


def find_session(
    session: Session, token: str, *, rules: SessionRules, uses: Uses
) -> SignInSession | None:
    """The live session of a token; None if it ended, ran out, or its account is disabled."""
    row = session.scalar(select(SignInSession).where(SignInSession.sha256 == _digest(token)))
    if row is None or row.account.disabled_at is not None or not _is_live(row, rules, uses):
        return None
    return row


def _is_live(row: SignInSession, rules: SessionRules, uses: Uses) -> bool:
    now = utc_now()
    seen = max(row.last_seen_at, uses.last(row.id) or row.last_seen_at)
    return row.revoked_at is None and now < row.expires_at and now < seen + rules.idle


def actor_in(row: SignInSession) -> Actor:
    """The account as one who acts in this session, with all that its role may."""
    return actor_of(row.account, scopes=frozenset(Scope), session_id=row.id)


def live_sessions(
    session: Session, account_id: UUID, *, rules: SessionRules, uses: Uses
) -> list[SignInSession]:
    """The sessions in which an account is signed in now, the oldest first."""
    rows = session.scalars(
        select(SignInSession)
        .where(SignInSession.account_id == account_id)
        .order_by(SignInSession.id)
    )
    return [row for row in rows if _is_live(row, rules, uses)]


def end_session(session: Session, account_id: UUID, session_id: UUID) -> None:
    """Sign one browser of an account out; Problem 404 if the account has no such session."""
    row = session.get(SignInSession, session_id)
    if row is None or row.account_id != account_id or row.revoked_at is not None:
        raise not_found("session")
    row.revoked_at = utc_now()
    session.flush()


def end_token(session: Session, token: str) -> None:
    """End the session of a token, if there is one."""
    row = session.scalar(select(SignInSession).where(SignInSession.sha256 == _digest(token)))
    if row is not None and row.revoked_at is None:
        row.revoked_at = utc_now()
        session.flush()


def end_sessions(session: Session, account: Account, *, but: UUID | None = None) -> None:
    """Sign the account out everywhere, at once; `but` one session may go on."""
    now: datetime = utc_now()
    rows = session.scalars(
        select(SignInSession).where(
            SignInSession.account_id == account.id, SignInSession.revoked_at.is_(None)
        )
    )
    for row in rows:
        if row.id != but:
            row.revoked_at = now
    session.flush()


def _digest(token: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(token.encode()).hexdigest()
