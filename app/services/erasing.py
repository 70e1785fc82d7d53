"""Erasing a person from the rows: what `app.privacy_tables` says of each table."""

from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import delete, exists, func, null, select
from sqlalchemy.orm import Session

from app.services.changes import note_erasure
from app.services.embeddings import delete_orphans
from app.services.erasure_ledger import Subject
from app.services.idempotency import forget_answers
from app.services.mail_suppressions import lift
from app.services.mentions import Mention, find_mentions
from app.services.persons import (
    Person,
    contacts_of,
    identifiers_of_person,
    names_of_person,
    person_of,
)
from app.services.suppressions import (
    Digests,
    Identifiers,
    digests_to_keep,
    identifiers_of,
    suppressed_by,
)
from models import (
    Account,
    Capability,
    CorpusSnapshot,
    Erasure,
    Introduction,
    Need,
    Partner,
    PartnerAlias,
    need_staff,
)


@dataclass
class Erased:
    """What was done, and what somebody should look at."""

    counts: dict[str, int] = field(default_factory=dict)
    """Rows by table; only what was deleted or changed."""
    mentions: list[Mention] = field(default_factory=list)
    namesakes: list[UUID] = field(default_factory=list)
    """Partners of the same name at the same organisation, who stay."""
    unstaffed_needs: list[UUID] = field(default_factory=list)
    """Needs for named staff that nobody is named for any more."""


def erase_person(session: Session, person: Person) -> Erased:
    """Delete the person's rows and all that only they needed.

    Every idempotent answer is emptied: an answer to anybody may hold the person's data. The keys
    stay, so that a repeated request writes nothing twice.
    """
    done = Erased()
    names = names_of_person(session, person)
    known = identifiers_of_person(session, person).strong
    staffed = _needs_of_staff(session, person)
    _forget_contacts(session, person, done)
    _forget_exclusions(session, person, done)
    for introduction in _introductions(session, person):
        session.delete(introduction)
        _count(done, "introductions")
    session.flush()
    for account in person.accounts:
        session.delete(account)
        _count(done, "accounts")
    session.flush()
    for partner in person.partners:
        done.counts["capabilities"] = done.counts.get("capabilities", 0) + _evidence(
            session, partner
        )
        session.delete(partner)
        _count(done, "partners")
    session.flush()
    done.counts["mail_suppressions"] = lift(session, *person.emails)
    forget_answers(session)
    # Snapshots hold the texts: from the commit on none that was made before may be used.
    note_erasure(session)
    session.execute(delete(CorpusSnapshot))
    vectors = delete_orphans(session)
    if vectors:
        done.counts["embeddings"] = vectors
    done.unstaffed_needs = [need for need in staffed if not _is_staffed(session, need)]
    others = (*known.email, *known.orcid)
    done.mentions = list(find_mentions(session, names, others))
    done.counts = {table: number for table, number in done.counts.items() if number}
    return done


def namesakes(session: Session, digests: Digests, without: Collection[UUID] = ()) -> list[UUID]:
    """Partners who bear one of these digests of names, those `without` left out."""
    rows = session.scalars(select(Partner).where(Partner.id.not_in(without))).unique().all()
    aliases = _aliases_by_partner(session)
    candidates = [identifiers_of(row, aliases.get(row.id, ())) for row in rows]
    found = suppressed_by(session, candidates)
    return [row.id for row, held in zip(rows, found, strict=True) if held & digests.keys()]


def bearers(session: Session, ids: Collection[UUID], digests: Digests) -> Person:
    """The person of these ids, and whoever has an identifier with one of the digests.

    A name alone makes nobody a bearer: in a restored backup its owner may be a namesake.
    """
    aliases = _aliases_by_partner(session)
    partners = [
        row
        for row in session.scalars(select(Partner)).unique()
        if row.id in ids or _bears(identifiers_of(row, aliases.get(row.id, ())), digests)
    ]
    partner_ids = {row.id for row in partners}
    accounts = [
        row
        for row in session.scalars(select(Account))
        if row.id in ids
        or row.partner_id in partner_ids
        or _bears(Identifiers(email=frozenset({row.email} if row.email else ())), digests)
    ]
    found = person_of(session, tuple(partners), tuple(accounts))
    emails = found.emails | {
        email for email in _contact_emails(session) if _bears(_of_email(email), digests)
    }
    return Person(found.partners, found.accounts, frozenset(emails))


def missing_erasures(session: Session, ids: Collection[UUID]) -> set[UUID]:
    """Those of these erasures that the database does not know."""
    return set(ids) - set(session.scalars(select(Erasure.id)))


def unknown_erasures(session: Session, known: Collection[UUID]) -> list[Subject]:
    """The erasures that the database knows besides these."""
    rows = session.scalars(select(Erasure).order_by(Erasure.id))
    return [Subject(r.id, r.subject_kind, r.subject_id) for r in rows if r.id not in known]


def _bears(identifiers: Identifiers, digests: Digests) -> bool:
    return not digests_to_keep(identifiers.strong).keys().isdisjoint(digests)


def _of_email(email: str) -> Identifiers:
    return Identifiers(email=frozenset({email}))


def _contact_emails(session: Session) -> set[str]:
    everybody = session.scalars(select(Introduction)).unique()
    contacts = [c for i in everybody for c in (i.company_contact, i.partner_contact) if c]
    return {str(contact["email"]) for contact in contacts if contact.get("email")}


def _aliases_by_partner(session: Session) -> dict[UUID, list[PartnerAlias]]:
    found: dict[UUID, list[PartnerAlias]] = {}
    for alias in session.scalars(select(PartnerAlias)):
        found.setdefault(alias.partner_id, []).append(alias)
    return found


def _introductions(session: Session, person: Person) -> list[Introduction]:
    statement = select(Introduction).where(Introduction.partner_id.in_(person.partner_ids))
    return list(session.scalars(statement).unique())


def _evidence(session: Session, partner: Partner) -> int:
    statement = select(func.count()).where(Capability.partner_id == partner.id)
    return session.scalar(statement) or 0


def _forget_contacts(session: Session, person: Person, done: Erased) -> None:
    """Contact details in introductions that stay, since they are of another partner."""
    for introduction, column in contacts_of(session, person):
        if introduction.partner_id not in person.partner_ids:
            setattr(introduction, column, null())
            _count(done, "introductions")
    session.flush()


def _forget_exclusions(session: Session, person: Person, done: Erased) -> None:
    """Needs name no evidence of the person any more, unless somebody else has the same work."""
    own = Capability.partner_id.in_(person.partner_ids)
    mine = set(session.scalars(select(Capability.external_id).where(own))) - {None}
    others = set(
        session.scalars(
            select(Capability.external_id).where(~own, Capability.external_id.in_(mine))
        )
    )
    gone = mine - others
    if not gone:
        return
    rows = session.execute(select(Need.id, Need.excluded_evidence)).all()
    for row in rows:
        if gone.isdisjoint(row.excluded_evidence):
            continue
        need = session.get_one(Need, row.id)
        need.excluded_evidence = [i for i in need.excluded_evidence if i not in gone]
        _count(done, "needs")


def _needs_of_staff(session: Session, person: Person) -> list[UUID]:
    statement = select(need_staff.c.need_id).where(need_staff.c.account_id.in_(person.account_ids))
    return list(session.scalars(statement))


def _is_staffed(session: Session, need_id: UUID) -> bool:
    return bool(session.scalar(select(exists().where(need_staff.c.need_id == need_id))))


def _count(done: Erased, table: str) -> None:
    done.counts[table] = done.counts.get(table, 0) + 1
