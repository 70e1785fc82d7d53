"""API keys."""

import hashlib
import secrets
from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import SCOPES_OF, Actor, Scope
from app.errors import invalid
from models import Account, ApiKey, Organisation, Partner, Role, utc_now

MARK: Final = "enm_"
PREFIX_LENGTH: Final = len(MARK) + 6
"""Of the visible part that tells keys apart."""
SECRET_BYTES: Final = 24
NAME_LENGTH: Final = 200


def create_key(
    session: Session,
    *,
    name: str,
    role: Role,
    organisation_id: UUID | None = None,
    partner_id: UUID | None = None,
    scopes: Collection[Scope] | None = None,
) -> tuple[ApiKey, str]:
    """Store a new account with a key; returns the key with the secret, which is shown once.

    Problem 422 if a company's account is not bound to an existing organisation, a partner's not to
    an existing partner, another one is bound, or a scope is not one of the role's.
    """
    if role is Role.COMPANY:
        if organisation_id is None or session.get(Organisation, organisation_id) is None:
            raise invalid("organisation", "a company key is bound to an existing organisation")
    elif organisation_id is not None:
        raise invalid("organisation", "only a company key is bound to an organisation")
    if role is Role.PARTNER:
        if partner_id is None or session.get(Partner, partner_id) is None:
            raise invalid("partner", "a partner key is bound to an existing partner")
    elif partner_id is not None:
        raise invalid("partner", "only a partner key is bound to a partner")
    if not 0 < len(name.strip()) <= NAME_LENGTH:
        raise invalid("name", f"give it a name of at most {NAME_LENGTH} characters")
    account = Account(name=name, role=role, organisation_id=organisation_id, partner_id=partner_id)
    session.add(account)
    session.flush()
    return add_key(session, account, name=name, scopes=scopes)


def add_key(
    session: Session, account: Account, *, name: str, scopes: Collection[Scope] | None = None
) -> tuple[ApiKey, str]:
    """Store a new key of an account; without `scopes` it can be used for all that its role may."""
    most = SCOPES_OF[account.role]
    wanted = most if scopes is None else frozenset(scopes)
    if not wanted <= most:
        allowed = ", ".join(sorted(most))
        raise invalid("scopes", f"a key of this role can have: {allowed}")
    secret = MARK + secrets.token_urlsafe(SECRET_BYTES)
    key = ApiKey(
        account=account,
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        sha256=_digest(secret),
        scopes=sorted(wanted),
    )
    session.add(key)
    session.flush()
    return key, secret


def find_actor(session: Session, secret: str) -> Actor | None:
    """Who holds this secret; None if nobody does, the key was revoked or the account disabled."""
    statement = select(ApiKey).where(ApiKey.sha256 == _digest(secret), ApiKey.revoked_at.is_(None))
    key = session.scalar(statement)
    if key is None or key.account.disabled_at is not None:
        return None
    return actor_of(key.account, scopes=key.scopes, key_id=key.id)


def actor_of(
    account: Account,
    *,
    scopes: Collection[str],
    key_id: UUID | None = None,
    session_id: UUID | None = None,
) -> Actor:
    """The account as one who acts, with these scopes of those that its role has."""
    return Actor(
        account_id=account.id,
        role=account.role,
        organisation_id=account.organisation_id,
        partner_id=account.partner_id,
        scopes=SCOPES_OF[account.role] & {Scope(scope) for scope in scopes},
        key_id=key_id,
        session_id=session_id,
    )


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
