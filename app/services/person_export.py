"""All that is held of a person, as one JSON object, for the person."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, func, or_, select
from sqlalchemy.orm import Session

from app.privacy import TABLES, exported_columns
from app.services.persons import Person, contacts_of
from models import (
    Account,
    ApiKey,
    AuditEntry,
    Base,
    Capability,
    Disclosure,
    DistinctPartners,
    Embedding,
    IdempotentAnswer,
    Introduction,
    IntroductionNote,
    IntroductionStep,
    Mail,
    MailConsent,
    MailLink,
    Match,
    NeedVersion,
    Partner,
    PartnerAlias,
    PassageVector,
    SignInSession,
    Suggestion,
    SuggestionAnswer,
    Unavailability,
    account_clusters,
    need_staff,
    partner_clusters,
    partner_name_keys,
    utc_now,
)

Rows = list[dict[str, Any]]
Where = ColumnElement[bool]

CONTACTS: Final = ("company_contact", "partner_contact")


def export_person(session: Session, person: Person) -> dict[str, Any]:
    """Rows by table with the columns that `app.privacy_tables` gives an export.

    Vectors, keys of names and pairs of records are counted; contact details of the other side,
    answers to requests and texts by others are left out.
    """
    tables = {name: _rows(session, name, where) for name, where in _own(person).items()}
    tables |= {
        "introductions": _introductions(session, person),
        "introduction_notes": _notes(session, person),
    }
    return {
        "made_at": utc_now().isoformat(),
        "partner_ids": sorted(str(i) for i in person.partner_ids),
        "account_ids": sorted(str(i) for i in person.account_ids),
        "purposes": {t.name: t.purpose for t in TABLES if tables.get(t.name)},
        "held": {name: rows for name, rows in tables.items() if rows},
        "counted": _counted(session, person),
        "left_out": {t.name: list(t.withheld) for t in TABLES if t.withheld and tables.get(t.name)},
    }


def _own(person: Person) -> dict[str, Where]:
    """Which rows of a table are about the person."""
    partners, accounts = person.partner_ids, person.account_ids
    introductions = select(Introduction.id).where(Introduction.partner_id.in_(partners))
    return {
        "partners": Partner.id.in_(partners),
        "partner_clusters": partner_clusters.c.partner_id.in_(partners),
        "partner_aliases": PartnerAlias.partner_id.in_(partners),
        "unavailabilities": Unavailability.partner_id.in_(partners),
        "capabilities": Capability.partner_id.in_(partners),
        "matches": Match.partner_id.in_(partners),
        "introduction_steps": or_(
            IntroductionStep.account_id.in_(accounts),
            IntroductionStep.introduction_id.in_(introductions),
        ),
        "disclosures": or_(
            Disclosure.account_id.in_(accounts), Disclosure.partner_id.in_(partners)
        ),
        "accounts": Account.id.in_(accounts),
        "account_clusters": account_clusters.c.account_id.in_(accounts),
        "mail_consents": MailConsent.account_id.in_(accounts),
        "mails": Mail.account_id.in_(accounts),
        "mail_links": MailLink.account_id.in_(accounts),
        "suggestions": Suggestion.partner_id.in_(partners),
        "suggestion_answers": SuggestionAnswer.account_id.in_(accounts),
        "api_keys": ApiKey.account_id.in_(accounts),
        "sign_in_sessions": SignInSession.account_id.in_(accounts),
        "idempotent_answers": IdempotentAnswer.account_id.in_(accounts),
        "need_staff": need_staff.c.account_id.in_(accounts),
        "need_versions": or_(
            NeedVersion.drafted_by.in_(accounts), NeedVersion.released_by.in_(accounts)
        ),
        "audit_entries": or_(
            AuditEntry.account_id.in_(accounts), AuditEntry.object_id.in_(person.ids)
        ),
    }


def _rows(session: Session, name: str, where: Where) -> Rows:
    return _read(session, _select(Base.metadata.tables[name], exported_columns(name)).where(where))


def _select(table: Table, columns: Iterable[str]) -> Select[Any]:
    return select(*(table.c[column] for column in columns)).order_by(*table.primary_key)


def _read(session: Session, statement: Select[Any]) -> Rows:
    return [dict(row) for row in session.execute(statement).mappings()]


def _introductions(session: Session, person: Person) -> Rows:
    """The person's own introductions, and of others the contact details that the person gave."""
    given: dict[Any, set[str]] = {}
    for introduction, field in contacts_of(session, person):
        given.setdefault(introduction.id, set()).add(field)
    own = Introduction.partner_id.in_(person.partner_ids)
    rows = _rows(session, "introductions", or_(own, Introduction.id.in_(given)))
    return [_own_side(row, given.get(row["id"], set()), person) for row in rows]


def _own_side(row: dict[str, Any], given: set[str], person: Person) -> dict[str, Any]:
    if row["partner_id"] in person.partner_ids:
        return {k: v for k, v in row.items() if k not in CONTACTS or k in given}
    return {k: v for k, v in row.items() if k == "id" or k in given}


def _notes(session: Session, person: Person) -> Rows:
    """Notes about the person whole; of those that the person wrote about others only when."""
    about = select(Introduction.id).where(Introduction.partner_id.in_(person.partner_ids))
    rows = _rows(session, "introduction_notes", IntroductionNote.introduction_id.in_(about))
    shown = {row["id"] for row in rows}
    written = _rows(
        session, "introduction_notes", IntroductionNote.account_id.in_(person.account_ids)
    )
    return rows + [
        {k: v for k, v in row.items() if k != "text"} for row in written if row["id"] not in shown
    ]


def _counted(session: Session, person: Person) -> dict[str, Any]:
    """What exists and is not shown."""
    partners = person.partner_ids
    texts = select(Capability.content_hash).where(Capability.partner_id.in_(partners))
    vectors = session.execute(
        select(Embedding.encoder_id, func.count())
        .where(Embedding.content_hash.in_(texts))
        .group_by(Embedding.encoder_id)
    )
    pairs = or_(DistinctPartners.first_id.in_(partners), DistinctPartners.second_id.in_(partners))
    return {
        "vectors_by_encoder": {row[0]: row[1] for row in vectors},
        "vectors_for_search": _number(session, PassageVector.partner_id.in_(partners)),
        "name_keys": _number(session, partner_name_keys.c.partner_id.in_(partners)),
        "pairs_told_apart": _number(session, pairs),
    }


def _number(session: Session, where: Where) -> int:
    return session.scalar(select(func.count()).where(where)) or 0


def covered_tables() -> Sequence[str]:
    """The tables that an export shows, for the test that compares them with the data map."""
    return sorted({*_own(Person()), "introductions", "introduction_notes"})
