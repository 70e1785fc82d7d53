"""What ends a link, and for whom."""

from collections.abc import Callable
from datetime import date

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.services.keys import create_key
from app.services.mail_links import make_links
from models import (
    Account,
    Confidentiality,
    DigestFrequency,
    IntroductionState,
    IntroductionStep,
    Mail,
    MailLink,
    Need,
    NeedStatus,
    NeedVersion,
    Partner,
    Role,
    Side,
    Suggestion,
    Unavailability,
    utc_now,
)
from tests.app.mailing import (
    SIDES,
    Linking,
    Posted,
    everything,
    press,
)
from tests.conftest import with_key
from tests.factories import make_introduction, make_organisation, make_partner, make_version

PURPOSES = ("accept", "decline", "later", "stop")


def _need(session: Session, posted: Posted) -> Need:
    return session.get_one(Need, posted.need_id)


def _account(session: Session, posted: Posted, who: str) -> Account:
    return session.get_one(Account, posted.accounts[who])


def _edit(session: Session, posted: Posted) -> None:
    _need(session, posted).title_en = "Another title altogether"


def _close(session: Session, posted: Posted) -> None:
    _need(session, posted).status = NeedStatus.CLOSED


def _exclude(session: Session, posted: Posted) -> None:
    partner = session.get_one(Partner, posted.partner_id)
    _need(session, posted).excluded_organisations = [str(partner.organisation_id)]


def _hide(session: Session, posted: Posted) -> None:
    _need(session, posted).confidentiality = Confidentiality.NAMED_STAFF


def _leave(session: Session, posted: Posted) -> None:
    session.add(
        Unavailability(partner_id=posted.partner_id, start=date(2020, 1, 1), end=date(2100, 1, 1))
    )


def _staff_only(session: Session, posted: Posted) -> None:
    _need(session, posted).confidentiality = Confidentiality.STAFF_ONLY


def _offer_and_hide(session: Session, posted: Posted) -> None:
    """By the introduction the partner sees the brief all the same, but not by mail."""
    _staff_only(session, posted)
    make_introduction(
        session,
        _need(session, posted),
        session.get_one(Partner, posted.partner_id),
        state=IntroductionState.COMPANY_CONSENTED,
        version_id=posted.version_id,
    )


def _withdraw(session: Session, posted: Posted) -> None:
    session.get_one(NeedVersion, posted.version_id).withdrawn_at = utc_now()


def _release_another(session: Session, posted: Posted) -> None:
    make_version(session, _need(session, posted), number=2, title_en="Not shown to it before")


def _move_account(session: Session, posted: Posted) -> None:
    _account(session, posted, "partner").partner_id = make_partner(session).id
    _account(session, posted, "company").organisation_id = make_organisation(session).id


def _end_introduction(session: Session, posted: Posted) -> None:
    partner = session.get_one(Partner, posted.partner_id)
    made = make_introduction(
        session, _need(session, posted), partner, state=IntroductionState.DECLINED
    )
    made.steps.append(IntroductionStep(state=IntroductionState.DECLINED, side=Side.STAFF))


Change = Callable[[Session, Posted], None]


@pytest.mark.parametrize(
    ("change", "who"),
    [
        *((change, who) for change in (_edit, _close, _exclude, _leave) for who in SIDES),
        *((_end_introduction, who) for who in SIDES),
        (_hide, "staff"),
        (_hide, "partner"),
        (_staff_only, "partner"),
        (_offer_and_hide, "partner"),
        (_withdraw, "partner"),
        (_release_another, "partner"),
        (_move_account, "partner"),
        (_move_account, "company"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_is_not_so_any_more_ends_the_link(
    pages: TestClient, posted: Posted, change: Change, who: str
) -> None:
    posted.change(lambda session: change(session, posted))
    before = everything(posted.database)
    for what in ("accept", "decline", "later"):
        path = posted.path(who, what)
        for answer in (pages.get(path), press(pages, path, "reason=terms")):
            assert answer.status_code == 410
            assert "This link no longer works" in answer.text
            assert "Canary" not in answer.text
            assert "<form" not in answer.text
    assert everything(posted.database) == before
    assert press(pages, posted.path(who, "stop")).status_code == 200


@pytest.mark.parametrize(
    ("change", "who"),
    [
        (_staff_only, "staff"),
        (_staff_only, "company"),
        (_hide, "company"),
        (_withdraw, "staff"),
        (_release_another, "company"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_what_does_not_concern_a_recipient_ends_nothing(
    pages: TestClient, posted: Posted, change: Change, who: str
) -> None:
    posted.change(lambda session: change(session, posted))
    assert press(pages, posted.path(who, "accept")).status_code == 200
    assert len(posted.answers()) == 1


@pytest.mark.parametrize("who", SIDES)
def test_a_disabled_account_answers_nothing(pages: TestClient, posted: Posted, who: str) -> None:
    posted.change(lambda s: setattr(_account(s, posted, who), "disabled_at", utc_now()))
    assert press(pages, posted.path(who, "accept")).status_code == 410
    assert posted.answers() == []
    assert press(pages, posted.path(who, "stop")).status_code == 200


@pytest.mark.parametrize("who", SIDES)
def test_another_address_ends_the_links_in_mails_to_the_old_one(
    pages: TestClient, posted: Posted, who: str
) -> None:
    """Who reads the old mailbox may be somebody who has left."""
    with posted.database.writing() as session:
        _, secret = create_key(session, name="admin", role=Role.ADMIN)
    admin = with_key(pages, secret)
    account = f"/v1/accounts/{posted.accounts[who]}"
    assert admin.patch(account, json={"name": "Another name"}).status_code == 200
    assert pages.get(posted.path(who, "accept")).status_code == 200
    changed = admin.patch(account, json={"email": "successor@example.jp"})
    assert changed.status_code == 200, changed.text
    for what in ("accept", "decline", "later"):
        for answer in (pages.get(posted.path(who, what)), press(pages, posted.path(who, what))):
            assert answer.status_code == 404
            assert "Canary" not in answer.text
    assert posted.answers() == []
    assert press(pages, posted.path(who, "stop")).status_code == 200


def test_links_expire(pages: TestClient, posted: Posted) -> None:
    press(pages, posted.path("company", "later"))
    posted.change(lambda s: s.execute(update(MailLink).values(expires_at=utc_now())))
    before = everything(posted.database)
    for what in PURPOSES:
        for answer in (
            pages.get(posted.path("partner", what)),
            press(pages, posted.path("partner", what), "reason=terms"),
        ):
            assert answer.status_code == 410
            assert "The link has expired." in answer.text
            assert "Canary" not in answer.text
    used = press(pages, posted.path("company", "later"))
    assert "you will decide later" in used.text
    assert everything(posted.database) == before


def test_a_new_attempt_at_a_mail_ends_the_links_of_the_last(
    pages: TestClient, posted: Posted
) -> None:
    def retry(session: Session) -> None:
        mail = session.get_one(Mail, posted.mails["partner"])
        suggestion = session.get_one(Suggestion, posted.suggestion_id)
        make_links(session, mail, [suggestion], now=utc_now(), settings=Linking())

    posted.change(retry)
    for what in ("accept", "decline", "later"):
        assert press(pages, posted.path("partner", what), "reason=terms").status_code == 404
    # The last attempt may have been delivered although the server said that it was not.
    assert press(pages, posted.path("partner", "stop")).status_code == 200
    with posted.database.reading() as session:
        assert _account(session, posted, "partner").digest_frequency is DigestFrequency.NEVER
    assert press(pages, posted.path("company", "accept")).status_code == 200
