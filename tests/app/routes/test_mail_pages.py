"""The pages behind the links of mails: whoever looks changes nothing."""

import logging
import re
from urllib.parse import quote, urlencode

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db import Database
from app.routes.mail_pages import LARGEST_FORM, read_form
from models import (
    Account,
    Disclosure,
)
from tests.app.mailing import (
    COMPANY,
    FORM,
    HOME,
    PARTNER,
    SIDES,
    TEASER,
    TITLE,
    Posted,
    entries,
    everything,
    press,
)
from tests.copies import noticing

PURPOSES = ("accept", "decline", "later", "stop")
ONE_CLICK = "List-Unsubscribe=One-Click"


def _account(session: Session, posted: Posted, who: str) -> Account:
    return session.get_one(Account, posted.accounts[who])


@pytest.mark.parametrize("who", SIDES)
@pytest.mark.parametrize("what", PURPOSES)
def test_a_page_shows_what_its_recipient_may_see(
    pages: TestClient, posted: Posted, who: str, what: str
) -> None:
    answer = pages.get(posted.path(who, what))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f'action="/mail/{posted.token(who, what)}"' in answer.text
    seen = {word for word in (TITLE, TEASER, COMPANY, PARTNER, HOME) if word in answer.text}
    may = {
        "staff": {TITLE, COMPANY, PARTNER, HOME},
        "company": {TITLE},
        "partner": {TEASER},
    }
    assert seen == (set() if what == "stop" else may[who])
    # A company knows its candidates by a number alone, the same as in the mail.
    numbered = bool(re.search(r"Candidate [0-9a-f]{8}\b", answer.text))
    assert numbered is (who == "company" and what != "stop")


def test_the_page_speaks_the_recipients_language(pages: TestClient, posted: Posted) -> None:
    path = posted.path("company", "accept")
    assert '<html lang="en">' in pages.get(path).text
    posted.change(lambda s: setattr(_account(s, posted, "company"), "language", "ja"))
    assert '<html lang="ja">' in pages.get(path).text


@pytest.mark.parametrize("what", PURPOSES)
def test_nothing_may_be_kept_or_passed_on(pages: TestClient, posted: Posted, what: str) -> None:
    for answer in (
        pages.get(posted.path("partner", what)),
        press(pages, posted.path("partner", what), "reason=terms"),
        pages.get(f"/mail/{'x' * 43}"),
    ):
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "form-action 'self'" in policy
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert "set-cookie" not in answer.headers
        assert "location" not in answer.headers
        assert "<script" not in answer.text


@pytest.mark.slow
def test_scanners_change_nothing(pages: TestClient, posted: Posted) -> None:
    """200 looks at all links: not a row, not an entry of the audit log, not a byte of the file."""
    paths = [posted.path(who, what) for who in SIDES for what in (*PURPOSES, "one_click")]
    for path in paths:
        pages.get(path)
    before, log = everything(posted.database), entries(posted.database)
    with noticing(posted.database) as version:
        stamp = version()
        for number in range(200):
            path = paths[number % len(paths)]
            assert pages.request(("GET", "HEAD")[number % 2], path).status_code == 200
        assert version() == stamp
    assert everything(posted.database) == before
    assert entries(posted.database) == log


def test_head_answers_as_get_without_a_body(pages: TestClient, posted: Posted) -> None:
    path = posted.path("staff", "accept")
    head, full = pages.head(path), pages.get(path)
    assert head.status_code == full.status_code
    assert head.headers["content-length"] == full.headers["content-length"]
    assert head.headers["content-security-policy"] == full.headers["content-security-policy"]


def test_one_click_opened_in_a_browser_asks_first(pages: TestClient, posted: Posted) -> None:
    answer = pages.get(posted.path("company", "one_click"))
    assert answer.status_code == 200
    assert "Stop these mails?" in answer.text
    assert f'action="{posted.path("company", "stop")}"' in answer.text


