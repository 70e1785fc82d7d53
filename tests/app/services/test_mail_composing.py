"""What is asked again when a mail is about to leave, and what is noted of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from app.auditing import flush_entries
from app.contexts import SYSTEM
from app.db import Database
from app.services.mail_composing import compose_mail
from app.services.mail_suppressions import address_digest
from app.settings import Settings
from models import (
    Account,
    Answer,
    AuditEntry,
    AuditEvent,
    Confidentiality,
    DigestFrequency,
    Disclosure,
    Introduction,
    IntroductionState,
    Mail,
    MailItem,
    MailLink,
    MailState,
    MailSuppression,
    Need,
    NeedStatus,
    NeedVersion,
    ObjectKind,
    Partner,
    Role,
    Run,
    Side,
    Suggestion,
    SuggestionAnswer,
    Unavailability,
    Withheld,
    need_staff,
    utc_now,
)
from tests.app.digesting import (
    NOW,
    TODAY,
    consent,
    leave,
    mailing,
    make_crowd,
    make_recipient,
    make_run,
    make_suggestion,
    next_day,
    queue,
    text_of,
)
from tests.factories import (
    make_cluster,
    make_introduction,
    make_need,
    make_organisation,
    make_version,
)


@dataclass(frozen=True, slots=True)
class Queued:
    """A suggestion and a mail for each side of it."""

    session: Session
    settings: Settings
    run: Run
    need: Need
    version: NeedVersion
    partner: Partner
    pair: Suggestion
    mails: dict[Side, Mail]

    def compose(self, side: Side) -> EmailMessage | Withheld:
        """The mail of that side, as it would leave now."""
        self.session.flush()
        self.session.expire_all()
        settings = mailing(self.settings)
        made = compose_mail(self.session, self.mails[side], settings=settings, now=NOW)
        return made if isinstance(made, Withheld) else made.message

    def leaves(self) -> set[Side]:
        """The sides whose mails would leave."""
        answers = {side: self.compose(side) for side in Side}
        held = {answer for answer in answers.values() if isinstance(answer, Withheld)}
        assert held <= {Withheld.NOTHING_LEFT}
        return {side for side, answer in answers.items() if isinstance(answer, EmailMessage)}


@pytest.fixture
def queued(session: Session, settings: Settings) -> Queued:
    need = make_need(session, confidentiality=Confidentiality.MATCH_ONLY, title_en="The full title")
    version = make_version(session, need, title_en="The teaser")
    partner = make_crowd(session)[0]
    partner.organisation_id = make_organisation(session).id
    staff = make_recipient(session)
    company = make_recipient(session, Role.COMPANY, organisation_id=need.organisation_id)
    scholar = make_recipient(session, Role.PARTNER, partner_id=partner.id)
    run = make_run(session)
    pair = make_suggestion(session, run, need, partner)
    mails = {mail.account_id: mail for mail in queue(session, run, settings)}
    sides = {Side.STAFF: staff, Side.COMPANY: company, Side.PARTNER: scholar}
    by_side = {side: mails[account.id] for side, account in sides.items()}
    return Queued(session, settings, run, need, version, partner, pair, by_side)


def test_as_it_was_queued_it_leaves(queued: Queued) -> None:
    assert queued.leaves() == set(Side)


def test_it_goes_to_the_present_address(queued: Queued) -> None:
    queued.mails[Side.COMPANY].account.email = "moved@example.jp"
    message = queued.compose(Side.COMPANY)
    assert isinstance(message, EmailMessage)
    assert "moved@example.jp" in str(message["To"])
    assert message["Message-ID"] == queued.mails[Side.COMPANY].message_id


def _opt_out(session: Session, account: Account) -> None:
    account.digest_frequency = DigestFrequency.NEVER


def _withdraw(session: Session, account: Account) -> None:
    consent(session, account, given=False, at=utc_now())


def _disable(session: Session, account: Account) -> None:
    account.disabled_at = utc_now()


def _suppress(session: Session, account: Account) -> None:
    session.add(MailSuppression(digest=address_digest(str(account.email)), smtp_code=550))


def _forget(session: Session, account: Account) -> None:
    account.email = None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_opt_out, Withheld.NEVER),
        (_withdraw, Withheld.NO_CONSENT),
        (_disable, Withheld.DISABLED),
        (_suppress, Withheld.SUPPRESSED),
        (_forget, Withheld.NO_ADDRESS),
    ],
    ids=["opt-out", "consent", "disabled", "suppressed", "address"],
)
def test_what_has_changed_since_holds_it_back(
    queued: Queued, change: Callable[[Session, Account], None], reason: Withheld
) -> None:
    change(queued.session, queued.mails[Side.PARTNER].account)
    assert queued.compose(Side.PARTNER) is reason
    assert queued.session.scalars(select(MailLink.id)).all() == []
    assert queued.session.scalars(select(Disclosure.id)).all() == []
    assert isinstance(queued.compose(Side.COMPANY), EmailMessage)


def test_an_opt_out_by_another_session_a_moment_before(
    database: Database, settings: Settings
) -> None:
    with database.writing(SYSTEM) as session:
        account = make_recipient(session)
        run = make_run(session)
        make_suggestion(session, run, make_need(session), make_crowd(session)[0])
        (mail,) = queue(session, run, settings)
    # The session that composes has seen the account before.
    with database.reads(info={"context": SYSTEM}) as reading:
        stale = reading.get_one(Mail, mail.id)
        assert stale.account.digest_frequency is DigestFrequency.DAILY
        reading.commit()
        with database.writing(SYSTEM) as other:
            other.get_one(Account, account.id).digest_frequency = DigestFrequency.NEVER
        found = compose_mail(reading, stale, settings=mailing(settings), now=NOW)
    assert found is Withheld.NEVER


def _close(queued: Queued) -> None:
    queued.need.status = NeedStatus.CLOSED


def _change(queued: Queued) -> None:
    queued.need.brief_en = "Something else altogether."


def _exclude(queued: Queued) -> None:
    queued.partner.organisation_id = queued.need.organisation_id


def _make_unavailable(queued: Queued) -> None:
    queued.session.add(Unavailability(partner_id=queued.partner.id, start=TODAY, end=TODAY))


def _decline(queued: Queued) -> None:
    queued.session.add(
        SuggestionAnswer(suggestion_id=queued.pair.id, side=Side.STAFF, answer=Answer.ACCEPT)
    )


def _introduce(queued: Queued) -> None:
    make_introduction(queued.session, queued.need, queued.partner)


@pytest.mark.parametrize(
    "change",
    [_close, _change, _exclude, _make_unavailable, _decline, _introduce],
    ids=["closed", "changed", "excluded", "unavailable", "answered", "introduced"],
)
def test_what_does_not_stand_any_more_is_told_nobody(
    queued: Queued, change: Callable[[Queued], None]
) -> None:
    change(queued)
    assert queued.leaves() == set()


def test_only_what_does_not_stand_is_left_out(queued: Queued) -> None:
    other = make_need(queued.session, title_en="Another title")
    make_suggestion(queued.session, queued.run, other, queued.partner)
    queued.session.execute(delete(Mail))
    (mail,) = queue(queued.session, queued.run, queued.settings)[:1]
    _close(queued)
    queued.mails[Side.STAFF] = mail
    message = queued.compose(Side.STAFF)
    assert isinstance(message, EmailMessage)
    assert "Another title" in text_of(message)
    assert "The full title" not in text_of(message)
    kept = queued.session.scalars(select(MailItem).where(MailItem.mail_id == mail.id)).all()
    assert len(kept) == 1, "what was left out counts as not mailed"


def test_a_withdrawn_version_is_not_shown(queued: Queued) -> None:
    queued.version.withdrawn_at = utc_now()
    assert queued.leaves() == {Side.STAFF, Side.COMPANY}


def test_a_newer_version_is(queued: Queued) -> None:
    make_version(queued.session, queued.need, number=2, title_en="Another teaser")
    message = queued.compose(Side.PARTNER)
    assert isinstance(message, EmailMessage)
    assert "Another teaser" in text_of(message)
    assert "The teaser" not in text_of(message)


@pytest.mark.parametrize(
    ("level", "sides"),
    [
        (Confidentiality.STAFF_ONLY, {Side.STAFF, Side.COMPANY}),
        (Confidentiality.NAMED_STAFF, set()),
        (Confidentiality.PUBLIC, {Side.STAFF, Side.COMPANY}),
    ],
)
def test_a_level_that_was_raised_counts(
    queued: Queued, level: Confidentiality, sides: set[Side]
) -> None:
    """Of a public need, partners are shown a public version alone, and there is none."""
    queued.need.confidentiality = level
    assert queued.leaves() == sides


def test_named_staff_alone_is_told(queued: Queued) -> None:
    queued.need.confidentiality = Confidentiality.NAMED_STAFF
    account_id = queued.mails[Side.STAFF].account_id
    queued.session.execute(insert(need_staff).values(need_id=queued.need.id, account_id=account_id))
    assert queued.leaves() == {Side.STAFF}


def test_an_account_that_changed_sides_is_told_nothing(queued: Queued) -> None:
    other = make_organisation(queued.session)
    queued.mails[Side.COMPANY].account.organisation_id = other.id
    queued.mails[Side.PARTNER].account.partner_id = make_crowd(queued.session)[0].id
    queued.mails[Side.STAFF].account.role = Role.ADMIN
    assert queued.leaves() == set()


def test_a_coordinator_who_changed_clusters_is_told_what_is_theirs(queued: Queued) -> None:
    food, work = make_cluster(queued.session), make_cluster(queued.session, slug="it-resort")
    queued.need.clusters = [food]
    queued.mails[Side.STAFF].account.clusters = [work]
    # The place is part of what is asked, the cluster is not of the fingerprint.
    assert queued.leaves() == {Side.COMPANY, Side.PARTNER}


def test_a_region_that_became_small_hides_its_partners(queued: Queued) -> None:
    others = select(Partner).where(Partner.id != queued.partner.id).limit(1)
    queued.session.delete(queued.session.scalars(others).one())
    assert queued.leaves() == {Side.STAFF, Side.PARTNER}


def test_what_another_mail_has_brought_meanwhile_is_not_told_twice(queued: Queued) -> None:
    tomorrow = make_run(queued.session, TODAY + timedelta(1))
    for mail in queue(queued.session, tomorrow, queued.settings, now=next_day()):
        leave(mail)
    queued.session.flush()
    assert queued.leaves() == set()


def test_the_ledger_and_the_log_say_what_left(queued: Queued) -> None:
    for side in Side:
        assert isinstance(queued.compose(side), EmailMessage)
    (entry,) = queued.session.scalars(select(Disclosure)).all()
    assert entry.version_id == queued.version.id
    assert entry.account_id == queued.mails[Side.PARTNER].account_id
    assert (entry.partner_id, entry.channel) == (queued.partner.id, "mail")
    flush_entries(queued.session)
    reads = queued.session.scalars(
        select(AuditEntry).where(AuditEntry.event == AuditEvent.READ.value)
    ).all()
    assert [(each.object_kind, each.object_id, each.account_id) for each in reads] == [
        (ObjectKind.NEED, queued.need.id, queued.mails[Side.STAFF].account_id)
    ]


def test_each_mail_has_links_of_its_own(queued: Queued) -> None:
    for side in Side:
        message = queued.compose(side)
        assert isinstance(message, EmailMessage)
        links = select(MailLink).where(MailLink.mail_id == queued.mails[side].id)
        assert len(queued.session.scalars(links).all()) == 4
        assert text_of(message).count("https://enmusubi.example.jp/mail/") >= 8


def test_who_waits_is_reminded_once(queued: Queued) -> None:
    need = make_need(queued.session, organisation_id=queued.need.organisation_id)
    made = make_introduction(
        queued.session,
        need,
        queued.partner,
        state=IntroductionState.RELEASED,
        remind_on=TODAY,
    )
    queued.session.execute(delete(Mail))
    mails = queue(queued.session, queued.run, queued.settings)
    (queued.mails[Side.COMPANY],) = [m for m in mails if m.account.role is Role.COMPANY]
    message = queued.compose(Side.COMPANY)
    assert isinstance(message, EmailMessage)
    assert str(made.id) in text_of(message)
    queued.session.refresh(made)
    assert made.remind_on == TODAY + timedelta(days=7)


@pytest.mark.parametrize("state", sorted(set(IntroductionState) - {IntroductionState.RELEASED}))
def test_an_introduction_that_moved_on_is_no_reminder(
    session: Session, settings: Settings, state: IntroductionState
) -> None:
    need = make_need(session)
    made = make_introduction(
        session, need, make_crowd(session)[0], state=IntroductionState.RELEASED, remind_on=TODAY
    )
    make_recipient(session, Role.COMPANY, organisation_id=need.organisation_id)
    (mail,) = queue(session, make_run(session), settings)
    values = {"state": state.value}
    if state is IntroductionState.DECLINED:
        values |= {"declined_by": "staff"}
    if state is IntroductionState.CLOSED:
        values |= {"outcome": "no_agreement"}
    session.execute(update(Introduction).where(Introduction.id == made.id).values(**values))
    session.expire_all()
    found = compose_mail(session, mail, settings=mailing(settings), now=NOW)
    assert found is Withheld.NOTHING_LEFT


def test_a_late_mail_is_asked_about_the_day_on_which_it_leaves(queued: Queued) -> None:
    later = NOW + timedelta(days=1)
    queued.session.add(Unavailability(partner_id=queued.partner.id, start=later.date(), end=None))
    queued.session.flush()
    settings = mailing(queued.settings)
    found = compose_mail(queued.session, queued.mails[Side.STAFF], settings=settings, now=later)
    assert found is Withheld.NOTHING_LEFT
    assert queued.leaves() == set(Side), "on the day before"


def test_states_of_the_mail_are_left_to_the_outbox(queued: Queued) -> None:
    assert queued.leaves() == set(Side)
    assert {mail.state for mail in queued.mails.values()} == {MailState.QUEUED}


def test_whom_a_partner_once_was_introduced_to_is_not_mailed_of_a_hidden_need(
    queued: Queued,
) -> None:
    """It may still read the brief that it was offered, but no mail tells of needs of that level."""
    made = make_introduction(
        queued.session,
        queued.need,
        queued.partner,
        state=IntroductionState.CLOSED,
        version_id=queued.version.id,
    )
    made.updated_at = utc_now() - timedelta(days=200)
    assert queued.leaves() == set(Side)
    queued.need.confidentiality = Confidentiality.STAFF_ONLY
    assert queued.leaves() == {Side.STAFF, Side.COMPANY}
