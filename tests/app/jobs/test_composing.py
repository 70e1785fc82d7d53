"""Which mails a run queues, and what is in them."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from sqlalchemy import event, insert, select
from sqlalchemy.orm import Session

from app.jobs.composing import compose_run, message_id
from app.settings import Settings
from models import (
    Account,
    Answer,
    Audience,
    Confidentiality,
    DeclineReason,
    DigestFrequency,
    IntroductionState,
    IntroductionStep,
    Mail,
    MailItem,
    MailReminder,
    MailSection,
    MailState,
    Need,
    NeedStatus,
    NeedVersion,
    Partner,
    Role,
    Side,
    Suggestion,
    SuggestionAnswer,
    need_staff,
    new_id,
    utc_now,
)
from tests.app.digesting import (
    NOW,
    TODAY,
    leave,
    mailing,
    make_crowd,
    make_recipient,
    make_run,
    make_suggestion,
    next_day,
    queue,
)
from tests.factories import (
    make_cluster,
    make_introduction,
    make_need,
    make_organisation,
    make_partner,
    make_version,
)


@dataclass(frozen=True, slots=True)
class Region:
    """A need that partners may see by its teaser, and everybody who might be mailed."""

    need: Need
    partner: Partner
    staff: Account
    company: Account
    scholar: Account

    @property
    def all(self) -> set[Account]:
        """The three."""
        return {self.staff, self.company, self.scholar}


@pytest.fixture
def region(session: Session) -> Region:
    need = make_need(session, confidentiality=Confidentiality.MATCH_ONLY)
    make_version(session, need)
    partner = make_crowd(session)[0]
    return Region(
        need,
        partner,
        make_recipient(session),
        make_recipient(session, Role.COMPANY, organisation_id=need.organisation_id),
        make_recipient(session, Role.PARTNER, partner_id=partner.id),
    )


def answer(
    session: Session, suggestion: Suggestion, side: Side, said: Answer = Answer.LATER
) -> None:
    """What a side says."""
    reason = DeclineReason.OTHER if said is Answer.DECLINE else None
    session.add(
        SuggestionAnswer(suggestion_id=suggestion.id, side=side, answer=said, reason=reason)
    )
    session.flush()


def addressed(mails: list[Mail]) -> set[Account]:
    """To whom they go."""
    return {mail.account for mail in mails}


def items(mail: Mail) -> list[tuple[Suggestion, MailSection]]:
    """What is in a mail."""
    session = Session.object_session(mail)
    assert session is not None
    return [
        (session.get_one(Suggestion, item.suggestion_id), item.section)
        for item in session.scalars(
            select(MailItem).where(MailItem.mail_id == mail.id).order_by(MailItem.position)
        )
    ]


def test_each_side_of_a_pair_is_mailed(
    session: Session, settings: Settings, region: Region
) -> None:
    run = make_run(session)
    pair = make_suggestion(session, run, region.need, region.partner)
    mails = queue(session, run, settings)
    assert addressed(mails) == region.all
    for mail in mails:
        assert items(mail) == [(pair, MailSection.NEW)]
        assert mail.state is MailState.QUEUED
        assert mail.message_id == f"<{mail.id}@example.jp>"


def test_others_are_not(session: Session, settings: Settings, region: Region) -> None:
    make_recipient(session, Role.COMPANY, organisation_id=make_organisation(session).id)
    make_recipient(session, Role.PARTNER, partner_id=make_partner(session).id)
    make_recipient(session, Role.ADMIN)
    run = make_run(session)
    make_suggestion(session, run, region.need, region.partner)
    assert addressed(queue(session, run, settings)) == region.all


def test_without_anything_to_say_there_is_no_mail(
    session: Session, settings: Settings, region: Region
) -> None:
    assert region.all
    run = make_run(session)
    assert queue(session, run, settings) == []


def test_taken_again_it_queues_what_is_missing(
    session: Session, settings: Settings, region: Region
) -> None:
    run = make_run(session)
    make_suggestion(session, run, region.need, region.partner)
    first = queue(session, run, settings)
    ids = {mail.id for mail in first}
    assert {mail.id for mail in queue(session, run, settings)} == ids
    session.delete(first[0])
    session.flush()
    again = compose_run(session, run, settings=mailing(settings), now=NOW)
    assert again == 3
    assert len(session.scalars(select(Mail.id)).all()) == 3


def test_what_has_left_is_not_new_again(
    session: Session, settings: Settings, region: Region
) -> None:
    run = make_run(session)
    make_suggestion(session, run, region.need, region.partner)
    for mail, state in zip(
        queue(session, run, settings),
        (MailState.SENT, MailState.DATA, MailState.UNKNOWN),
        strict=True,
    ):
        mail.state = state
    session.flush()
    assert queue(session, make_run(session, TODAY + timedelta(1)), settings, now=next_day()) == []


@pytest.mark.parametrize("state", [MailState.QUEUED, MailState.SENDING, MailState.FAILED])
def test_what_has_not_left_is(
    session: Session, settings: Settings, region: Region, state: MailState
) -> None:
    run = make_run(session)
    pair = make_suggestion(session, run, region.need, region.partner)
    for mail in queue(session, run, settings):
        mail.state = state
    session.flush()
    again = queue(session, make_run(session, TODAY + timedelta(1)), settings, now=next_day())
    assert addressed(again) == region.all
    assert all(items(mail) == [(pair, MailSection.NEW)] for mail in again)


def test_coordinators_see_again_what_is_still_open(
    session: Session, settings: Settings, region: Region
) -> None:
    run = make_run(session)
    old = make_suggestion(session, run, region.need, region.partner)
    for mail in queue(session, run, settings):
        leave(mail)
    tomorrow = make_run(session, TODAY + timedelta(1))
    fresh = make_suggestion(session, tomorrow, region.need, make_partner(session), probability=0.01)
    mails = queue(session, tomorrow, settings, now=next_day())
    assert addressed(mails) == {region.staff, region.company}
    by_account = {mail.account: items(mail) for mail in mails}
    assert by_account[region.staff] == [(fresh, MailSection.NEW), (old, MailSection.OPEN)]
    assert by_account[region.company] == [(fresh, MailSection.NEW)]


def test_for_thirty_days(session: Session, settings: Settings, region: Region) -> None:
    first, last = TODAY - timedelta(30), TODAY - timedelta(29)
    for day in (first, last):
        need = make_need(session)
        make_suggestion(session, make_run(session, day), need, region.partner)
    (mail,) = queue(session, make_run(session), settings)
    assert [pair.suggested_on for pair, _ in items(mail)] == [last]


@pytest.mark.parametrize("said", [Answer.ACCEPT, Answer.DECLINE])
@pytest.mark.parametrize("side", Side)
def test_what_somebody_accepted_or_declined_is_told_nobody(
    session: Session, settings: Settings, region: Region, side: Side, said: Answer
) -> None:
    run = make_run(session)
    answer(session, make_suggestion(session, run, region.need, region.partner), side, said)
    assert queue(session, run, settings) == []


def test_later_counts_for_the_side_that_said_it(
    session: Session, settings: Settings, region: Region
) -> None:
    run = make_run(session)
    answer(session, make_suggestion(session, run, region.need, region.partner), Side.COMPANY)
    assert addressed(queue(session, run, settings)) == {region.staff, region.scholar}


def test_of_a_pair_suggested_again_the_newer_is_told(
    session: Session, settings: Settings, region: Region
) -> None:
    make_suggestion(session, make_run(session, TODAY - timedelta(15)), region.need, region.partner)
    run = make_run(session)
    newer = make_suggestion(session, run, region.need, region.partner)
    mails = queue(session, run, settings)
    assert addressed(mails) == region.all
    assert all(items(mail) == [(newer, MailSection.NEW)] for mail in mails)


@pytest.mark.parametrize("state", IntroductionState)
def test_a_pair_that_is_being_introduced_is_no_suggestion(
    session: Session, settings: Settings, region: Region, state: IntroductionState
) -> None:
    run = make_run(session)
    make_suggestion(session, run, region.need, region.partner)
    made = make_introduction(session, region.need, region.partner, state=state)
    assert queue(session, run, settings) == []
    made.remind_on = None
    made.updated_at = utc_now() - timedelta(days=200)
    session.flush()
    has_ended = state in (IntroductionState.CLOSED, IntroductionState.DECLINED)
    assert addressed(queue(session, run, settings)) == (region.all if has_ended else set())


@pytest.mark.parametrize("status", sorted(set(NeedStatus) - {NeedStatus.OPEN}))
def test_a_need_that_is_not_open_is_told_nobody(
    session: Session, settings: Settings, region: Region, status: NeedStatus
) -> None:
    run = make_run(session)
    make_suggestion(session, run, region.need, region.partner)
    region.need.status = status
    session.flush()
    assert queue(session, run, settings) == []


def test_weekly_recipients_get_all_that_came_since(
    session: Session, settings: Settings, region: Region
) -> None:
    region.scholar.digest_frequency = DigestFrequency.WEEKLY
    days = [TODAY - timedelta(3), TODAY]
    runs = [make_run(session, day) for day in days]
    for run in runs:
        need = make_need(session, confidentiality=Confidentiality.PUBLIC)
        make_version(session, need, audience=Audience.PUBLIC)
        make_suggestion(session, run, need, region.partner)
    on_friday = queue(session, runs[0], settings, now=next_day(-3))
    assert addressed(on_friday) == {region.staff}
    on_monday = queue(session, runs[1], settings)
    (mail,) = [mail for mail in on_monday if mail.account == region.scholar]
    assert {pair.suggested_on for pair, _ in items(mail)} == set(days)


def test_a_late_run_keeps_its_weekday(session: Session, settings: Settings, region: Region) -> None:
    region.staff.digest_frequency = DigestFrequency.WEEKLY
    run = make_run(session)
    make_suggestion(session, run, make_need(session), region.partner)
    assert addressed(queue(session, run, settings, now=next_day())) == {region.staff}


def test_coordinators_get_the_needs_of_their_clusters_and_those_of_none(
    session: Session, settings: Settings
) -> None:
    food, work = make_cluster(session), make_cluster(session, slug="it-resort")
    of_food = make_recipient(session, clusters=[food])
    of_both = make_recipient(session, clusters=[food, work])
    of_all = make_recipient(session)
    named = make_recipient(session, clusters=[food])
    partner, run = make_partner(session), make_run(session)
    pairs = {
        name: make_suggestion(session, run, make_need(session, clusters=clusters), partner)
        for name, clusters in {"food": [food], "work": [work], "none": []}.items()
    }
    hidden = make_need(session, clusters=[work], confidentiality=Confidentiality.NAMED_STAFF)
    name_for(session, hidden, named)
    pairs["hidden"] = make_suggestion(session, run, hidden, partner)
    found = {
        mail.account: {pair for pair, _ in items(mail)} for mail in queue(session, run, settings)
    }
    assert found == {
        of_food: {pairs["food"], pairs["none"]},
        of_both: {pairs["food"], pairs["none"], pairs["work"]},
        of_all: {pairs["food"], pairs["none"], pairs["work"]},
        named: {pairs["food"], pairs["none"], pairs["hidden"]},
    }


def name_for(session: Session, need: Need, account: Account) -> None:
    """Name a coordinator for a need."""
    session.execute(insert(need_staff).values(need_id=need.id, account_id=account.id))


def test_a_coordinators_digest_has_an_end(
    session: Session, settings: Settings, region: Region
) -> None:
    run = make_run(session)
    for number in range(4):
        need = make_need(session)
        make_suggestion(session, run, need, region.partner, probability=0.1 * (number + 1))
    compose_run(session, run, settings=mailing(settings, nightly_per_coordinator=3), now=NOW)
    mail = session.scalars(select(Mail).where(Mail.account_id == region.staff.id)).one()
    assert [pair.probability for pair, _ in items(mail)] == pytest.approx([0.4, 0.3, 0.2])


def test_in_a_small_region_companies_are_told_of_nobody(
    session: Session, settings: Settings, region: Region
) -> None:
    others = session.scalars(select(Partner).where(Partner.id != region.partner.id)).all()
    session.delete(others[0])
    run = make_run(session)
    make_suggestion(session, run, region.need, region.partner)
    session.flush()
    assert addressed(queue(session, run, settings)) == {region.staff, region.scholar}


def test_partners_are_told_of_what_has_a_released_version(
    session: Session, settings: Settings, region: Region
) -> None:
    run = make_run(session)
    make_suggestion(session, run, region.need, region.partner)
    released = session.scalars(select(NeedVersion)).one()
    released.withdrawn_at = utc_now()
    session.flush()
    assert addressed(queue(session, run, settings)) == {region.staff, region.company}


WAITS = {
    IntroductionState.SUGGESTED: "staff",
    IntroductionState.RELEASED: "company",
    IntroductionState.COMPANY_CONSENTED: "scholar",
    IntroductionState.PARTNER_CONSENTED: "staff",
    IntroductionState.INTRODUCED: "staff",
    IntroductionState.MET: "staff",
    IntroductionState.AGREED: "staff",
}


@pytest.mark.parametrize("state", IntroductionState)
def test_introductions_remind_whom_they_wait_for(
    session: Session, settings: Settings, region: Region, state: IntroductionState
) -> None:
    version = session.scalars(select(NeedVersion)).one()
    made = make_introduction(
        session,
        region.need,
        region.partner,
        state=state,
        version_id=version.id,
        remind_on=TODAY,
    )
    mails = queue(session, make_run(session), settings)
    waits_for = {getattr(region, WAITS[state])} if state in WAITS else set()
    assert addressed(mails) == waits_for
    told = session.scalars(select(MailReminder.introduction_id)).all()
    assert told == [made.id] * len(waits_for)


def test_not_before_their_day(session: Session, settings: Settings, region: Region) -> None:
    make_introduction(
        session,
        region.need,
        region.partner,
        state=IntroductionState.RELEASED,
        remind_on=date(2026, 12, 1),
    )
    assert queue(session, make_run(session), settings) == []


def test_staff_is_told_at_once_what_an_answer_began(
    session: Session, settings: Settings, region: Region
) -> None:
    made = make_introduction(
        session, region.need, region.partner, remind_on=TODAY + timedelta(days=7)
    )
    run = make_run(session)
    assert queue(session, run, settings) == [], "staff itself began it"
    made.steps.append(
        IntroductionStep(state=IntroductionState.SUGGESTED, side=Side.STAFF, account_id=None)
    )
    session.flush()
    (mail,) = queue(session, run, settings)
    assert mail.account == region.staff
    leave(mail)
    session.flush()
    tomorrow = make_run(session, TODAY + timedelta(1))
    assert queue(session, tomorrow, settings, now=next_day()) == [], "told once"


def test_it_takes_a_few_statements_for_all(
    session: Session, settings: Settings, region: Region
) -> None:
    run = make_run(session)
    for partner in make_crowd(session, 30):
        make_recipient(session, Role.PARTNER, partner_id=partner.id)
        make_suggestion(session, run, region.need, partner)
    session.flush()
    statements = []
    event.listen(
        session.connection(), "before_cursor_execute", lambda *given: statements.append(given[2])
    )
    assert compose_run(session, run, settings=mailing(settings), now=NOW) == 32
    assert len(statements) < 25, "none for each recipient, but for coordinators"


def test_a_message_id_has_the_senders_domain() -> None:
    key = new_id()
    assert message_id(key, "office@example.jp") == f"<{key}@example.jp>"
    assert message_id(key, "") == f"<{key}@enmusubi.invalid>"
