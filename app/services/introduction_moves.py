"""Moving an introduction from state to state: what is the same for every step.

Two who act at once on one revision: the first wins, the second is told to read again. On SQLite
the second waits for the first one's commit and finds another revision; on PostgreSQL the row is
written only where it still has the revision that was read (SQLAlchemy's StaleDataError).
"""

from datetime import date

from sqlalchemy import null, select
from sqlalchemy.orm import Session

from app.access import Actor
from app.contexts import as_system
from app.errors import Problem, conflict
from app.services.introduction_steps import (
    BEFORE_INTRODUCED,
    Step,
    leads_to,
    reminded_on,
    what_may_follow,
)
from models import (
    DeclineReason,
    Introduction,
    IntroductionState,
    IntroductionStep,
    Need,
    Role,
    Side,
)

SIDES = {Role.COMPANY: Side.COMPANY, Role.PARTNER: Side.PARTNER}


def side_of(actor: Actor) -> Side:
    """The side for which the actor acts."""
    return SIDES.get(actor.role, Side.STAFF)


def stale() -> Problem:
    """For somebody who acts on what is no longer so."""
    return conflict(
        "The introduction has moved on since you read it: read it again, then decide anew."
    )


def require_step(
    introduction: Introduction, step: Step, *, side: Side, revision: int | None
) -> IntroductionState:
    """The state to which the step leads.

    Problem 409 if the introduction is not at that revision, or the step is not the next one.
    """
    if introduction.revision != revision:
        raise stale()
    after = leads_to(introduction.state, step, side)
    if after is None:
        raise conflict(
            f"The introduction is {introduction.state.value}: "
            f"{step.value} ({side.value}) does not follow. "
            f"What may: {what_may_follow(introduction.state)}."
        )
    return after


def enter(
    session: Session,
    introduction: Introduction,
    state: IntroductionState,
    *,
    actor: Actor | None,
    today: date,
    side: Side | None = None,
) -> Introduction:
    """Bring it into the state, with a row of its history; `side`: whose step it is to be called.

    `actor` None: the program itself, for the office.
    """
    introduction.state = state
    introduction.remind_on = reminded_on(state, today)
    by = Side.STAFF if actor is None else side_of(actor)
    account_id = None if actor is None else actor.account_id
    introduction.steps.append(IntroductionStep(state=state, side=side or by, account_id=account_id))
    session.flush()
    return introduction


def end_declined(
    session: Session,
    introduction: Introduction,
    *,
    reason: DeclineReason,
    declined_by: Side,
    actor: Actor,
    today: date,
    side: Side | None = None,
) -> Introduction:
    """Bring it to its end and erase the contacts; an outcome that it had stays."""
    # What is declined leaves the sight of its sides, and nobody writes a row out of his own sight.
    with as_system(session, with_pending=True):
        introduction.declined_by, introduction.decline_reason = declined_by, reason
        # Plain None would store the JSON value null, a text of four letters.
        introduction.company_contact = null()
        introduction.partner_contact = null()
        return enter(
            session, introduction, IntroductionState.DECLINED, actor=actor, today=today, side=side
        )


def end_for_need(session: Session, need: Need, *, actor: Actor, today: date) -> None:
    """Decline what is under way for a need that is closed, unless the two already know each other:
    those the office goes on with, and closes with an outcome.
    """
    statement = select(Introduction).where(
        Introduction.need_id == need.id, Introduction.state.in_(sorted(BEFORE_INTRODUCED))
    )
    with as_system(session):  # a company closes also what it has not been told of yet
        for introduction in session.scalars(statement).all():
            end_declined(
                session,
                introduction,
                reason=DeclineReason.NEED_CLOSED,
                declined_by=side_of(actor),
                actor=actor,
                today=today,
            )
