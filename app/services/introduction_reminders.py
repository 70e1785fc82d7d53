"""Who has let an introduction wait."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.access import LIVE
from app.services.introduction_steps import reminded_on, waits_for
from models import Introduction, IntroductionState, Side


@dataclass(frozen=True, slots=True)
class Reminder:
    """An introduction that waits, without a word of what it is about."""

    introduction_id: UUID
    state: IntroductionState
    side: Side
    """Who is to act."""
    due_on: date


def due_reminders(session: Session, today: date) -> list[Reminder]:
    """Who is to be reminded on that day, the longest due first."""
    statement = (
        select(Introduction.id, Introduction.state, Introduction.remind_on)
        .where(Introduction.remind_on <= today, Introduction.state.in_(sorted(LIVE)))
        .order_by(Introduction.remind_on, Introduction.id)
    )
    found = []
    for key, state, due_on in session.execute(statement):
        side = waits_for(state)
        if side is not None and due_on is not None:
            found.append(Reminder(key, state, side, due_on))
    return found


def mark_reminded(session: Session, reminded: Collection[Reminder], *, today: date) -> None:
    """Remind of these again only when as many days have passed once more.

    Leaves the revision as it is: a reminder must not undo what its reader is about to send. One
    that has moved on meanwhile has a day of its own, which stays.
    """
    for each in reminded:
        session.execute(
            update(Introduction)
            .where(Introduction.id == each.introduction_id, Introduction.state == each.state)
            .values(remind_on=reminded_on(each.state, today))
            .execution_options(synchronize_session=False)
        )
