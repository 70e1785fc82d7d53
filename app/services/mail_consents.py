"""Who has consented to be mailed: when, and how. The last record of an account counts."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import STAFF
from app.errors import invalid
from app.services.paging import PageOf, page
from models import Account, ConsentMeans, MailConsent, Role, utc_now

BY_THE_OFFICE: Final = (
    ConsentMeans.WRITTEN,
    ConsentMeans.SPOKEN,
    ConsentMeans.E_MAIL,
    ConsentMeans.WEB_FORM,
    ConsentMeans.BUSINESS_CARD,
)
"""Means that somebody writes down; the others are written down by the service as they happen."""


def needs_consent(role: Role) -> bool:
    """True of everybody but the office's own staff."""
    return role not in STAFF


def record(
    session: Session,
    account: Account,
    *,
    given: bool,
    means: ConsentMeans,
    at: datetime,
    recorded_by: UUID | None,
) -> MailConsent:
    """Note that the account's holder consented, or withdrew the consent, at that time.

    `recorded_by` None: the program, or somebody at the terminal. What happens at this moment is
    later than all before, whatever a clock that was ahead has made of it: who withdraws a consent
    is never told that it stands.
    """
    if not given and means not in BY_THE_OFFICE:
        last = current(session, account.id)
        at = at if last is None else max(at, last.at + timedelta(microseconds=1))
    row = MailConsent(
        account_id=account.id,
        given=given,
        means=means,
        at=at.astimezone(UTC),  # as it is read again
        recorded_by=recorded_by,
    )
    session.add(row)
    session.flush()
    return row


def record_by_office(
    session: Session,
    account: Account,
    *,
    given: bool,
    means: ConsentMeans,
    at: datetime,
    recorded_by: UUID | None,
) -> MailConsent:
    """As `record`, of what the office was told.

    Problem 422 for a time to come, or means that only the service itself records.
    """
    if means not in BY_THE_OFFICE:
        raise invalid("means", f"choose one of: {', '.join(BY_THE_OFFICE)}")
    if at > utc_now():
        raise invalid("at", "lies in the future: record a consent once it is given")
    return record(session, account, given=given, means=means, at=at, recorded_by=recorded_by)


def current(session: Session, account_id: UUID) -> MailConsent | None:
    """The last record of an account: by when it happened, then by when it was recorded."""
    statement = select(MailConsent).where(MailConsent.account_id == account_id)
    return session.scalar(statement.order_by(MailConsent.at.desc(), MailConsent.id.desc()).limit(1))


def has_consent(session: Session, account_id: UUID) -> bool:
    """True if the account's holder has consented and not withdrawn it."""
    last = current(session, account_id)
    return last is not None and last.given


def list_consents(
    session: Session, account_id: UUID, *, cursor: str | None, limit: int
) -> PageOf[MailConsent]:
    """A page of an account's records, in the order in which they were recorded."""
    statement = select(MailConsent).where(MailConsent.account_id == account_id)
    return page(session, statement, MailConsent, cursor=cursor, limit=limit)
