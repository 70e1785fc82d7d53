"""Addresses that a server refused for good: they are mailed no more until somebody lifts that.

Only keyed digests are kept: nobody without the installation's secret can ask whom we mailed.
"""

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from app.keyring import digest
from app.services import audit
from models import Account, AuditEvent, MailSuppression, ObjectKind


def suppress(session: Session, email: str, code: int) -> None:
    """Mail that address no more, since a server answered with that code; the first one stays."""
    key = address_digest(email)
    if session.get(MailSuppression, key) is None:
        session.add(MailSuppression(digest=key, smtp_code=code))
        session.flush()


def is_suppressed(session: Session, email: str) -> bool:
    """True if that address is not to be mailed."""
    known = exists().where(MailSuppression.digest == address_digest(email))
    return bool(session.scalar(select(known)))


def lift(session: Session, *emails: str) -> int:
    """Let these addresses be mailed again; returns against how many of them anything spoke."""
    lifted = (
        delete(MailSuppression)
        .where(MailSuppression.digest.in_([address_digest(email) for email in emails]))
        .returning(MailSuppression.digest)
        .execution_options(synchronize_session=False)
    )
    return len(session.scalars(lifted).all())


def lift_of(session: Session, account: Account) -> None:
    """Let an account's address be mailed again; who did it is in the audit log."""
    if account.email is not None and lift(session, account.email):
        audit.record(
            session,
            event=AuditEvent.CHANGE,
            object_kind=ObjectKind.ACCOUNT,
            object_id=account.id,
            fields=("mail_suppression",),
        )


def address_digest(email: str) -> str:
    """By which an address is known here (64 hex digits)."""
    return digest("addresses", email.strip().lower())
