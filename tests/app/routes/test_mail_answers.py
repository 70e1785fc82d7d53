"""Answers by the links of mails: a press acts once."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db import Database
from models import (
    Account,
    Answer,
    AuditEntry,
    Introduction,
    IntroductionNote,
    IntroductionState,
    IntroductionStep,
    MailConsent,
    Side,
    Suggestion,
    SuggestionAnswer,
    utc_now,
)
from tests.app.mailing import (
    SIDES,
    Posted,
    everything,
    make_mail,
    make_suggestion,
    post_suggestion,
    press,
)
from tests.copies import noticing


def _account(session: Session, posted: Posted, who: str) -> Account:
    return session.get_one(Account, posted.accounts[who])


@pytest.mark.parametrize("who", SIDES)
@pytest.mark.parametrize(
    ("what", "body", "reason"),
    [("accept", "", None), ("decline", "reason=terms", "terms"), ("later", "", None)],
)
def test_a_press_acts_once_and_says_the_same_again(
    pages: TestClient, posted: Posted, who: str, what: str, body: str, reason: str | None
) -> None:
    path = posted.path(who, what)
    first = press(pages, path, body)
    assert first.status_code == 200
    assert "Your answer:" in first.text
    assert posted.answers() == [(who, what, reason)]
    after = everything(posted.database)
    for _ in range(3):
        again = press(pages, path, body)
        assert (again.status_code, again.text) == (first.status_code, first.text)
    assert pages.get(path).text == first.text
    assert everything(posted.database) == after


@pytest.mark.parametrize("body", ["", "reason=", "reason=boredom", "reason=need_closed", "x=terms"])
def test_declining_needs_a_reason(pages: TestClient, posted: Posted, body: str) -> None:
    path = posted.path("partner", "decline")
    answer = press(pages, path, body)
    assert answer.status_code == 422
    assert "Please choose one of the reasons." in answer.text
    assert posted.answers() == []
    press(pages, path, "reason=no_time")
    assert posted.answers() == [("partner", "decline", "no_time")]


@pytest.mark.parametrize("who", SIDES)
def test_an_accepted_pair_waits_for_the_office(pages: TestClient, posted: Posted, who: str) -> None:
    press(pages, posted.path(who, "accept"))
    by = posted.accounts["staff"] if who == "staff" else None
    name = "coordinator" if who == "staff" else who
    with posted.database.reading() as session:
        (made,) = session.scalars(select(Introduction))
        assert (made.need_id, made.partner_id) == (posted.need_id, posted.partner_id)
        assert made.state is IntroductionState.SUGGESTED
        assert made.remind_on is not None
        (step,) = session.scalars(select(IntroductionStep))
        assert (step.side, step.account_id) == (Side.STAFF, by)
        (note,) = session.scalars(select(IntroductionNote))
        assert note.text == f"The {name} accepted the suggestion in a mail of 2026-04-01."
        assert note.account_id is None


def test_the_second_side_to_accept_adds_a_note(pages: TestClient, posted: Posted) -> None:
    for who in SIDES:
        assert press(pages, posted.path(who, "accept")).status_code == 200
    assert [side for side, _, _ in posted.answers()] == list(SIDES)
    with posted.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Introduction)) == 1
        assert session.scalar(select(func.count()).select_from(IntroductionStep)) == 1
        assert session.scalar(select(func.count()).select_from(IntroductionNote)) == 3


def test_a_decline_does_not_end_what_another_side_accepted(
    pages: TestClient, posted: Posted
) -> None:
    press(pages, posted.path("partner", "accept"))
    press(pages, posted.path("company", "decline"), "reason=already_in_touch")
    assert posted.answers() == [
        ("partner", "accept", None),
        ("company", "decline", "already_in_touch"),
    ]
    with posted.database.reading() as session:
        (made,) = session.scalars(select(Introduction))
        assert made.state is IntroductionState.SUGGESTED
        assert made.notes[-1].text == (
            "The company declined the suggestion in a mail of 2026-04-01: already_in_touch."
        )


def test_who_releases_what_was_accepted_reads_who_had_declined_it(
    pages: TestClient, posted: Posted
) -> None:
    """In whatever order they answer."""
    press(pages, posted.path("partner", "decline"), "reason=conflict_of_interest")
    press(pages, posted.path("partner", "decline"), "reason=already_in_touch")
    press(pages, posted.path("company", "accept"))
    press(pages, posted.path("staff", "accept"))
    with posted.database.reading() as session:
        (made,) = session.scalars(select(Introduction))
        assert [note.text for note in made.notes] == [
            "The company accepted the suggestion in a mail of 2026-04-01.",
            "The partner had declined this pair in a mail before: already_in_touch.",
            "The coordinator accepted the suggestion in a mail of 2026-04-01.",
        ]


def test_a_decline_alone_makes_no_introduction(pages: TestClient, posted: Posted) -> None:
    press(pages, posted.path("company", "decline"), "reason=other")
    press(pages, posted.path("partner", "later"))
    with posted.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Introduction)) == 0


@pytest.mark.parametrize(("first", "second"), [("accept", "decline"), ("decline", "accept")])
def test_an_answer_is_final(pages: TestClient, posted: Posted, first: str, second: str) -> None:
    press(pages, posted.path("company", first), "reason=terms")
    urls = posted.again("company")
    after = everything(posted.database)
    pair = urls.pairs[posted.suggestion_id]
    for path in (
        posted.path("company", second),
        posted.path("company", "later"),
        "/" + getattr(pair, second).split("/", 3)[3],
    ):
        answer = press(pages, path, "reason=terms")
        assert answer.status_code == 200
        assert "You have answered before." in answer.text
        assert "tell your coordinator" in answer.text
        told = "would like" if first == "accept" else "decline this introduction"
        assert told in answer.text
    assert everything(posted.database) == after


def test_later_may_be_followed(pages: TestClient, posted: Posted) -> None:
    press(pages, posted.path("partner", "later"))
    answer = press(pages, posted.path("partner", "accept"))
    assert "you would like this introduction" in answer.text
    assert [said for _, said, _ in posted.answers()] == ["later", "accept"]
    again = press(pages, posted.path("partner", "later"))
    assert "you would like this introduction" in again.text
    assert len(posted.answers()) == 2


def test_an_answer_of_long_ago_does_not_bind_a_new_suggestion(
    pages: TestClient, posted: Posted
) -> None:
    """A pair that is suggested again half a year after a decline can be accepted."""

    def earlier(session: Session) -> None:
        account = _account(session, posted, "partner")
        mail = make_mail(session, date(2025, 4, 1), account)
        this = session.get_one(Suggestion, posted.suggestion_id)
        old = make_suggestion(session, mail.run, this.need, this.partner)
        session.add(
            SuggestionAnswer(
                suggestion_id=old.id,
                account_id=account.id,
                side=Side.PARTNER,
                answer=Answer.DECLINE,
                reason="other",
                answered_at=utc_now() - timedelta(days=200),
            )
        )

    posted.change(earlier)
    assert "Yes, go ahead" in pages.get(posted.path("partner", "accept")).text
    press(pages, posted.path("partner", "accept"))
    assert posted.answers() == [("partner", "accept", None)]


@pytest.mark.parametrize(
    ("what", "body"), [("accept", ""), ("decline", "reason=terms"), ("stop", "")]
)
def test_twenty_presses_at_once_are_one(
    pages: TestClient, posted: Posted, what: str, body: str
) -> None:
    path = posted.path("partner", what)
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: press(pages, path, body), range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    with posted.database.reading() as session:
        counts = [
            session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Introduction, IntroductionNote, MailConsent)
        ]
    assert len(posted.answers()) == (what != "stop")
    assert counts == {"accept": [1, 1, 0], "decline": [0, 0, 0], "stop": [0, 0, 1]}[what]


def test_different_answers_at_once_are_one(pages: TestClient, posted: Posted) -> None:
    paths = [posted.path("company", what) for what in ("accept", "decline")] * 10
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda p: press(pages, p, "reason=terms"), paths))
    assert {answer.status_code for answer in answers} == {200}
    assert len(posted.answers()) == 1


def test_both_sides_accepting_at_once_make_one_introduction(
    pages: TestClient, posted: Posted
) -> None:
    paths = [posted.path(who, "accept") for who in SIDES] * 4
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda path: press(pages, path), paths))
    assert {answer.status_code for answer in answers} == {200}
    assert len(posted.answers()) == 3
    with posted.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Introduction)) == 1


def test_the_audit_log_names_who_answered(pages: TestClient, posted: Posted) -> None:
    press(pages, posted.path("partner", "accept"))
    press(pages, posted.path("company", "stop"))
    with posted.database.reading() as session:
        rows = session.execute(
            select(AuditEntry.event, AuditEntry.object_kind, AuditEntry.account_id)
        ).all()
    found = {(event, kind): who for event, kind, who in rows}
    assert found["create", "suggestion_answer"] == posted.accounts["partner"]
    assert found["create", "introduction"] == posted.accounts["partner"]
    assert found["create", "mail_consent"] == posted.accounts["company"]
    assert found["change", "account"] == posted.accounts["company"]


MOVES = st.lists(
    st.tuples(
        st.sampled_from(SIDES),
        st.sampled_from(["accept", "decline", "later"]),
        st.sampled_from(["press", "press", "get", "head"]),
    ),
    max_size=10,
)
NUMBERS = itertools.count()


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves=MOVES)
def test_whatever_order_the_answers_come_in(
    pages: TestClient, database: Database, moves: list[tuple[str, str, str]]
) -> None:
    """Beside a model: each recipient's first final answer counts, `later` once until then."""
    posted = post_suggestion(database, mark=f".{next(NUMBERS)}")
    expected: list[tuple[str, str, str | None]] = []
    with noticing(database) as version:
        for who, what, how in moves:
            before = version()
            if how != "press":
                assert pages.request(how.upper(), posted.path(who, what)).status_code == 200
                assert version() == before
                continue
            assert press(pages, posted.path(who, what), "reason=terms").status_code == 200
            said = [answer for side, answer, _ in expected if side == who]
            acts = not {"accept", "decline", what} & set(said)
            if acts:
                expected.append((who, what, "terms" if what == "decline" else None))
            assert (version() != before) is acts
            assert posted.answers() == expected
    accepted = [side for side, answer, _ in expected if answer == "accept"]
    with database.reading() as session:
        made = select(func.count()).where(Introduction.need_id == posted.need_id)
        assert session.scalar(made) == bool(accepted)
