"""What a run's digests are to hold, by ids: few statements, whatever the number of recipients.

What is chosen here is checked again when the mail leaves (`app.services.digests`).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from app.access import Scope
from app.services.actors import actor_of
from app.services.candidates import K
from app.services.open_suggestions import concerns, may_be_told, open_for, visible_to, was_mailed
from app.services.outside import shown_to_all
from app.services.partner_groups import ANYBODY, count_groups
from models import (
    Account,
    Confidentiality,
    MailSection,
    Need,
    NeedStatus,
    Role,
    Side,
    Suggestion,
)

_VALUE: ColumnElement[float] = func.coalesce(Suggestion.probability, Suggestion.score)


@dataclass(frozen=True, slots=True)
class Item:
    """A suggestion that goes into a mail."""

    suggestion_id: UUID
    section: MailSection


def items_for(
    session: Session, accounts: Sequence[Account], *, today: date, until: date, most: int
) -> dict[UUID, list[Item]]:
    """By account, in the order of the mail: what is new first, the most probable first.

    `until`: day of the run. Coordinators also get what is still open, `most` in all: they may have
    nothing else, which `has_news` tells. Who has nothing at all is left out.
    """
    found = {
        account.id: _for_staff(session, account, today=today, until=until, most=most)
        for account in accounts
        if account.role is Role.COORDINATOR
    }
    others = _for_companies(session, today=today, until=until)
    others |= _for_partners(session, today=today, until=until)
    found |= {account.id: others[account.id] for account in accounts if account.id in others}
    return {account_id: items for account_id, items in found.items() if items}


def has_news(items: Sequence[Item]) -> bool:
    """True if one is new: what is still open is no reason for a mail."""
    return any(item.section is MailSection.NEW for item in items)


def count_open(session: Session, account: Account, *, today: date, until: date) -> int:
    """How many suggestions a coordinator's digest of that day would hold if it had no end."""
    statement = (
        select(func.count())
        .select_from(Suggestion)
        .join(Need, Need.id == Suggestion.need_id)
        .where(_of_staff(account, today=today, until=until))
    )
    return session.scalar(statement) or 0


def _for_staff(
    session: Session, account: Account, *, today: date, until: date, most: int
) -> list[Item]:
    mailed = was_mailed(account.id)
    statement = (
        select(Suggestion.id, mailed)
        .join(Need, Need.id == Suggestion.need_id)
        .where(_of_staff(account, today=today, until=until))
        .order_by(mailed, _VALUE.desc(), Suggestion.id)
        .limit(most)
    )
    return [
        Item(key, MailSection.OPEN if known else MailSection.NEW)
        for key, known in session.execute(statement)
    ]


def _of_staff(account: Account, *, today: date, until: date) -> ColumnElement[bool]:
    actor = actor_of(account, scopes=frozenset(Scope))
    return and_(
        open_for(Side.STAFF, today=today, until=until), visible_to(actor), concerns(account)
    )


def _for_companies(session: Session, *, today: date, until: date) -> dict[UUID, list[Item]]:
    if count_groups(session, clusters=()).get(ANYBODY, 0) < K:
        return {}  # so few could be told apart
    statement = _new(Side.COMPANY, Role.COMPANY, today=today, until=until).where(
        Account.organisation_id == Need.organisation_id
    )
    found: dict[UUID, list[Item]] = defaultdict(list)
    for account_id, key, _, level, status in session.execute(statement):
        if may_be_told(Role.COMPANY, level, status):
            found[account_id].append(Item(key, MailSection.NEW))
    return found


def _for_partners(session: Session, *, today: date, until: date) -> dict[UUID, list[Item]]:
    shown = shown_to_all(session)
    statement = _new(Side.PARTNER, Role.PARTNER, today=today, until=until).where(
        Account.partner_id == Suggestion.partner_id
    )
    found: dict[UUID, list[Item]] = defaultdict(list)
    for account_id, key, need_id, level, status in session.execute(statement):
        if need_id in shown and may_be_told(Role.PARTNER, level, status):
            found[account_id].append(Item(key, MailSection.NEW))
    return found


def _new(
    side: Side, role: Role, *, today: date, until: date
) -> Select[UUID, UUID, UUID, Confidentiality, NeedStatus]:
    """Accounts of that role and suggestions that they have not been mailed; to be joined."""
    return (
        select(Account.id, Suggestion.id, Need.id, Need.confidentiality, Need.status)
        .select_from(Suggestion)
        .join(Need, Need.id == Suggestion.need_id)
        .where(
            Account.role == role, open_for(side, today=today, until=until), ~was_mailed(Account.id)
        )
        .order_by(_VALUE.desc(), Suggestion.id)
    )
