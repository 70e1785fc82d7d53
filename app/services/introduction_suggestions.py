"""Suggesting an introduction, and whom no introduction may be made with."""

from datetime import date
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import LIVE, Actor
from app.errors import conflict, invalid
from app.schemas.introduction import IntroductionIn
from app.services.corpus_rows import partner_value
from app.services.introduction_moves import enter
from app.services.needs import query_of, require_open
from matching.filters import REASONS, Filters, obstacle
from models import Introduction, IntroductionNote, IntroductionState, Need, Partner

NEVER: Final = frozenset({"own_organisation", "excluded_organisation", "organisation_unknown"})
"""Obstacles that nobody can override: what the company excluded stays excluded."""


def suggest(
    session: Session, need: Need, values: IntroductionIn, *, actor: Actor, today: date
) -> Introduction:
    """A new introduction for a need that the actor may suggest for.

    Problem 409 if the need is not open, the pair is already under way or a hard constraint rules
    the partner out; 422 for an unknown partner or an override without its note.
    """
    require_open(need)
    partner = session.get(Partner, values.partner_id)
    if partner is None:
        raise invalid("partner_id", "there is no partner with this id")
    if live_introduction(session, need, partner) is not None:
        raise conflict("An introduction of this partner for this need is already under way.")
    if values.override and values.note is None:
        raise invalid("note", "an override needs a note that says why")
    require_suitable(need, partner, today=today, override=values.override)
    introduction = Introduction(need=need, partner=partner)
    session.add(introduction)
    if values.note is not None:
        introduction.notes.append(IntroductionNote(account_id=actor.account_id, text=values.note))
    return enter(session, introduction, IntroductionState.SUGGESTED, actor=actor, today=today)


def suggest_accepted(
    session: Session, need: Need, partner: Partner, *, actor: Actor | None, note: str, today: date
) -> Introduction:
    """Let the office know by a note that a side accepted this pair, on a new introduction unless
    one is under way.

    `actor`: the coordinator who accepted, None where a side did. Problem 409 as of `suggest`.
    """
    introduction = live_introduction(session, need, partner)
    if introduction is None:
        require_open(need)
        require_suitable(need, partner, today=today, override=False)
        introduction = Introduction(need=need, partner=partner)
        session.add(introduction)
        enter(session, introduction, IntroductionState.SUGGESTED, actor=actor, today=today)
    introduction.notes.append(IntroductionNote(text=note))
    session.flush()
    return introduction


def live_introduction(session: Session, need: Need, partner: Partner) -> Introduction | None:
    """The introduction of the pair that is under way."""
    return session.scalar(
        select(Introduction).where(
            Introduction.need_id == need.id,
            Introduction.partner_id == partner.id,
            Introduction.state.in_(sorted(LIVE)),
        )
    )


def obstacle_to(need: Need, partner: Partner, *, today: date) -> str | None:
    """Name of the first hard constraint that rules the partner out today, or None."""
    return obstacle(query_of(need), partner_value(partner), Filters(available_on=today))


def require_suitable(need: Need, partner: Partner, *, today: date, override: bool) -> None:
    """Problem 409 if a hard constraint rules the partner out (the first in order decides)."""
    found = obstacle_to(need, partner, today=today)
    if found is None or (override and found not in NEVER):
        return
    way_out = (
        "This cannot be overridden."
        if found in NEVER
        else "To suggest it all the same, send override: true with a note."
    )
    raise conflict(f"This partner is among those who {REASONS[found]}. {way_out}")


def is_excluded(introduction: Introduction, *, today: date) -> bool:
    """True if the company has excluded the partner's organisation, or may have."""
    return obstacle_to(introduction.need, introduction.partner, today=today) in NEVER


def require_not_excluded(introduction: Introduction, *, today: date) -> None:
    """Problem 409 if the company has excluded the partner's organisation meanwhile."""
    require_suitable(introduction.need, introduction.partner, today=today, override=True)
