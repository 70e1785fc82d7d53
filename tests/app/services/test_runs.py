"""Runs: one a day, and what is told of them."""

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from app.services import outbox, runs
from models import MailState, Run, RunState, RunStep, Withheld
from tests.factories import make_account, make_mail

DAY = date(2026, 4, 1)


def begun(session: Session, day: date = DAY) -> Run:
    """A new run of that day."""
    run = runs.begin_run(session, day)
    assert run is not None
    return run


def add_mails(session: Session, run: Run, number: int, state: MailState = MailState.SENT) -> None:
    """That many mails in that state."""
    for _ in range(number):
        make_mail(session, run, make_account(session), state=state)


def finished(session: Session, day: date, mails: int) -> Run:
    """A run of that day that has sent that many."""
    run = begun(session, day)
    add_mails(session, run, mails)
    runs.finish(session, run)
    return run


def test_a_day_has_one_run(session: Session) -> None:
    run = begun(session)
    assert runs.begin_run(session, DAY) is None
    assert runs.find_run(session, DAY) is run
    begun(session, DAY + timedelta(days=1))


def test_an_unfinished_run_is_overtaken(session: Session) -> None:
    old = begun(session)
    add_mails(session, old, 2, MailState.QUEUED)
    add_mails(session, old, 1, MailState.DATA)
    add_mails(session, old, 1, MailState.SENT)
    new = begun(session, DAY + timedelta(days=1))
    assert runs.overtake(session, new) == 2
    assert old.state is RunState.FAILED
    (unknown,) = (sentence for sentence in old.alerts if "unknown" in sentence)
    assert new.alerts == [f"The run of {DAY}: {unknown}"]
    assert outbox.tally(session, old.id) == {"withheld": 2, "unknown": 1, "sent": 1}
    runs.finish(session, new, alerts=runs.alerts_of(session, new))
    assert new.alerts == [f"The run of {DAY}: {unknown}"], "also at its end"
    after = begun(session, DAY + timedelta(days=2))
    assert runs.overtake(session, after) == 0
    assert runs.alerts_of(session, after) == [], "told once"
    session.expire_all()
    reasons = {
        mail.withheld
        for mail in runs.list_mails(
            session, old, state=MailState.WITHHELD, cursor=None, limit=10
        ).items
    }
    assert reasons == {Withheld.OVERTAKEN}


def test_a_finished_run_is_left_alone(session: Session) -> None:
    old = finished(session, DAY, 3)
    assert runs.overtake(session, begun(session, DAY + timedelta(days=1))) == 0
    assert old.state is RunState.FINISHED


@pytest.mark.parametrize(
    ("usual", "tonight", "most", "abnormal"),
    [
        ([], 40, 100, False),
        ([], 40, 39, True),
        ([10, 11, 12], 31, 100, False),
        ([10, 10, 40], 31, 100, True),
        ([1, 1, 1], 30, 100, False),
    ],
)
def test_an_abnormal_volume_is_noticed(
    session: Session, usual: list[int], tonight: int, most: int, abnormal: bool
) -> None:
    for number, mails in enumerate(usual):
        finished(session, DAY + timedelta(days=number), mails)
    run = begun(session, DAY + timedelta(days=30))
    add_mails(session, run, tonight, MailState.QUEUED)
    found = runs.too_many(session, run, most=most)
    assert (found is not None) is abnormal


def test_a_step_taken_twice_counts_both_times(session: Session) -> None:
    run = begun(session)
    for _ in range(2):
        runs.note(session, run, step=RunStep.SCORE, seconds=1.5)
    assert run.seconds == {"score": 3.0}


def test_an_alert_is_given_once(session: Session) -> None:
    run = begun(session)
    for _ in range(2):
        runs.alert(session, run, "Look here.")
    assert run.alerts == ["Look here."]


@pytest.mark.parametrize(
    ("mails", "words"),
    [
        ({MailState.SENT: 3}, []),
        ({MailState.SENT: 3, MailState.UNKNOWN: 1}, ["unknown"]),
        ({MailState.FAILED: 2, MailState.QUEUED: 1}, ["failed", "not settled"]),
        ({MailState.DATA: 1}, ["not settled"]),
    ],
)
def test_what_is_to_be_looked_at(mails: dict[MailState, int], words: list[str]) -> None:
    sentences = runs.alerts_about(mails)
    assert len(sentences) == len(words)
    for sentence, word in zip(sentences, words, strict=True):
        assert word in sentence
