"""A person: the partner records, accounts and contact details that belong to one human being."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.errors import conflict, not_found
from app.services.partners import partners_by_external_id
from app.services.suppressions import Identifiers, PersonName, identifiers_of, some
from matching.text import normalise
from models import (
    Account,
    Introduction,
    IntroductionStep,
    Partner,
    PartnerAlias,
    PartnerKind,
    Side,
)

ContactField = Literal["company_contact", "partner_contact"]
CONTACTS: Final[dict[Side, ContactField]] = {
    Side.COMPANY: "company_contact",
    Side.PARTNER: "partner_contact",
}
"""Which contact details a side gives when it consents."""


@dataclass(frozen=True, slots=True)
class Person:
    """What is stored of one person; an e-mail address without account is of contact details."""

    partners: tuple[Partner, ...] = ()
    accounts: tuple[Account, ...] = ()
    emails: frozenset[str] = frozenset()

    @property
    def partner_ids(self) -> frozenset[UUID]:
        """Ids of the partner records."""
        return frozenset(partner.id for partner in self.partners)

    @property
    def account_ids(self) -> frozenset[UUID]:
        """Ids of the accounts."""
        return frozenset(account.id for account in self.accounts)

    @property
    def ids(self) -> frozenset[UUID]:
        """All ids."""
        return self.partner_ids | self.account_ids


def find_person(session: Session, reference: str) -> Person:
    """The person of an id of a partner or account, an external id, ORCID iD, researchmap id or
    e-mail address.

    To an account of a researcher belongs the partner record, to one of a laboratory, institute or
    company it does not. To a partner record belong its accounts. Problem 404 if nobody is stored
    under the reference, 409 if several partners are.
    """
    partners = {p.id: p for p in _partners(session, reference)}
    accounts = {a.id: a for a in _accounts(session, reference)}
    for account in accounts.values():
        if account.partner_id is not None:
            own = session.get_one(Partner, account.partner_id)
            if own.kind is PartnerKind.RESEARCHER:  # a laboratory outlives whoever speaks for it
                partners[own.id] = own
    if len(partners) > 1:
        raise conflict("Several partners are stored under this: say which one by its id.")
    statement = select(Account).where(Account.partner_id.in_(partners))
    accounts |= {account.id: account for account in session.scalars(statement)}
    found = person_of(session, tuple(partners.values()), tuple(accounts.values()))
    if not found.ids:
        found = Person(emails=some(email_of(reference)))
        if not list(contacts_of(session, found)):
            raise not_found("person")
    return found


def person_of(
    session: Session, partners: tuple[Partner, ...], accounts: tuple[Account, ...]
) -> Person:
    """The person with all e-mail addresses that he or she is known by."""
    emails = {email_of(account.email) for account in accounts}
    for introduction in _introductions_of(session, {partner.id for partner in partners}):
        emails.add(_email_in(introduction.partner_contact))
    return Person(partners, accounts, some(*emails))


def email_of(text: str | None) -> str | None:
    """An address in the form that addresses are compared in; None if it is none."""
    if text is None or "@" not in text:
        return None
    return normalise(text).casefold()


def _partners(session: Session, reference: str) -> list[Partner]:
    by_id = _id(reference)
    if by_id is not None:
        found = session.get(Partner, by_id)
        return [] if found is None else [found]
    statement = select(Partner).where(
        or_(Partner.orcid == reference.upper(), Partner.researchmap_id == reference)
    )
    own = session.scalars(statement).unique().all()
    return [*own, *partners_by_external_id(session, [reference]).values()]


def _accounts(session: Session, reference: str) -> list[Account]:
    by_id = _id(reference)
    if by_id is not None:
        found = session.get(Account, by_id)
        return [] if found is None else [found]
    email = email_of(reference)
    if email is None:
        return []
    return list(session.scalars(select(Account).where(Account.email == email)))


def _id(reference: str) -> UUID | None:
    try:
        return UUID(reference)
    except ValueError:
        return None


def _introductions_of(session: Session, partner_ids: set[UUID]) -> list[Introduction]:
    statement = select(Introduction).where(Introduction.partner_id.in_(partner_ids))
    return list(session.scalars(statement).unique())


def aliases_of(session: Session, person: Person) -> list[PartnerAlias]:
    """The records that were merged into the person's."""
    statement = select(PartnerAlias).where(PartnerAlias.partner_id.in_(person.partner_ids))
    return list(session.scalars(statement))


def identifiers_of_person(session: Session, person: Person) -> Identifiers:
    """All that the person is known by."""
    aliases = aliases_of(session, person)
    found = Identifiers(email=person.emails)
    for partner in person.partners:
        own = [alias for alias in aliases if alias.partner_id == partner.id]
        found |= identifiers_of(partner, own)
    return found


def names_of_person(session: Session, person: Person) -> list[PersonName]:
    """The person's names in all spellings."""
    found = list(identifiers_of_person(session, person).names)
    return [*found, *(PersonName(en=account.name) for account in person.accounts)]


def contacts_of(session: Session, person: Person) -> Iterator[tuple[Introduction, ContactField]]:
    """The contact details that the person gave.

    Those of the own partner record, those that hold one of the e-mail addresses, and those of a
    side for which one of the accounts consented.
    """
    given = _given_by(session, person)
    for introduction in session.scalars(select(Introduction)).unique():
        for side, field in CONTACTS.items():
            contact = getattr(introduction, field)
            if not contact:
                continue
            own = side is Side.PARTNER and introduction.partner_id in person.partner_ids
            mine = _email_in(contact) in person.emails or (introduction.id, side) in given
            if own or mine:
                yield introduction, field


def _given_by(session: Session, person: Person) -> set[tuple[UUID, Side]]:
    statement = select(IntroductionStep.introduction_id, IntroductionStep.side).where(
        IntroductionStep.account_id.in_(person.account_ids)
    )
    return {(row.introduction_id, row.side) for row in session.execute(statement)}


def _email_in(contact: dict[str, Any] | None) -> str | None:
    return None if not contact else email_of(str(contact.get("email") or ""))
