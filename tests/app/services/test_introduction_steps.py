"""The table of moves, checked against what the policy lets each side see and try."""

from datetime import date

import pytest

from app.access import INTRODUCED_STAGES, LIVE, Action, Relation, State, View, decide
from app.services.introduction_steps import (
    BEFORE_INTRODUCED,
    DAYS_UNTIL_REMINDED,
    MOVES,
    Move,
    Step,
    leads_to,
    next_steps,
    reminded_on,
    waits_for,
    what_may_follow,
)
from models import Confidentiality, IntroductionState, Role, Side

ACTIONS = {
    Step.CONSENT: Action.CONSENT,
    Step.DECLINE: Action.DECLINE,
    Step.WITHDRAW: Action.DECLINE,
}
ROLES = {Side.COMPANY: Role.COMPANY, Side.PARTNER: Role.PARTNER, Side.STAFF: Role.COORDINATOR}


def test_a_step_leads_to_one_state() -> None:
    keys = [(move.before, move.step, move.side) for move in MOVES]
    assert len(keys) == len(set(keys))
    for move in MOVES:
        assert leads_to(move.before, move.step, move.side) is move.after


def test_what_is_not_in_the_table_leads_nowhere() -> None:
    assert leads_to(IntroductionState.SUGGESTED, Step.CONSENT, Side.COMPANY) is None
    assert leads_to(IntroductionState.RELEASED, Step.CONSENT, Side.PARTNER) is None
    assert leads_to(IntroductionState.COMPANY_CONSENTED, Step.INTRODUCE, Side.STAFF) is None
    assert list(next_steps(IntroductionState.DECLINED)) == []
    assert what_may_follow(IntroductionState.DECLINED) == "nothing"


def test_every_state_is_reached_and_every_live_one_left() -> None:
    assert {m.after for m in MOVES} == set(IntroductionState) - {IntroductionState.SUGGESTED}
    for state in LIVE:
        assert leads_to(state, Step.DECLINE, Side.STAFF) is IntroductionState.DECLINED
        assert waits_for(state) is not None


def test_both_sides_have_consented_before_contacts_are_exchanged() -> None:
    """Every way from the suggestion to a state with contacts passes both consents and staff."""
    wanted = {
        (Step.RELEASE, Side.STAFF),
        (Step.CONSENT, Side.COMPANY),
        (Step.CONSENT, Side.PARTNER),
        (Step.INTRODUCE, Side.STAFF),
    }
    ways: list[tuple[IntroductionState, tuple[tuple[Step, Side], ...]]] = [
        (IntroductionState.SUGGESTED, ())
    ]
    arrived = 0
    while ways:
        state, taken = ways.pop()
        if state in INTRODUCED_STAGES:
            arrived += 1
            assert wanted <= set(taken)
        ways += [(m.after, (*taken, (m.step, m.side))) for m in next_steps(state)]
    assert arrived > 5


@pytest.mark.parametrize("move", MOVES, ids=lambda m: f"{m.before}-{m.step}-{m.side}")
def test_the_policy_lets_each_side_take_its_moves(move: Move) -> None:
    relation = Relation.STRANGER if move.side is Side.STAFF else Relation.OWNER
    state = State(relation, Confidentiality.STAFF_ONLY, None, move.before)
    action = ACTIONS.get(move.step, Action.MOVE)
    assert decide(ROLES[move.side], action, state) is not View.NONE


def test_contacts_are_seen_from_the_introduction_on() -> None:
    assert BEFORE_INTRODUCED | INTRODUCED_STAGES | {IntroductionState.DECLINED} == set(
        IntroductionState
    )
    for role in (Role.COMPANY, Role.PARTNER):
        for stage in IntroductionState:
            state = State(Relation.OWNER, Confidentiality.PUBLIC, None, stage)
            seen = decide(role, Action.READ_INTRODUCTION, state)
            assert (seen is View.CONTACTS) == (stage in INTRODUCED_STAGES)


def test_a_consent_can_be_taken_back_once_it_was_given() -> None:
    for state in IntroductionState:
        company = leads_to(state, Step.WITHDRAW, Side.COMPANY)
        partner = leads_to(state, Step.WITHDRAW, Side.PARTNER)
        given = INTRODUCED_STAGES | {IntroductionState.PARTNER_CONSENTED}
        assert (partner is not None) == (state in given)
        assert (company is not None) == (state in given | {IntroductionState.COMPANY_CONSENTED})


def test_who_waits_and_for_how_long() -> None:
    assert set(DAYS_UNTIL_REMINDED) == LIVE
    assert waits_for(IntroductionState.RELEASED) is Side.COMPANY
    assert waits_for(IntroductionState.COMPANY_CONSENTED) is Side.PARTNER
    assert waits_for(IntroductionState.PARTNER_CONSENTED) is Side.STAFF
    assert waits_for(IntroductionState.CLOSED) is None
    assert reminded_on(IntroductionState.RELEASED, date(2026, 11, 28)) == date(2026, 12, 5)
    assert reminded_on(IntroductionState.DECLINED, date(2026, 11, 28)) is None


def test_a_refusal_can_say_what_may_follow() -> None:
    assert what_may_follow(IntroductionState.RELEASED) == (
        "consent (company); decline (staff, company)"
    )
