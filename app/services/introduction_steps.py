"""The steps of an introduction: who may take which in which state, and where it leads.

`MOVES` is the whole machine. It says nothing of who sees an introduction: that is the policy's
(`app.access`), which is asked first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from models import IntroductionState, Side


class Step(StrEnum):
    """What a side does."""

    RELEASE = "release"
    CONSENT = "consent"
    INTRODUCE = "introduce"
    MEET = "meet"
    AGREE = "agree"
    CLOSE = "close"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    """Take one's consent back: a decline with the reason `consent_withdrawn`."""


@dataclass(frozen=True, slots=True)
class Move:
    """One line of the machine."""

    before: IntroductionState
    step: Step
    side: Side
    after: IntroductionState


_S, _STAFF, _COMPANY, _PARTNER = IntroductionState, Side.STAFF, Side.COMPANY, Side.PARTNER

MOVES: Final = (
    # The way from the suggestion to the outcome.
    Move(_S.SUGGESTED, Step.RELEASE, _STAFF, _S.RELEASED),
    Move(_S.RELEASED, Step.CONSENT, _COMPANY, _S.COMPANY_CONSENTED),
    Move(_S.COMPANY_CONSENTED, Step.CONSENT, _PARTNER, _S.PARTNER_CONSENTED),
    Move(_S.PARTNER_CONSENTED, Step.INTRODUCE, _STAFF, _S.INTRODUCED),
    Move(_S.INTRODUCED, Step.MEET, _STAFF, _S.MET),
    Move(_S.MET, Step.AGREE, _STAFF, _S.AGREED),
    # It ends with an outcome once the two know each other, whatever came of it.
    Move(_S.INTRODUCED, Step.CLOSE, _STAFF, _S.CLOSED),
    Move(_S.MET, Step.CLOSE, _STAFF, _S.CLOSED),
    Move(_S.AGREED, Step.CLOSE, _STAFF, _S.CLOSED),
    # Each side may decline from when it knows of the introduction.
    Move(_S.SUGGESTED, Step.DECLINE, _STAFF, _S.DECLINED),
    Move(_S.RELEASED, Step.DECLINE, _STAFF, _S.DECLINED),
    Move(_S.RELEASED, Step.DECLINE, _COMPANY, _S.DECLINED),
    Move(_S.COMPANY_CONSENTED, Step.DECLINE, _STAFF, _S.DECLINED),
    Move(_S.COMPANY_CONSENTED, Step.DECLINE, _COMPANY, _S.DECLINED),
    Move(_S.COMPANY_CONSENTED, Step.DECLINE, _PARTNER, _S.DECLINED),
    Move(_S.PARTNER_CONSENTED, Step.DECLINE, _STAFF, _S.DECLINED),
    Move(_S.PARTNER_CONSENTED, Step.DECLINE, _COMPANY, _S.DECLINED),
    Move(_S.PARTNER_CONSENTED, Step.DECLINE, _PARTNER, _S.DECLINED),
    Move(_S.INTRODUCED, Step.DECLINE, _STAFF, _S.DECLINED),
    Move(_S.INTRODUCED, Step.DECLINE, _COMPANY, _S.DECLINED),
    Move(_S.INTRODUCED, Step.DECLINE, _PARTNER, _S.DECLINED),
    Move(_S.MET, Step.DECLINE, _STAFF, _S.DECLINED),
    Move(_S.MET, Step.DECLINE, _COMPANY, _S.DECLINED),
    Move(_S.MET, Step.DECLINE, _PARTNER, _S.DECLINED),
    Move(_S.AGREED, Step.DECLINE, _STAFF, _S.DECLINED),
    Move(_S.AGREED, Step.DECLINE, _COMPANY, _S.DECLINED),
    Move(_S.AGREED, Step.DECLINE, _PARTNER, _S.DECLINED),
    # A consent that was given can be taken back at any time, also after the end.
    Move(_S.COMPANY_CONSENTED, Step.WITHDRAW, _COMPANY, _S.DECLINED),
    Move(_S.PARTNER_CONSENTED, Step.WITHDRAW, _COMPANY, _S.DECLINED),
    Move(_S.PARTNER_CONSENTED, Step.WITHDRAW, _PARTNER, _S.DECLINED),
    Move(_S.INTRODUCED, Step.WITHDRAW, _COMPANY, _S.DECLINED),
    Move(_S.INTRODUCED, Step.WITHDRAW, _PARTNER, _S.DECLINED),
    Move(_S.MET, Step.WITHDRAW, _COMPANY, _S.DECLINED),
    Move(_S.MET, Step.WITHDRAW, _PARTNER, _S.DECLINED),
    Move(_S.AGREED, Step.WITHDRAW, _COMPANY, _S.DECLINED),
    Move(_S.AGREED, Step.WITHDRAW, _PARTNER, _S.DECLINED),
    Move(_S.CLOSED, Step.WITHDRAW, _COMPANY, _S.DECLINED),
    Move(_S.CLOSED, Step.WITHDRAW, _PARTNER, _S.DECLINED),
)

BEFORE_INTRODUCED: Final = frozenset(
    {_S.SUGGESTED, _S.RELEASED, _S.COMPANY_CONSENTED, _S.PARTNER_CONSENTED}
)
"""In which no names and no contact details have been exchanged."""

DAYS_UNTIL_REMINDED: Final = {
    _S.SUGGESTED: 7,
    _S.RELEASED: 7,
    _S.COMPANY_CONSENTED: 7,
    _S.PARTNER_CONSENTED: 3,
    _S.INTRODUCED: 14,
    _S.MET: 30,
    _S.AGREED: 90,
}
"""Without a step for so many days, whoever is to act next is reminded; the ended have none."""


def leads_to(before: IntroductionState, step: Step, side: Side) -> IntroductionState | None:
    """The state into which that side's step leads, or None if it may not take it there."""
    for move in MOVES:
        if (move.before, move.step, move.side) == (before, step, side):
            return move.after
    return None


def next_steps(before: IntroductionState, side: Side | None = None) -> Iterator[Move]:
    """What may follow, of one side or of all."""
    return (m for m in MOVES if m.before is before and side in (None, m.side))


def what_may_follow(before: IntroductionState) -> str:
    """The same as part of a sentence: `consent (company); decline (staff, company)`."""
    sides: dict[Step, list[str]] = {}
    for move in next_steps(before):
        sides.setdefault(move.step, []).append(move.side.value)
    return "; ".join(f"{step.value} ({', '.join(who)})" for step, who in sides.items()) or "nothing"


def waits_for(state: IntroductionState) -> Side | None:
    """Who is to take the next step forward; None of an introduction that has ended."""
    if state not in DAYS_UNTIL_REMINDED:
        return None
    return next(m.side for m in next_steps(state) if m.step not in (Step.DECLINE, Step.WITHDRAW))


def reminded_on(state: IntroductionState, day: date) -> date | None:
    """When to remind, if nothing happens from `day` on in that state."""
    days = DAYS_UNTIL_REMINDED.get(state)
    return None if days is None else day + timedelta(days=days)
