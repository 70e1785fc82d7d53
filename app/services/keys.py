"""API keys.

A key is `enm_`, 32 random characters and six that check the others, as GitHub's tokens have them:
whoever mistypes one is told so before the database is asked, and a leaked one is easy to find in
a text. Keys from before the check (`enm_` and 32 characters) go on working.
"""

import hashlib
import secrets
import string
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.access import SCOPES_OF, Actor, Scope
from app.errors import conflict, invalid, not_found
from app.services.accounts import create_account
from app.services.actors import actor_of
from models import Account, ApiKey, CorpusRevision, Role, utc_now

MARK: Final = "enm_"
PREFIX_LENGTH: Final = len(MARK) + 6
"""Of the visible part that tells keys apart."""
RANDOM_LENGTH: Final = 32
"""Of 62 characters: 190 bits."""
CHECK_LENGTH: Final = 6
"""CRC-32 in base 62."""
NAME_LENGTH: Final = 200
LIVE_AT_ONCE: Final = 2
"""Keys of an account: the old one works until the new one is in place."""

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase


def create_key(
    session: Session,
    *,
    name: str,
    role: Role,
    organisation_id: UUID | None = None,
    partner_id: UUID | None = None,
    scopes: Collection[Scope] | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Store a new account with a key; returns the key with the secret, which is shown once.

    Problem 422 if a company's account is not bound to an existing organisation, a partner's not to
    an existing partner, another one is bound, or a scope is not one of the role's.
    """
    account = create_account(
        session, name=name, role=role, organisation_id=organisation_id, partner_id=partner_id
    )
    return add_key(session, account, name=name, scopes=scopes, expires_at=expires_at)


def add_key(
    session: Session,
    account: Account,
    *,
    name: str,
    scopes: Collection[Scope] | None = None,
    expires_at: datetime | None = None,
    no_later_than: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Store a new key of an account; without `scopes` it can be used for all that its role may.

    Without `expires_at` it lives until `no_later_than`. Problem 422 for a scope beyond the role's,
    an expiry that has passed or is later than that, 409 for a third key.
    """
    most = SCOPES_OF[account.role]
    wanted = most if scopes is None else frozenset(scopes)
    if not wanted <= most:
        allowed = ", ".join(sorted(most))
        raise invalid("scopes", f"a key of this role can have: {allowed}")
    if not 0 < len(name.strip()) <= NAME_LENGTH:
        raise invalid("name", f"give it a name of at most {NAME_LENGTH} characters")
    expires_at = _expiry_within(expires_at, no_later_than)
    if expires_at is not None and expires_at <= utc_now():
        raise invalid("expires_at", "lies in the past: choose a later time")
    _require_room(session, account)
    secret = _new_secret(session)
    key = ApiKey(
        account=account,
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        sha256=digest_of(secret),
        scopes=sorted(wanted),
        expires_at=expires_at,
    )
    session.add(key)
    session.flush()
    return key, secret


def latest_expiry(session: Session, actor: Actor) -> datetime | None:
    """Until when a key that this actor makes may live at most; None if it may for ever.

    A key that makes another one could otherwise outlive its own expiry through it.
    """
    if actor.key_id is None:
        return None
    return session.get_one(ApiKey, actor.key_id).expires_at


def _expiry_within(wish: datetime | None, most: datetime | None) -> datetime | None:
    if wish is None or most is None:
        return wish or most
    if wish > most:
        until = most.isoformat(timespec="seconds")
        raise invalid(
            "expires_at",
            f"the key of this call ends at {until}, and what it makes cannot live longer: choose "
            "an earlier time, or sign in to make the key",
        )
    return wish


def rotate_key(
    session: Session,
    key: ApiKey,
    *,
    expires_at: datetime | None = None,
    no_later_than: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A second key like this one, which goes on working until it is revoked.

    Without `expires_at` it lives as long as the first did from its making, but no longer than
    `no_later_than`. Problem 422 for a later wish, 409 if there are two live keys already, or this
    one is not live.
    """
    if not is_live(key):
        raise conflict("This key has ended: make a new one instead.")
    if expires_at is None and key.expires_at is not None:
        expires_at = utc_now() + (key.expires_at - key.created_at)
        if no_later_than is not None:  # a length that nobody asked for is no reason to refuse
            expires_at = min(expires_at, no_later_than)
    return add_key(
        session,
        key.account,
        name=key.name,
        scopes=scopes_of(key),
        expires_at=expires_at,
        no_later_than=no_later_than,
    )


def scopes_of(key: ApiKey) -> frozenset[Scope]:
    """What a key may be used for now: of its own scopes those that the account's role has."""
    return actor_of(key.account, scopes=key.scopes).scopes


def parse_scopes(names: Collection[str]) -> frozenset[Scope]:
    """The scopes of those names; Problem 422 with the choices for an unknown one."""
    known = {scope.value: scope for scope in Scope}
    if not set(names) <= known.keys():
        raise invalid("scopes", f"choose from: {', '.join(known)}")
    return frozenset(known[name] for name in names)


def _require_room(session: Session, account: Account) -> None:
    # Where several write at once, the second waits here until the first is done.
    session.execute(select(Account.id).where(Account.id == account.id).with_for_update())
    live = session.scalar(
        select(func.count()).where(
            ApiKey.account_id == account.id,
            ApiKey.revoked_at.is_(None),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > utc_now()),
        )
    )
    if live is not None and live >= LIVE_AT_ONCE:
        raise conflict(
            f"The account has {LIVE_AT_ONCE} live keys, which is enough to change from one to the "
            "other: revoke one first."
        )


def is_live(key: ApiKey) -> bool:
    """True if the key has neither been revoked nor run out."""
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > utc_now())


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a key, and for how long that may be believed."""

    actor: Actor
    expires_at: datetime | None
    access: int
    """Of the corpus revision's row, when it was found out (`models.CorpusRevision`)."""


