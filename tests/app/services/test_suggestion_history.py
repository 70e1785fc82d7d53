"""What earlier suggestions, answers and introductions rule out tonight."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.services.suggestion_history import (
    DECLINED_DAYS,
    LATER_DAYS,
    NO_TIME_DAYS,
    SELDOM_DAYS,
    UNANSWERED_DAYS,
    History,
    Out,
    Tonight,
    read_history,
)
from models import (
    Answer,
    Confidentiality,
    DeclineReason,
    IntroductionState,
    Need,
    NeedStatus,
    Partner,
    Side,
)
from tests.app.suggesting import TONIGHT, answered, before, moment, suggested
from tests.factories import make_introduction, make_need, make_partner

COOL_DOWN = 30
OTHER = "f" * 64
"""A fingerprint of something else."""


@dataclass(frozen=True, slots=True)
class World:
    """A need and a partner, and a way to ask about them."""

    session: Session
    need: Need
    partner: Partner

    def history(self, *, named_staff: bool = False, today: date = TONIGHT) -> History:
        return read_history(self.session, today=today, named_staff=named_staff)

    def why_out(self, now: Tonight) -> Out | None:
        past = self.history().of(self.need.id).get(self.partner.id)
        assert past is not None
        return past.why_out(now, today=TONIGHT, cool_down_days=COOL_DOWN)

    def suggest(self, days: int) -> Tonight:
        """Suggest the pair so many days ago; how it stood then."""
        row = suggested(self.session, self.need, self.partner, before(days))
        return Tonight(row.score, row.need_fingerprint, row.partner_fingerprint)

    def answer(
        self,
        answer: Answer,
        days: int,
        *,
        reason: DeclineReason | None = None,
        side: Side = Side.STAFF,
    ) -> Tonight:
        """Suggest the pair and answer a day later, so many days ago."""
        row = suggested(self.session, self.need, self.partner, before(days + 1))
        answered(self.session, row, answer, before(days), reason=reason, side=side)
        return Tonight(row.score, row.need_fingerprint, row.partner_fingerprint)

    def introduce(
        self,
        state: IntroductionState,
        days: int,
        *,
        reason: DeclineReason = DeclineReason.OTHER,
        side: Side = Side.COMPANY,
    ) -> None:
        values = {"declined_by": side, "decline_reason": reason}
        make_introduction(
            self.session,
            self.need,
            self.partner,
            state=state,
            updated_at=moment(before(days)),
            **(values if state is IntroductionState.DECLINED else {}),
        )


@pytest.fixture
def world(session: Session) -> World:
    return World(session, make_need(session), make_partner(session))


def changed(then: Tonight) -> Tonight:
    """The need another one, and the score well above the old one."""
    return replace(then, score=then.score * 1.2, need_fingerprint=OTHER)


def test_what_was_never_suggested_has_no_past(world: World) -> None:
    assert world.history().of(world.need.id) == {}


def test_a_pair_is_not_suggested_twice(world: World) -> None:
    then = world.suggest(400)
    assert world.why_out(then) is Out.SUGGESTED


@pytest.mark.parametrize(
    ("days", "now", "expected"),
    [
        pytest.param(30, {"need_fingerprint": OTHER, "score": 0.55}, None, id="need"),
        pytest.param(30, {"partner_fingerprint": OTHER, "score": 0.55}, None, id="partner"),
        pytest.param(
            29, {"need_fingerprint": OTHER, "score": 0.55}, Out.SUGGESTED, id="still-cooling"
        ),
        pytest.param(
            30, {"need_fingerprint": OTHER, "score": 0.549}, Out.SUGGESTED, id="score-not-risen"
        ),
        pytest.param(30, {"score": 0.9}, Out.SUGGESTED, id="same-texts"),
        pytest.param(
            -3, {"need_fingerprint": OTHER, "score": 0.9}, Out.SUGGESTED, id="clock-set-back"
        ),
    ],
)
def test_it_is_again_once_it_has_changed_and_cooled_down(
    world: World, days: int, now: dict[str, Any], expected: Out | None
) -> None:
    then = world.suggest(days)
    assert world.why_out(replace(then, **now)) is expected


def test_the_last_suggestion_counts(world: World) -> None:
    first = world.suggest(200)
    suggested(world.session, world.need, world.partner, before(31), need_fingerprint=OTHER)
    assert world.why_out(changed(first)) is Out.SUGGESTED
    assert world.why_out(replace(first, score=0.6)) is None


@pytest.mark.parametrize(
    ("days", "expected"), [(LATER_DAYS - 1, Out.PUT_OFF), (LATER_DAYS, None)], ids=["soon", "due"]
)
def test_later_puts_it_off(world: World, days: int, expected: Out | None) -> None:
    then = world.answer(Answer.LATER, days)
    assert world.why_out(then) is expected


def test_later_holds_for_one_time(world: World) -> None:
    then = world.answer(Answer.LATER, 40)
    world.suggest(20)
    assert world.why_out(then) is Out.SUGGESTED


def test_later_does_not_help_against_a_decline(world: World) -> None:
    row = suggested(world.session, world.need, world.partner, before(40))
    answered(world.session, row, Answer.DECLINE, before(39), side=Side.COMPANY)
    answered(world.session, row, Answer.LATER, before(38), side=Side.STAFF)
    now = Tonight(row.score, row.need_fingerprint, row.partner_fingerprint)
    assert world.why_out(now) is Out.DECLINED


def test_an_answer_after_later_ends_it(world: World) -> None:
    row = suggested(world.session, world.need, world.partner, before(40))
    answered(world.session, row, Answer.LATER, before(39), side=Side.COMPANY)
    answered(world.session, row, Answer.ACCEPT, before(38), side=Side.STAFF)
    now = Tonight(row.score, row.need_fingerprint, row.partner_fingerprint)
    assert world.why_out(now) is Out.SUGGESTED


@pytest.mark.parametrize("side", Side)
def test_a_decline_of_anybody_rules_it_out(world: World, side: Side) -> None:
    then = world.answer(Answer.DECLINE, DECLINED_DAYS - 1, side=side)
    assert world.why_out(changed(then)) is Out.DECLINED


def test_a_decline_passes_if_the_pair_has_changed(world: World) -> None:
    then = world.answer(Answer.DECLINE, DECLINED_DAYS)
    assert world.why_out(then) is Out.DECLINED
    assert world.why_out(changed(then)) is None


@pytest.mark.parametrize(
    "reason", [DeclineReason.ALREADY_IN_TOUCH, DeclineReason.CONFLICT_OF_INTEREST]
)
def test_some_reasons_do_not_pass(world: World, reason: DeclineReason) -> None:
    then = world.answer(Answer.DECLINE, 5 * DECLINED_DAYS, reason=reason)
    assert world.why_out(changed(then)) is Out.DECLINED


@pytest.mark.parametrize(
    "state", [state for state in IntroductionState if state is not IntroductionState.DECLINED]
)
def test_an_introduction_rules_it_out(world: World, state: IntroductionState) -> None:
    then = world.suggest(1000)
    world.introduce(state, 900)
    assert world.why_out(changed(then)) is Out.INTRODUCED


@pytest.mark.parametrize(
    ("days", "expected"),
    [(DECLINED_DAYS - 1, Out.DECLINED), (DECLINED_DAYS, None)],
    ids=["soon", "due"],
)
def test_a_declined_introduction_passes_as_a_decline_does(
    world: World, days: int, expected: Out | None
) -> None:
    then = world.suggest(1000)
    world.introduce(IntroductionState.DECLINED, days)
    assert world.why_out(changed(then)) is expected
    assert world.why_out(then) is Out.DECLINED


def test_what_cannot_be_told_to_have_changed_is_out(world: World) -> None:
    """Of an introduction that no suggestion came before, nobody knows how the pair stood."""
    world.introduce(IntroductionState.DECLINED, 5 * DECLINED_DAYS)
    assert world.why_out(Tonight(0.9, OTHER, OTHER)) is Out.DECLINED


@pytest.mark.parametrize(
    ("days", "rests"), [(NO_TIME_DAYS - 1, True), (NO_TIME_DAYS, False)], ids=["soon", "due"]
)
def test_a_partner_without_time_rests(world: World, days: int, rests: bool) -> None:
    world.answer(Answer.DECLINE, days, reason=DeclineReason.NO_TIME, side=Side.PARTNER)
    assert (world.partner.id in world.history().resting) is rests


def test_a_partner_without_time_rests_after_an_introduction(world: World) -> None:
    world.introduce(IntroductionState.DECLINED, 3, reason=DeclineReason.NO_TIME, side=Side.PARTNER)
    assert world.history().resting == {world.partner.id}


def test_nobody_rests_since_somebody_else_has_no_time(world: World) -> None:
    world.answer(Answer.DECLINE, 3, reason=DeclineReason.NO_TIME, side=Side.COMPANY)
    assert world.history().resting == set()


def test_unanswered_suggestions_are_counted(world: World) -> None:
    session, partner, company = world.session, world.partner, world.need.organisation_id
    second = make_need(session, organisation_id=company)
    closed = make_need(session, organisation_id=company, status=NeedStatus.CLOSED)
    foreign = make_need(session)
    for need in (second, closed, foreign):
        suggested(session, need, partner, before(UNANSWERED_DAYS - 1))
    suggested(session, world.need, partner, before(UNANSWERED_DAYS))
    answered(session, suggested(session, world.need, partner, before(2)), Answer.LATER, before(1))

    history = world.history()

    assert history.of_need == {second.id: 1, closed.id: 1, foreign.id: 1}
    assert history.of_partner == {partner.id: 3}
    assert history.together == {
        (company, partner.id): 2,
        (foreign.organisation_id, partner.id): 1,
    }


def test_partners_seldom_suggested_are_told(world: World) -> None:
    other = make_partner(world.session)
    suggested(world.session, world.need, world.partner, before(SELDOM_DAYS - 1))
    suggested(world.session, world.need, other, before(SELDOM_DAYS))
    assert world.history().recent == {world.partner.id}


def test_hidden_needs_have_a_history_of_their_own(world: World) -> None:
    session, partner = world.session, make_partner(world.session)
    hidden = make_need(session, confidentiality=Confidentiality.NAMED_STAFF)
    world.answer(Answer.DECLINE, 3, reason=DeclineReason.NO_TIME, side=Side.PARTNER)
    row = suggested(session, hidden, partner, before(3))
    suggested(session, hidden, world.partner, before(4))
    answered(
        session, row, Answer.DECLINE, before(2), reason=DeclineReason.NO_TIME, side=Side.PARTNER
    )

    ours, theirs = world.history(), world.history(named_staff=True)

    assert set(ours.pairs) == {world.need.id}
    assert set(theirs.pairs) == {hidden.id}
    assert ours.resting == {world.partner.id}
    assert theirs.resting == {world.partner.id, partner.id}
    assert ours.recent == {world.partner.id}
    assert ours.of_partner == {}
    assert theirs.of_partner == {world.partner.id: 1}


def test_closed_needs_have_no_pairs(world: World) -> None:
    world.suggest(3)
    world.need.status = NeedStatus.CLOSED
    world.session.flush()
    assert world.history().pairs == {}


def test_a_pair_costs_no_statement_of_its_own(world: World) -> None:
    def statements() -> int:
        seen: list[str] = []
        bind = world.session.get_bind()

        def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        event.listen(bind, "before_cursor_execute", note)
        world.history()
        event.remove(bind, "before_cursor_execute", note)
        return len(seen)

    world.suggest(3)
    few = statements()
    for days in range(20):
        row = suggested(world.session, make_need(world.session), world.partner, before(days))
        answered(world.session, row, Answer.LATER, before(days))
    assert statements() == few > 0
