"""Each mail moves on by one statement, and whoever lost its claim moves nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.db import Database
from app.services import outbox
from app.services.outbox import SETTLED_FROM, Claim
from models import Account, Mail, MailState, Withheld, utc_now
from tests.app.jobs.outbox import mails_of, make_outbox

EMAIL = "sato@example.jp"
NOW = utc_now()


def _claim(database: Database, run_id: UUID, email: str = EMAIL) -> Claim:
    mail = mails_of(database, run_id)[email]
    with database.writing(SYSTEM) as session:
        claimed = outbox.claim(session, mail.id)
    assert claimed is not None
    return claimed


def _put(database: Database, claimed: Claim, state: MailState) -> None:
    withheld = Withheld.NEVER if state is MailState.WITHHELD else None
    with database.writing(SYSTEM) as session:
        session.execute(
            update(Mail)
            .where(Mail.id == claimed.mail_id)
            .values(state=state, claim=claimed.token, withheld=withheld)
        )


def test_a_mail_on_its_way(database: Database) -> None:
    run_id = make_outbox(database, EMAIL)
    claimed = _claim(database, run_id)
    assert (claimed.attempts, claimed.email) == (1, EMAIL)
    with database.writing(SYSTEM) as session:
        mail = outbox.held(session, claimed)
        assert mail is not None
        assert mail.account.email == EMAIL
        assert outbox.mark(session, claimed)
    assert mails_of(database, run_id)[EMAIL].state is MailState.DATA
    with database.writing(SYSTEM) as session:
        assert outbox.settle(session, claimed, MailState.SENT, now=NOW)
    mail = mails_of(database, run_id)[EMAIL]
    assert (mail.state, mail.claim, mail.settled_at, mail.attempts) == (
        MailState.SENT,
        None,
        NOW,
        1,
    )


def test_of_runners_at_once_one_gets_the_mail(database: Database) -> None:
    run_id = make_outbox(database, EMAIL)
    mail_id = mails_of(database, run_id)[EMAIL].id
    together = Barrier(10)

    def take(_: int) -> Claim | None:
        together.wait()
        with database.writing(SYSTEM) as session:
            return outbox.claim(session, mail_id)

    with ThreadPoolExecutor(10) as threads:
        claims = list(threads.map(take, range(10)))
    assert len([claimed for claimed in claims if claimed is not None]) == 1
    assert mails_of(database, run_id)[EMAIL].attempts == 1


Move = Callable[[Session, Claim], bool]
MOVES: dict[str, tuple[Move, frozenset[MailState]]] = {
    "mark": (outbox.mark, frozenset({MailState.SENDING})),
    "release": (
        lambda session, claimed: outbox.release(session, claimed, due_at=NOW),
        frozenset({MailState.SENDING, MailState.DATA}),
    ),
    "hold": (
        lambda session, claimed: outbox.held(session, claimed) is not None,
        frozenset({MailState.SENDING}),
    ),
}
for _state, _before in SETTLED_FROM.items():
    MOVES[_state.value] = (
        lambda session, claimed, to=_state: outbox.settle(  # type: ignore[misc]
            session,
            claimed,
            to,
            now=NOW,
            withheld=Withheld.NEVER if to is MailState.WITHHELD else None,
        ),
        _before,
    )


@pytest.mark.parametrize("move", sorted(MOVES))
def test_a_move_from_every_state(database: Database, move: str) -> None:
    act, allowed = MOVES[move]
    run_id = make_outbox(database, EMAIL)
    claimed = _claim(database, run_id)
    for state in MailState:
        _put(database, claimed, state)
        with database.writing(SYSTEM) as session:
            assert act(session, claimed) is (state in allowed), state
        if state not in allowed:
            assert mails_of(database, run_id)[EMAIL].state is state
        _put(database, claimed, state)
        other = Claim(claimed.mail_id, "another", 1, EMAIL)
        with database.writing(SYSTEM) as session:
            assert not act(session, other), state
        assert mails_of(database, run_id)[EMAIL].state is state


def test_what_ended_is_never_claimed_again(database: Database) -> None:
    run_id = make_outbox(database, EMAIL)
    claimed = _claim(database, run_id)
    for state in set(MailState) - {MailState.QUEUED}:
        _put(database, claimed, state)
        with database.writing(SYSTEM) as session:
            assert outbox.claim(session, claimed.mail_id) is None, state


def test_a_release_counts_or_not_and_keeps_the_last_code(database: Database) -> None:
    run_id = make_outbox(database, EMAIL)
    later = NOW + timedelta(minutes=5)
    with database.writing(SYSTEM) as session:
        outbox.release(session, claimed := _claimed(session, run_id), due_at=later, code=450)
    mail = mails_of(database, run_id)[EMAIL]
    assert (mail.state, mail.attempts, mail.smtp_code) == (MailState.QUEUED, 1, 450)
    assert mail.due_at == later
    with database.writing(SYSTEM) as session:
        again = _claimed(session, run_id)
        assert (again.attempts, again.token != claimed.token) == (2, True)
        outbox.release(session, again, due_at=NOW, counted=False)
    mail = mails_of(database, run_id)[EMAIL]
    assert (mail.attempts, mail.smtp_code) == (1, 450)


def _claimed(session: Session, run_id: UUID) -> Claim:
    (waiting,) = outbox.queued(session, run_id, after=None, limit=10)
    claimed = outbox.claim(session, waiting.mail_id)
    assert claimed is not None
    return claimed


def test_what_a_dead_runner_left(database: Database) -> None:
    emails = [f"{state.value}@example.jp" for state in MailState]
    run_id = make_outbox(database, *emails)
    other = make_outbox(database, EMAIL)
    for state, email in zip(MailState, emails, strict=True):
        _put(database, _claim(database, run_id, email), state)
    _claim(database, other)
    with database.writing(SYSTEM) as session:
        found = outbox.recover(session, run_id, now=NOW)
    mails = mails_of(database, run_id)
    assert found.requeued == 1
    assert found.unknown == (mails["data@example.jp"].id,)
    states = {email: mail.state.value for email, mail in mails.items()}
    assert states == {email: str(email).partition("@")[0] for email in emails} | {
        "sending@example.jp": "queued",
        "data@example.jp": "unknown",
    }
    assert mails["data@example.jp"].settled_at == NOW
    assert [mail.attempts for mail in mails.values()] == [
        0 if email == "sending@example.jp" else 1 for email in mails
    ]
    assert mails_of(database, other)[EMAIL].state is MailState.SENDING
    with database.writing(SYSTEM) as session:
        again = outbox.recover(session, run_id, now=NOW)
    assert (again.requeued, again.unknown) == (0, ())


def test_the_states_of_a_run(database: Database) -> None:
    run_id = make_outbox(database, EMAIL, "kato@example.jp", "mori@example.jp")
    _claim(database, run_id)
    with database.reading(SYSTEM) as session:
        assert outbox.tally(session, run_id) == {MailState.SENDING: 1, MailState.QUEUED: 2}


def test_pages_of_what_waits(database: Database) -> None:
    emails = [f"{number}@example.jp" for number in range(7)]
    run_id = make_outbox(database, *emails)
    _claim(database, run_id, "3@example.jp")
    found, last = [], None
    with database.reading(SYSTEM) as session:
        while page := outbox.queued(session, run_id, after=last, limit=2):
            found += [waiting.email for waiting in page]
            last = page[-1].mail_id
    assert found == [email for email in emails if email != "3@example.jp"]


def test_what_was_settled_lately(database: Database) -> None:
    run_id = make_outbox(database, EMAIL, "kato@example.jp", "mori@example.jp", None)
    for number, (email, mail) in enumerate(mails_of(database, run_id).items()):
        with database.writing(SYSTEM) as session:
            claimed = outbox.claim(session, mail.id)
            assert claimed is not None
            outbox.mark(session, claimed)
            at = NOW - timedelta(seconds=10 * number)
            outbox.settle(session, claimed, MailState.SENT, now=at)
            assert claimed.email == email
    with database.reading(SYSTEM) as session:
        lately = outbox.settled_since(session, NOW - timedelta(seconds=15))
    assert [email for email, _ in lately] == ["kato@example.jp", EMAIL]


def test_who_stops_mails_waits_for_the_mark(database: Database) -> None:
    """Whoever stops mails does so before the mail is rechecked, or after it is marked."""
    run_id = make_outbox(database, EMAIL)
    claimed = _claim(database, run_id)
    order: list[str] = []

    def stop() -> None:
        with database.writing(SYSTEM) as session:
            session.execute(update(Account).values(name="Stopped"))
        order.append("stopped")

    with ThreadPoolExecutor(1) as threads:
        with database.writing(SYSTEM) as session:
            assert outbox.held(session, claimed) is not None
            stopping = threads.submit(stop)
            assert not stopping.done()
            with pytest.raises(TimeoutError):
                stopping.result(0.3)
            assert outbox.mark(session, claimed)
            order.append("marked")
        stopping.result(30)
    assert order == ["marked", "stopped"]
