"""The kill switch of all mail: while a halt is not lifted, none leaves."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import MailHalt, utc_now


def current_halt(session: Session) -> MailHalt | None:
    """The halt in force, the first if there are several; None while mail may leave."""
    statement = select(MailHalt).where(MailHalt.lifted_at.is_(None))
    return session.scalar(statement.order_by(MailHalt.id).limit(1))


def is_halted(session: Session) -> bool:
    """True while no mail may leave."""
    return current_halt(session) is not None


def halt(session: Session, account_id: UUID | None) -> MailHalt:
    """Let no mail leave from now on; a halt in force stays as it is.

    `account_id`: who halts, None at the terminal.
    """
    found = current_halt(session)
    if found is None:
        found = MailHalt(halted_by=account_id)
        session.add(found)
        session.flush()
    return found


def lift(session: Session, account_id: UUID | None) -> None:
    """Let mail leave again, whoever halted it."""
    for each in session.scalars(select(MailHalt).where(MailHalt.lifted_at.is_(None))):
        each.lifted_at, each.lifted_by = utc_now(), account_id
    session.flush()
