"""Who may be mailed, and whose day it is."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from app.services.mail_consents import needs_consent
from app.services.mail_suppressions import address_digest
from models import (
    Account,
    DigestFrequency,
    MailConsent,
    MailSuppression,
    Role,
    Withheld,
)

RECIPIENTS: Final = frozenset({Role.COORDINATOR, Role.COMPANY, Role.PARTNER})
"""Roles that get digests: an administrator's work is not the pairs."""

WEEKDAYS: Final = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)


def may_be_mailed(session: Session, account: Account, *, now: datetime) -> Withheld | None:
    """Why the account may not be mailed, as the rows stand; None if it may."""
    consented = _consented(session, now=now, among=[account])
    return _why_not(account, consented, _suppressed(session, [account]))


def withheld_from(session: Session, *, now: datetime) -> list[tuple[Account, Withheld | None]]:
    """All accounts of the roles that get digests, each with why it may not be mailed or None."""
    statement = select(Account).where(Account.role.in_(sorted(RECIPIENTS))).order_by(Account.id)
    found = session.scalars(statement).all()
    consented, suppressed = _consented(session, now=now), _suppressed(session, found)
    return [(account, _why_not(account, consented, suppressed)) for account in found]


def recipients(session: Session, *, now: datetime, day: date, weekday: str) -> list[Account]:
    """The accounts that may be mailed and want to be on that day, in the order of their ids.

    `weekday`: on which weekly digests are sent.
    """
    wanted = {DigestFrequency.DAILY}
    if WEEKDAYS[day.weekday()] == weekday:
        wanted.add(DigestFrequency.WEEKLY)
    statement = (
        select(Account)
        .where(
            Account.role.in_(sorted(RECIPIENTS)),
            Account.digest_frequency.in_(sorted(wanted)),
            Account.disabled_at.is_(None),
            Account.email.is_not(None),
        )
        .order_by(Account.id)
        .options(selectinload(Account.clusters))
    )
    found = session.scalars(statement).all()
    consented, suppressed = _consented(session, now=now), _suppressed(session, found)
    return [each for each in found if _why_not(each, consented, suppressed) is None]


def _why_not(
    account: Account, consented: Collection[object], suppressed: Collection[str]
) -> Withheld | None:
    if account.disabled_at is not None:
        return Withheld.DISABLED
    if account.email is None:
        return Withheld.NO_ADDRESS
    if account.digest_frequency is DigestFrequency.NEVER:
        return Withheld.NEVER
    if needs_consent(account.role) and account.id not in consented:
        return Withheld.NO_CONSENT
    if suppressed and address_digest(account.email) in suppressed:
        return Withheld.SUPPRESSED
    return None


def _consented(
    session: Session, *, now: datetime, among: Sequence[Account] | None = None
) -> set[object]:
    """Ids of the accounts, all or of these, whose last record is a consent.

    One that is dated in the future is none yet; a withdrawal counts whatever its date.
    """
    newest = func.row_number().over(
        partition_by=MailConsent.account_id,
        order_by=(MailConsent.at.desc(), MailConsent.id.desc()),
    )
    ranked = select(
        MailConsent.account_id, MailConsent.given, MailConsent.at, newest.label("place")
    )
    if among is not None:
        ranked = ranked.where(MailConsent.account_id.in_([account.id for account in among]))
    last = ranked.subquery()
    statement = select(last.c.account_id).where(last.c.place == 1, last.c.given, last.c.at <= now)
    return set(session.scalars(statement))


def _suppressed(session: Session, accounts: Sequence[Account]) -> set[str]:
    """Digests of refused addresses: of these accounts, or of all if they are many."""
    statement = select(MailSuppression.digest)
    if len(accounts) == 1:
        own = [address_digest(account.email) for account in accounts if account.email]
        statement = statement.where(MailSuppression.digest.in_(own))
    return set(session.scalars(statement))
