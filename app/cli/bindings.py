"""Whose an account is: organisations and partners as commands name them."""

from contextlib import suppress
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

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


def whose(account: Account) -> str:
    """An account in a table: its address, or its id and what it is bound to."""
    bound = account.organisation_id or account.partner_id
    return (account.email or str(account.id)) + (f" ({bound})" if bound else "")
