"""API keys."""

import hashlib
import secrets
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import Actor
from app.errors import invalid
from models import ApiKey, Organisation, Role, utc_now

MARK: Final = "enm_"
PREFIX_LENGTH: Final = len(MARK) + 6
"""Of the visible part that tells keys apart."""
SECRET_BYTES: Final = 24
NAME_LENGTH: Final = 200


def create_key(
    session: Session, *, name: str, role: Role, organisation_id: UUID | None = None
) -> tuple[ApiKey, str]:
    """Store a new key; returns it with the secret, which is shown once and never again.

    Problem 422 if a company key is not bound to an existing organisation, or another key is bound.
    """
    if role is Role.COMPANY:
        if organisation_id is None or session.get(Organisation, organisation_id) is None:
            raise invalid("organisation", "a company key is bound to an existing organisation")
    elif organisation_id is not None:
        raise invalid("organisation", "only a company key is bound to an organisation")
    if not 0 < len(name.strip()) <= NAME_LENGTH:
        raise invalid("name", f"give it a name of at most {NAME_LENGTH} characters")
    secret = MARK + secrets.token_urlsafe(SECRET_BYTES)
    key = ApiKey(
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        sha256=_digest(secret),
        role=role,
        organisation_id=organisation_id,
    )
    session.add(key)
    session.flush()
    return key, secret


def find_actor(session: Session, secret: str) -> Actor | None:
    """Who holds this secret; None if nobody does or the key was revoked."""
    statement = select(ApiKey).where(ApiKey.sha256 == _digest(secret), ApiKey.revoked_at.is_(None))
    key = session.scalar(statement)
    return None if key is None else Actor(key.id, key.role, key.organisation_id)


def list_keys(session: Session) -> list[ApiKey]:
    """All keys, the oldest first."""
    return list(session.scalars(select(ApiKey).order_by(ApiKey.id)))


def revoke_key(session: Session, prefix: str) -> ApiKey:
    """End a key by its visible prefix, at once; Problem 422 if no live key has it."""
    statement = select(ApiKey).where(ApiKey.prefix == prefix, ApiKey.revoked_at.is_(None))
    key = session.scalar(statement)
    if key is None:
        raise invalid("prefix", "no live key has this prefix; `enmusubi key list` shows them")
    key.revoked_at = utc_now()
    session.flush()
    return key


def _digest(secret: str) -> str:
    # A random secret of 192 bits needs no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()
