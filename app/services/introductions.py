"""Introductions: brokered matches, from the suggestion to the outcome.

The policy decides who sees an introduction and may try a step, `introduction_steps.MOVES` which
step may follow, and what is left is here: what each step needs and what it stores.
"""

from datetime import date
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from app.access import Action, Actor, View
from app.errors import Problem, conflict, invalid, not_found
from app.schemas.introduction import ContactIn
from app.services.introduction_briefs import brief_shown, brief_to_show
from app.services.introduction_moves import end_declined, enter, require_step, side_of
from app.services.introduction_steps import Step
from app.services.introduction_suggestions import is_excluded, require_not_excluded
from app.services.needs import require_open
from app.services.paging import PageOf, page
from app.visibility import introductions_for
from models import (
    DeclineReason,
    Introduction,
    IntroductionNote,
    IntroductionState,
    Need,
    NeedStatus,
    Outcome,
    Side,
)

ENDED_AT_CONSENT = (
    "Ended when the company consented: the partner's organisation had been excluded meanwhile."
)


def get_introduction(
    session: Session,
    introduction_id: UUID,
    *,
    actor: Actor,
    action: Action = Action.READ_INTRODUCTION,
) -> Introduction:
    """An introduction with which the actor may do that.

    Problem 403 if the actor may see it but not do that, else 404.
    """
    statement = _visible(actor, action).where(Introduction.id == introduction_id)
    found = session.scalar(statement)
    if found is not None:
        return found
    seen = _visible(actor, Action.READ_INTRODUCTION).where(Introduction.id == introduction_id)
    if session.scalar(seen) is not None:
        raise Problem(HTTPStatus.FORBIDDEN, "This step of the introduction is not yours to take.")
    raise not_found("introduction")


def _visible(actor: Actor, action: Action) -> Select[Introduction]:
    statement = select(Introduction).join(Need, Need.id == Introduction.need_id)
    return statement.where(introductions_for(actor, action))


def list_introductions(
    session: Session,
    *,
    actor: Actor,
    cursor: str | None,
    limit: int,
    state: IntroductionState | None = None,
    need_id: UUID | None = None,
    partner_id: UUID | None = None,
) -> PageOf[Introduction]:
    """A page of the introductions that the actor may see."""
    statement = _visible(actor, Action.READ_INTRODUCTION)
    if state is not None:
        statement = statement.where(Introduction.state == state)
    if need_id is not None:
        statement = statement.where(Introduction.need_id == need_id)
    if partner_id is not None:
        # Who does not see the partner must not find out by guessing who it is.
        named = frozenset({View.FULL, View.CONTACTS})
        told = introductions_for(actor, Action.READ_INTRODUCTION, named)
        own = Introduction.partner_id == actor.partner_id
        statement = statement.where(and_(Introduction.partner_id == partner_id, told | own))
    return page(session, statement, Introduction, cursor=cursor, limit=limit)


def release(
    session: Session,
    introduction: Introduction,
    *,
    actor: Actor,
    revision: int | None,
    version_id: UUID | None,
    today: date,
) -> Introduction:
    """Tell the company of an anonymous candidate, and choose the brief for the partner.

    Problem 409 if no brief is released, or the partner is ruled out by now.
    """
    after = require_step(introduction, Step.RELEASE, side=Side.STAFF, revision=revision)
    require_open(introduction.need)
    require_not_excluded(introduction, today=today)
    introduction.version_id = brief_to_show(session, introduction.need, version_id).id
    return enter(session, introduction, after, actor=actor, today=today)


def consent(
    session: Session,
    introduction: Introduction,
    *,
    actor: Actor,
    revision: int | None,
    contact: ContactIn,
    today: date,
) -> Introduction:
    """Take a side's consent with its contact.

    Problem 409 for a partner whose brief was withdrawn. If the partner became excluded since the
    release, the company's consent ends the introduction: the partner must not be told, and to ask
    the company again would let it find out who the candidate is by changing its exclusions.
    """
    side = side_of(actor)
    after = require_step(introduction, Step.CONSENT, side=side, revision=revision)
    values: dict[str, Any] = contact.model_dump()
    if side is Side.COMPANY:
        if is_excluded(introduction, today=today):
            introduction.notes.append(IntroductionNote(text=ENDED_AT_CONSENT))
            return end_declined(
                session,
                introduction,
                reason=DeclineReason.CONFLICT_OF_INTEREST,
                declined_by=Side.STAFF,
                actor=actor,
                today=today,
                side=Side.STAFF,
            )
        introduction.company_contact = values
    else:
        if brief_shown(session, introduction) is None:
            raise conflict("The brief of the need was withdrawn: wait for word from the office.")
        introduction.partner_contact = values
    return enter(session, introduction, after, actor=actor, today=today)


def introduce(
    session: Session,
    introduction: Introduction,
    *,
    actor: Actor,
    revision: int | None,
    today: date,
) -> Introduction:
    """Exchange names and contacts. Problem 409 if one is missing or the partner is excluded."""
    after = require_step(introduction, Step.INTRODUCE, side=Side.STAFF, revision=revision)
    require_not_excluded(introduction, today=today)
    if not (introduction.company_contact and introduction.partner_contact):
        raise conflict("A contact was erased meanwhile: decline this one and suggest it anew.")
    return enter(session, introduction, after, actor=actor, today=today)


def meet(
    session: Session, introduction: Introduction, *, actor: Actor, revision: int | None, today: date
) -> Introduction:
    """Note that the two have met."""
    after = require_step(introduction, Step.MEET, side=Side.STAFF, revision=revision)
    return enter(session, introduction, after, actor=actor, today=today)


def agree(
    session: Session,
    introduction: Introduction,
    *,
    actor: Actor,
    revision: int | None,
    need_matched: bool,
    today: date,
) -> Introduction:
    """Note that the two have agreed; `need_matched`: the open need looks for nobody else."""
    after = require_step(introduction, Step.AGREE, side=Side.STAFF, revision=revision)
    if need_matched and introduction.need.status is NeedStatus.OPEN:
        introduction.need.status = NeedStatus.MATCHED
    return enter(session, introduction, after, actor=actor, today=today)


def close(
    session: Session,
    introduction: Introduction,
    *,
    actor: Actor,
    revision: int | None,
    outcome: Outcome,
    today: date,
) -> Introduction:
    """End it with what became of it."""
    after = require_step(introduction, Step.CLOSE, side=Side.STAFF, revision=revision)
    introduction.outcome = outcome
    return enter(session, introduction, after, actor=actor, today=today)


def decline(
    session: Session,
    introduction: Introduction,
    *,
    actor: Actor,
    revision: int | None,
    reason: DeclineReason,
    on_behalf_of: Side | None,
    today: date,
) -> Introduction:
    """End it; with the reason `consent_withdrawn` also after the close. The contacts are erased.

    Staff may do it on behalf of a side. Problem 403 if a side does so for another.
    """
    side = on_behalf_of or side_of(actor)
    if side is not side_of(actor) and not actor.is_staff:
        raise Problem(HTTPStatus.FORBIDDEN, "Only the office declines on behalf of another side.")
    withdrawn = reason is DeclineReason.CONSENT_WITHDRAWN
    if withdrawn and side is Side.STAFF:
        raise invalid("on_behalf_of", "say who takes its consent back: company or partner")
    step = Step.WITHDRAW if withdrawn else Step.DECLINE
    require_step(introduction, step, side=side, revision=revision)
    return end_declined(
        session, introduction, reason=reason, declined_by=side, actor=actor, today=today
    )