def test_a_token_answers_for_its_recipient_alone(pages: TestClient, posted: Posted) -> None:
    """Whatever else is sent along: another account, another suggestion, another purpose."""
    body = f"account_id={posted.accounts['staff']}&purpose=accept&side=staff&reason=terms"
    press(pages, posted.path("partner", "decline"), body)
    assert posted.answers() == [("partner", "decline", "terms")]
    for who in ("staff", "company"):
        assert "Yes, go ahead" in pages.get(posted.path(who, "accept")).text


def test_an_answer_cannot_be_given_at_the_address_of_another_purpose(
    pages: TestClient, posted: Posted
) -> None:
    for what in ("accept", "decline", "later"):
        path = posted.path("partner", what) + "/one-click"
        answer = press(pages, path, ONE_CLICK)
        assert answer.status_code == 404
    assert posted.answers() == []


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(token=st.text(min_size=1, max_size=60) | st.from_regex(r"[A-Za-z0-9_-]{43}", fullmatch=True))
def test_no_guess_says_anything(pages: TestClient, token: str) -> None:
    """Unknown or malformed: the same page, whatever the method."""
    path = f"/mail/{quote(token, safe='')}"
    answers = [
        pages.get(path),
        press(pages, path, "reason=terms"),
        press(pages, f"{path}/one-click", ONE_CLICK),
    ]
    if any(sign in token for sign in "/\x00") or token in {".", ".."}:
        assert {a.status_code for a in answers} <= {400, 404}  # not one part of a path
        return
    assert [a.status_code for a in answers] == [404] * 3
    assert len({a.content for a in answers}) == 1
    assert b"There is no such link" in answers[0].content


def test_a_guess_never_waits_for_who_writes(pages: TestClient, database: Database) -> None:
    with database.writing():  # holds SQLite's only write lock
        assert press(pages, f"/mail/{'x' * 43}").status_code == 404


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b"reason=terms", 415),
        ("application/x-www-form-urlencoded", b"reason=\xff", 400),
        ("application/x-www-form-urlencoded", b"a=1&" * 20, 400),
        ("application/x-www-form-urlencoded", b"x" * (LARGEST_FORM + 1), 413),
    ],
)
def test_forms_that_cannot_be_read(
    pages: TestClient, posted: Posted, kind: str, body: bytes, status: int
) -> None:
    path = posted.path("partner", "decline")
    answer = pages.post(path, content=body, headers={"content-type": kind})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert posted.answers() == []


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(["application/x-www-form-urlencoded", "multipart/form-data", "text/html"])
    | st.from_regex(r"multipart/form-data; ?boundary=[ -~]{0,20}", fullmatch=True),
    body=st.binary(max_size=400),
)
def test_reading_a_form_never_fails(kind: str, body: bytes) -> None:
    found = read_form(kind, body)
    assert isinstance(found, int) or all(
        isinstance(name, str) and isinstance(value, str) for name, value in found.items()
    )


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=20), max_size=5))
def test_a_form_is_read_as_it_was_sent(fields: dict[str, str]) -> None:
    assert read_form(FORM["content-type"], urlencode(fields).encode()) == fields


def test_no_token_in_the_log(
    pages: TestClient, posted: Posted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = [posted.token(who, what) for who in SIDES for what in PURPOSES]
    for who in SIDES:
        for what in PURPOSES:
            pages.get(posted.path(who, what))
            press(pages, posted.path(who, what), "reason=terms")
            pages.put(posted.path(who, what))
    ours = [r for r in caplog.records if not r.name.startswith(("httpx", "httpcore"))]
    told = "\n".join(f"{record.getMessage()} {record.args}" for record in ours)
    assert not [token for token in tokens if token in told]


def test_tokens_are_kept_as_hashes_alone(posted: Posted) -> None:
    tokens = [posted.token(who, what) for who in SIDES for what in PURPOSES]
    assert len(set(tokens)) == len(tokens)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)
    kept = repr(everything(posted.database))
    assert not [token for token in tokens if token in kept]


def test_the_ledger_is_not_written_by_pages(pages: TestClient, posted: Posted) -> None:
    pages.get(posted.path("partner", "accept"))
    press(pages, posted.path("partner", "accept"))
    with posted.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Disclosure)) == 1