def find_actor(session: Session, secret: str) -> Actor | None:
    """Who holds this secret; None if nobody does, the key has ended or the account is disabled."""
    holder = find_holder(session, secret)
    return None if holder is None else holder.actor


def find_holder(session: Session, secret: str) -> Holder | None:
    """As `find_actor`. What cannot be a key is refused without asking the database."""
    if not may_be_key(secret):
        return None
    access = select(CorpusRevision.access).scalar_subquery()
    statement = select(ApiKey, access).where(ApiKey.sha256 == digest_of(secret))
    found = session.execute(statement).one_or_none()
    if found is None:
        return None
    key, at = found
    if not is_live(key) or key.account.disabled_at is not None:
        return None
    actor = actor_of(key.account, scopes=key.scopes, key_id=key.id)
    return Holder(actor, key.expires_at, at)


def may_be_key(secret: str) -> bool:
    """True if the check fits, or the key is of the form that had none."""
    if not secret.startswith(MARK) or not secret.isascii():
        return False
    checked = len(MARK) + RANDOM_LENGTH + CHECK_LENGTH
    if len(secret) == checked:
        return secret[-CHECK_LENGTH:] == _check(secret[:-CHECK_LENGTH])
    return len(secret) == checked - CHECK_LENGTH


def list_keys(session: Session, account_id: UUID | None = None) -> list[ApiKey]:
    """All keys, or those of one account, the oldest first."""
    statement = select(ApiKey).order_by(ApiKey.id)
    if account_id is not None:
        statement = statement.where(ApiKey.account_id == account_id)
    return list(session.scalars(statement))


def get_key(session: Session, key_id: UUID, *, account_id: UUID) -> ApiKey:
    """A key of that account, else Problem 404."""
    key = session.get(ApiKey, key_id)
    if key is None or key.account_id != account_id:
        raise not_found("key")
    return key


def find_key(session: Session, prefix: str) -> ApiKey:
    """The key that has this visible prefix and is not revoked, else Problem 422."""
    statement = select(ApiKey).where(ApiKey.prefix == prefix, ApiKey.revoked_at.is_(None))
    key = session.scalar(statement)
    if key is None:
        raise invalid("prefix", "no live key has this prefix; `enmusubi key list` shows them")
    return key


def revoke_key(session: Session, prefix: str) -> ApiKey:
    """End a key by its visible prefix, at once; Problem 422 if no live key has it."""
    key = find_key(session, prefix)
    end_key(session, key)
    return key


def end_key(session: Session, key: ApiKey) -> None:
    """End a key at once; one that was revoked before stays so."""
    if key.revoked_at is None:
        key.revoked_at = utc_now()
        session.flush()


def _new_secret(session: Session) -> str:
    """A secret whose prefix no other key has, since keys are revoked by it."""
    while True:
        body = MARK + "".join(secrets.choice(_ALPHABET) for _ in range(RANDOM_LENGTH))
        taken = select(ApiKey.id).where(ApiKey.prefix == body[:PREFIX_LENGTH])
        if session.scalar(taken) is None:
            return body + _check(body)


def _check(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECK_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def digest_of(secret: str) -> str:
    """What is stored of a key."""
    # A random secret of 190 bits needs no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode()).hexdigest()
