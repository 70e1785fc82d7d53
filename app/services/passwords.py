"""Passwords: their rules, and argon2id hashes that take the same time for whom nobody knows."""

import secrets
import threading
import unicodedata
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import invalid

LEAST: Final = 12
MOST: Final = 256
"""Characters of a password."""

HASHER = PasswordHasher()
"""argon2id with the parameters that argon2-cffi recommends (RFC 9106, low memory: 64 MiB)."""

_TURNS: Final = threading.BoundedSemaphore(4)
"""Hashes computed at once, each with memory of its own: a flood of sign-ins must not eat it all."""


def require_good_password(password: str, *, email: str, name: str, field: str) -> None:
    """Problem 422 if a new password is too short, too long, or what the account is called."""
    folded = _prepared(password).casefold()
    if not LEAST <= len(password) <= MOST:
        raise invalid(field, f"must have between {LEAST} and {MOST} characters")
    if folded in {_prepared(text).casefold() for text in (email, name)}:
        raise invalid(field, "must not be the e-mail address or the name")
    if len(set(folded)) == 1:
        raise invalid(field, "must not be one character over and over")


def hash_password(password: str) -> str:
    """Its argon2id hash, with the parameters and a random salt inside."""
    with _TURNS:
        return HASHER.hash(_prepared(password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """True if the hash is that of the password; without a hash False after the same time."""
    with _TURNS:
        # Made at the first call, whoever is asked for: it takes as long as a verification.
        dummy = _dummy(HASHER)
        try:
            HASHER.verify(password_hash or dummy, _prepared(password))
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """True if the hash was made with other parameters than those of today."""
    return HASHER.check_needs_rehash(password_hash)


def _prepared(password: str) -> str:
    # An input method may write full-width letters today and plain ones tomorrow.
    return unicodedata.normalize("NFKC", password)


@cache
def _dummy(hasher: PasswordHasher) -> str:
    """The hash of a password that nobody has."""
    return hasher.hash(secrets.token_urlsafe(32))
