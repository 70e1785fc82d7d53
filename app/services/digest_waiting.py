"""Introductions that wait for the recipient of a digest: which, and what may be said of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.access import Action, Actor, Scope, View
from app.services.actors import actor_of
from app.services.introduction_briefs import brief_shown
from app.services.introduction_moves import side_of
from app.services.introduction_reminders import Reminder, due_reminders, mark_reminded
from app.services.introduction_steps import waits_for
from app.services.open_suggestions import LEFT, concerns, mailed_to
from app.visibility import introductions_for, needs_for
from models import (
    Account,
    Introduction,
    IntroductionState,
    IntroductionStep,
    Mail,
    MailReminder,
    Need,
    NeedVersion,
    Role,
    Side,
)

_ACTS: Final = {Side.STAFF: Action.MOVE, Side.COMPANY: Action.CONSENT, Side.PARTNER: Action.CONSENT}
"""What the side is asked to do, whatever the step: who may not do it is not asked."""


@dataclass(frozen=True, slots=True)
class ShownWaiting:
    """An introduction that waits, and the version of its need that a partner is shown of it."""

    introduction: Introduction
    version: NeedVersion | None


def waiting_for(
    session: Session, accounts: Sequence[Account], *, today: date
) -> dict[UUID, list[UUID]]:
    """By account: ids of the introductions of which its digest reminds, the longest due first.

    Those whose day of reminding has come; staff also those that an answer to a mail has just begun.
    """
    due: dict[Side, list[UUID]] = defaultdict(list)
    for reminder in due_reminders(session, today):
        due[reminder.side].append(reminder.introduction_id)
    found = {
        account.id: _for_staff(session, account, due[Side.STAFF])
        for account in accounts
        if account.role is Role.COORDINATOR
    }
    for side, one in (
        (Side.COMPANY, Need.organisation_id),
        (Side.PARTNER, Introduction.partner_id),
    ):
        waiting = _by_owner(session, due[side], one)
        for account in accounts:
            if side_of(_actor(account)) is side:
                owner = account.organisation_id or account.partner_id
                ids = waiting.get(owner, []) if owner is not None else []
                found[account.id] = _permitted(session, account, ids) if ids else []
    return {account_id: ids for account_id, ids in found.items() if ids}


def shown_waiting(session: Session, mail: Mail, *, actor: Actor) -> list[ShownWaiting]:
    """Those of a mail's introductions that still wait for its recipient, as it may see them now."""
    if not mail.reminders:
        return []
    statement = (
        select(Introduction)
        .join(Need, Need.id == Introduction.need_id)
        .where(
            Introduction.id.in_([each.introduction_id for each in mail.reminders]), _may_act(actor)
        )
        .order_by(Introduction.id)
    )
    if actor.is_staff:
        statement = statement.where(concerns(mail.account))
    found = []
    for introduction in session.scalars(statement):
        if waits_for(introduction.state) is not side_of(actor):
            continue
        version = brief_shown(session, introduction) if actor.role is Role.PARTNER else None
        if actor.role is Role.PARTNER and version is None:
            continue  # the brief was withdrawn: there is nothing to consent to
        found.append(ShownWaiting(introduction, version))
    return found


def note_reminded(session: Session, waiting: Iterable[ShownWaiting], *, today: date) -> None:
    """Remind of these again when as many days have passed once more."""
    reminded = [
        Reminder(each.introduction.id, each.introduction.state, side, today)
        for each in waiting
        if (side := waits_for(each.introduction.state)) is not None
    ]
    mark_reminded(session, reminded, today=today)


def _may_act(actor: Actor) -> ColumnElement[bool]:
    """Condition on `Introduction` joined to its `Need`: the policy lets the actor see it and act.

    A partner sees of the need what `brief_shown` finds; the others see the need itself.
    """
    may = and_(
        introductions_for(actor, Action.READ_INTRODUCTION),
        introductions_for(actor, _ACTS[side_of(actor)]),
    )
    if actor.role is Role.PARTNER:
        return may
    seen = needs_for(actor, Action.READ_NEED, frozenset({View.FULL}))
    return and_(may, seen, mailed_to(actor.role))


def _for_staff(session: Session, account: Account, due: Collection[UUID]) -> list[UUID]:
    """Those due, then those that an accepted suggestion began and that no mail has told yet."""
    told = (
        select(MailReminder.introduction_id)
        .join(Mail, Mail.id == MailReminder.mail_id)
        .where(
            MailReminder.introduction_id == Introduction.id,
            Mail.account_id == account.id,
            Mail.state.in_(sorted(LEFT)),
        )
        .exists()
    )
    by_answer = exists().where(
        IntroductionStep.introduction_id == Introduction.id,
        IntroductionStep.state == IntroductionState.SUGGESTED,
        IntroductionStep.account_id.is_(None),
    )
    begun = select(Introduction.id).where(
        Introduction.state == IntroductionState.SUGGESTED, by_answer, ~told
    )
    ids = dict.fromkeys([*due, *session.scalars(begun.order_by(Introduction.id))])
    return _permitted(session, account, list(ids)) if ids else []


def _permitted(session: Session, account: Account, ids: Sequence[UUID]) -> list[UUID]:
    """Those of the introductions on which the policy lets the account act, in their order."""
    statement = (
        select(Introduction)
        .join(Need, Need.id == Introduction.need_id)
        .where(Introduction.id.in_(ids), _may_act(_actor(account)))
    )
    if account.role is Role.COORDINATOR:
        statement = statement.where(concerns(account))
    permitted = {
        each.id
        for each in session.scalars(statement)
        # Of a brief that was withdrawn there is nothing to consent to.
        if account.role is not Role.PARTNER or brief_shown(session, each) is not None
    }
    return [key for key in ids if key in permitted]


def _by_owner(
    session: Session, ids: Sequence[UUID], owner: InstrumentedAttribute[UUID]
) -> dict[UUID, list[UUID]]:
    """The introductions by the company or partner for which they wait, in their order."""
    statement = select(Introduction.id, owner).join(Need, Need.id == Introduction.need_id)
    owners = {row[0]: row[1] for row in session.execute(statement.where(Introduction.id.in_(ids)))}
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for key in ids:
        if key in owners:
            found[owners[key]].append(key)
    return found


def _actor(account: Account) -> Actor:
    return actor_of(account, scopes=frozenset(Scope))
