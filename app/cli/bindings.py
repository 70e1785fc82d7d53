"""Whose an account is: organisations and partners as commands name them."""

from contextlib import suppress
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cli.terminal import name_of
from app.errors import invalid
from models import Account, Organisation, Partner


def organisation_id(session: Session, reference: str | None) -> UUID | None:
    """Of the organisation with that id or external id; Problem 422 if there is none."""
    if reference is None:
        return None
    by_name = select(Organisation.id).where(Organisation.external_id == reference)
    return _existing(session, Organisation, session.scalar(by_name), reference)


def partner_id(session: Session, reference: str | None) -> UUID | None:
    """Of the partner with that id or external id; Problem 422 if there is none."""
    if reference is None:
        return None
    by_name = select(Partner.id).where(Partner.external_id == reference)
    return _existing(session, Partner, session.scalar(by_name), reference)


def _existing(
    session: Session,
    table: type[Organisation | Partner],
    named: UUID | None,
    reference: str,
) -> UUID:
    with suppress(ValueError):
        named = named or UUID(reference)
    if named is None or session.get(table, named) is None:
        noun = table.__name__.lower()
        raise invalid(noun, f"there is no {noun} {reference}")
    return named


def whose(session: Session, account: Account) -> str:
    """An account in a table: its address, and the name of what it is bound to."""
    bound = session.get(Organisation, account.organisation_id) if account.organisation_id else None
    partner = session.get(Partner, account.partner_id) if account.partner_id else None
    lines = [account.email, *(name_of(thing) for thing in (bound, partner) if thing)]
    return "\n".join(line for line in lines if line)
