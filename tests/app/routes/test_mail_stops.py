"""Stopping mail by a link, on its page or by one click (RFC 8058)."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.services.mail_links import find_link
from models import (
    Account,
    MailConsent,
    utc_now,
)
from tests.app.mailing import (
    SIDES,
    Posted,
    everything,
    press,
)

ONE_CLICK = "List-Unsubscribe=One-Click"


def _account(session: Session, posted: Posted, who: str) -> Account:
    return session.get_one(Account, posted.accounts[who])


@pytest.mark.parametrize("who", SIDES)
@pytest.mark.parametrize(
    ("what", "body", "means"),
    [("stop", "", "stop_link"), ("one_click", ONE_CLICK, "one_click")],
)
def test_mail_is_stopped_once(
    pages: TestClient, posted: Posted, who: str, what: str, body: str, means: str
) -> None:
    first = press(pages, posted.path(who, what), body)
    assert first.status_code == 200
    assert "You will get no more of these mails." in first.text
    assert "set-cookie" not in first.headers
    with posted.database.reading() as session:
        (row,) = session.scalars(select(MailConsent))
        assert (row.account_id, row.given, row.means.value) == (posted.accounts[who], False, means)
        assert row.recorded_by is None
        assert _account(session, posted, who).digest_frequency.value == "never"
    after = everything(posted.database)
    for path, again in ((posted.path(who, "stop"), ""), (posted.path(who, "one_click"), ONE_CLICK)):
        assert press(pages, path, again).text == first.text
    assert everything(posted.database) == after


@pytest.mark.parametrize(("what", "body"), [("stop", ""), ("one_click", ONE_CLICK)])
def test_nobody_is_told_that_mail_has_stopped_who_still_gets_it(
    pages: TestClient, posted: Posted, what: str, body: str
) -> None:
    """Whoever allows mail again may leave by the same mail as before."""
    path = posted.path("company", what)
    press(pages, path, body)
    posted.change(lambda s: setattr(_account(s, posted, "company"), "digest_frequency", "weekly"))
    asked = pages.get(path)
    assert "<form" in asked.text
    assert "You will get no more of these mails." not in asked.text
    assert "You will get no more of these mails." in press(pages, path, body).text
    with posted.database.reading() as session:
        assert _account(session, posted, "company").digest_frequency.value == "never"
        assert session.scalar(select(func.count()).select_from(MailConsent)) == 2


def test_stopping_ends_no_other_link(pages: TestClient, posted: Posted) -> None:
    press(pages, posted.path("company", "stop"))
    assert press(pages, posted.path("company", "accept")).status_code == 200
    assert posted.answers() == [("company", "accept", None)]


def test_a_stop_link_outlives_the_others(pages: TestClient, posted: Posted) -> None:
    with posted.database.reading() as session:
        link = find_link(session, posted.token("company", "stop"))
        other = find_link(session, posted.token("company", "accept"))
        assert link is not None
        assert other is not None
        assert other.expires_at - utc_now() < timedelta(days=30)
        assert link.expires_at - utc_now() > timedelta(days=364)


@pytest.mark.parametrize(
    "body", ["", "List-Unsubscribe=", "list-unsubscribe=One-Click", "x=1", "List-Unsubscribe"]
)
def test_one_click_wants_its_field(pages: TestClient, posted: Posted, body: str) -> None:
    assert press(pages, posted.path("company", "one_click"), body).status_code == 400
    with posted.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(MailConsent)) == 0


def test_one_click_as_the_standard_would_have_it_sent(pages: TestClient, posted: Posted) -> None:
    """RFC 8058 asks for multipart/form-data."""
    answer = pages.post(
        posted.path("company", "one_click"), files={"List-Unsubscribe": (None, "One-Click")}
    )
    assert answer.status_code == 200
    with posted.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(MailConsent)) == 1
