"""Signing in with a password, in three steps so that no transaction waits for argon2.

`look_up` reads, `verify_password` computes, `settle` writes. Every refusal is the same to the one
who asks: an unknown address, a wrong password, an account that is locked, disabled or without a
password take one lookup, one argon2 verification and one written row each.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.auditing import RECORDED
from app.changes import MERE_USE
from app.errors import Problem
from app.services import audit
from app.services.accounts import fold_email
from models import Account, AuditEvent, ObjectKind, utc_now

FIRST_LOCK: Final = timedelta(minutes=1)
LONGEST_LOCK: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Whom somebody says to be: the account of that address, if there is one."""

    account_id: UUID | None = None
    password_hash: str | None = None


def refused() -> Problem:
    """The one answer to every sign-in that fails."""
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "The e-mail address and the password do not fit together, or too many attempts were made "
        "of late: check both, or try again later.",
        headers={"WWW-Authenticate": "Bearer"},
    )


def look_up(session: Session, email: str) -> Candidate:
    """The account of an e-mail address, whatever its state."""
    statement = select(Account.id, Account.password_hash).where(Account.email == fold_email(email))
    found = session.execute(statement).one_or_none()
    return Candidate() if found is None else Candidate(found.id, found.password_hash)


def settle(
    session: Session, candidate: Candidate, *, verified: bool, failures: int
) -> Account | None:
    """The account if it may come in, else None; failures in a row are counted.

    After `failures` of them the account is locked, for a minute, then for twice as long with each
    further one, up to an hour. Attempts while it is locked do not count, or anybody could keep
    somebody out for ever.
    """
    account = (
        None
        if candidate.account_id is None
        else session.get(Account, candidate.account_id, with_for_update=True)
    )
    now = utc_now()
    open_to_it = (
        account is not None
        and account.disabled_at is None
        and account.password_hash is not None
        and account.password_hash == candidate.password_hash
        and (account.locked_until is None or account.locked_until <= now)
    )
    if account is not None and open_to_it and verified:
        account.failed_sign_ins, account.locked_until = 0, None
        session.flush()
        return account
    locked_until = account.locked_until if account is not None else None
    counted = account is not None and open_to_it
    if account is not None and counted and account.failed_sign_ins + 1 >= failures:
        locked_until = now + lock_after(account.failed_sign_ins + 1 - failures)
    _write_one_row(session, account, counted=counted, locked_until=locked_until)
    audit.record(
        session,
        event=AuditEvent.SIGN_IN_FAILED,
        object_kind=ObjectKind.ACCOUNT,
        object_id=None if account is None else candidate.account_id,
    )
    return None


def lock_after(further: int) -> timedelta:
    """How long an account is locked after that many failures beyond the first that locks it."""
    doublings = min(further, 10)
    return min(FIRST_LOCK * (1 << doublings), LONGEST_LOCK)


def _write_one_row(
    session: Session, account: Account | None, *, counted: bool, locked_until: datetime | None
) -> None:
    """Count a failure of the account, or write as much to no effect.

    A refusal that writes nothing would be told by its time: SQLite waits for the disk only where
    something changes. So one row is changed in any case, and changed back unless it counts.
    """
    row_id = session.scalar(_ANY_ROW) if account is None else account.id
    row = update(Account).where(Account.id == row_id).values(updated_at=Account.updated_at)
    # Nobody's key lets him in more or less for it: what was granted to others stands.
    row = row.execution_options(synchronize_session=False, **{RECORDED: True, MERE_USE: True})
    session.execute(row.values(failed_sign_ins=Account.failed_sign_ins + 1))
    if account is None:
        session.execute(row.values(failed_sign_ins=Account.failed_sign_ins - 1))
        return
    number = Account.failed_sign_ins - (0 if counted else 1)
    session.execute(row.values(failed_sign_ins=number, locked_until=locked_until))
    session.expire(account)


_ANY_ROW: Final = select(Account.id).order_by(Account.id).limit(1)
