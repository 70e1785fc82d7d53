"""The mails of a run against a real server: once at most, and never without a word."""

import logging
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from limits import parse
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.db import Database
from app.emails.smtp import STEPS, SmtpTransport
from app.jobs import checkpoints
from app.jobs.delivering import Delivered, deliver
from app.jobs.pacing import Retries
from app.services import outbox
from app.services.mail_suppressions import is_suppressed
from models import (
    Account,
    AuditEntry,
    AuditEvent,
    DigestFrequency,
    HaltReason,
    Mail,
    MailState,
    Withheld,
    utc_now,
)
from tests.app.emails.sink import DROP, STALL, TAKE_AND_DROP, Rule, Sink, Stage, running
from tests.app.jobs.outbox import SENDER, SetClock, compose, mails_of, make_outbox, states_of

SATO, KATO, MORI = "sato@example.jp", "kato@example.jp", "mori@other.example"
RATE = parse("1000/second")


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running() as sink:
        yield sink


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.emails.smtp.PATIENCE", 1)


def send(database: Database, run_id: UUID, sink: Sink, **values: Any) -> Delivered:
    """Deliver the run to the sink, with a clock that loses no time."""
    transport = SmtpTransport(sink.server(timeout_seconds=0.5), on_step=checkpoints.reached)
    given: dict[str, Any] = {"compose": compose, "rate": RATE, "clock": SetClock()}
    return deliver(
        database, run_id, **(given | {"transport": transport, "sender": SENDER} | values)
    )


def on(at: Stage, who: str, reply: str, *, times: int = 1000) -> Rule:
    """That reply at a stage of mails to somebody, so often."""
    return lambda stage, to, before: reply if stage == at and to == who and before < times else None


def suppressed(database: Database, email: str) -> bool:
    with database.reading(SYSTEM) as session:
        return is_suppressed(session, email)


def test_each_mail_leaves_once_to_one_recipient(database: Database, sink: Sink) -> None:
    run_id = make_outbox(database, SATO, KATO, MORI)
    progress: list[int] = []
    done = send(database, run_id, sink, progress=progress.append)
    assert done == Delivered(sent=3)
    assert sum(progress) == 3
    assert sorted(sink.recipients) == sorted([SATO, KATO, MORI])
    assert all(len(mail.recipients) == 1 for mail in sink.received)
    mails = mails_of(database, run_id)
    assert sink.message_ids == dict.fromkeys((mail.message_id for mail in mails.values()), 1)
    assert sink.connections == 1
    assert {stage for stage, _ in sink.stages} == {"mail", "rcpt", "command", "text"}
    for mail in mails.values():
        assert (mail.state, mail.attempts, mail.claim) == (MailState.SENT, 1, None)
        assert mail.settled_at is not None
    parsed = message_from_bytes(sink.received[0].content, policy=default)
    assert parsed["Subject"] == "本日のご提案"
    again = send(database, run_id, sink)
    assert again == Delivered()
    assert len(sink.received) == 3


def test_the_mark_is_committed_before_the_text_is_asked_for(database: Database) -> None:
    run_id = make_outbox(database, SATO)
    seen: list[tuple[Stage, MailState]] = []

    def rule(stage: Stage, _to: str, _before: int) -> None:
        seen.append((stage, mails_of(database, run_id)[SATO].state))

    with running(Sink(rule)) as sink:
        send(database, run_id, sink)
    assert seen == [
        ("mail", MailState.SENDING),
        ("rcpt", MailState.SENDING),
        ("command", MailState.DATA),
        ("text", MailState.DATA),
    ]


def test_each_mail_that_leaves_is_in_the_audit_log(database: Database, sink: Sink) -> None:
    run_id = make_outbox(database, SATO, KATO)
    sink.rule = on("rcpt", KATO, "550 5.1.1 gone")
    send(database, run_id, sink)
    with database.reading(SYSTEM) as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.event == AuditEvent.MAIL.value)
        ).all()
        account_id = session.scalar(select(Account.id).where(Account.email == SATO))
    assert [entry.object_id for entry in entries] == [account_id]


def test_the_log_names_nobody(
    database: Database, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    run_id = make_outbox(database, SATO, KATO, MORI)
    sink.rule = on("rcpt", KATO, f"550 5.1.1 <{KATO}> gone")

    def failing(session: Session, mail: Mail) -> EmailMessage | Withheld:
        if mail.account.email == MORI:
            return Withheld.NEVER
        return compose(session, mail)

    with caplog.at_level(logging.DEBUG, logger="app"):
        send(database, run_id, sink, compose=failing)
    for mail in mails_of(database, run_id).values():
        assert f"mail={mail.id} state={mail.state}" in caplog.text
    for word in (SATO, KATO, MORI, "example.jp", "Sato", "ご提案"):
        assert word not in caplog.text


class TestFaults:
    def test_a_server_that_is_down_and_comes_back(self, database: Database) -> None:
        run_id = make_outbox(database, SATO, KATO)
        with running() as gone:
            pass
        clock = SetClock()
        done = send(database, run_id, gone, clock=clock)
        assert (done.sent, done.pending) == (0, 2)
        assert done.fault == "The mail server cannot be reached."
        assert timedelta(minutes=45) < timedelta(seconds=clock.passed) < timedelta(minutes=50)
        for mail in mails_of(database, run_id).values():
            assert (mail.state, mail.attempts) == (MailState.QUEUED, 0)
        with running() as sink:
            assert send(database, run_id, sink).sent == 2

    def test_greylisting(self, database: Database, sink: Sink) -> None:
        run_id = make_outbox(database, SATO, KATO)
        sink.rule = on("rcpt", SATO, "450 4.2.0 greylisted", times=2)
        clock = SetClock()
        before = clock.now()
        retries = Retries(first=timedelta(minutes=5), spread=0)
        done = send(database, run_id, sink, clock=clock, retries=retries)
        assert done == Delivered(sent=2, deferred=2)
        assert sink.recipients == [KATO, SATO]
        mail = mails_of(database, run_id)[SATO]
        assert (mail.attempts, mail.smtp_code) == (3, 450)
        assert clock.now() - before == pytest.approx(timedelta(minutes=15), abs=timedelta(0, 5))

    def test_a_text_put_off_is_sent_under_the_same_id(self, database: Database, sink: Sink) -> None:
        run_id = make_outbox(database, SATO)
        sink.rule = on("text", SATO, "451 4.3.0 try again", times=3)
        assert send(database, run_id, sink) == Delivered(sent=1, deferred=3)
        assert sink.message_ids == {mails_of(database, run_id)[SATO].message_id: 1}

    def test_put_off_too_often(self, database: Database, sink: Sink) -> None:
        run_id = make_outbox(database, SATO, KATO)
        sink.rule = on("rcpt", SATO, "450 4.2.0 never today")
        done = send(database, run_id, sink, retries=Retries(attempts=4))
        assert done == Delivered(sent=1, failed=1, deferred=3)
        mail = mails_of(database, run_id)[SATO]
        assert (mail.state, mail.attempts, mail.smtp_code) == (MailState.FAILED, 4, 450)
        assert not suppressed(database, SATO)

    def test_what_is_due_too_late_is_left_pending(self, database: Database, sink: Sink) -> None:
        run_id = make_outbox(database, SATO)
        sink.rule = on("rcpt", SATO, "450 4.2.0 later", times=1)
        clock = SetClock()
        retries = Retries(
            first=timedelta(hours=1), longest=timedelta(hours=2), patience=timedelta(minutes=5)
        )
        done = send(database, run_id, sink, clock=clock, retries=retries)
        assert done == Delivered(deferred=1, pending=1)
        assert clock.slept == []
        clock.at += timedelta(hours=2)
        assert send(database, run_id, sink, clock=clock, retries=retries) == Delivered(sent=1)

    @pytest.mark.parametrize("stage", ["rcpt", "text"])
    def test_a_dead_mailbox_is_mailed_no_more(
        self, database: Database, sink: Sink, stage: Stage
    ) -> None:
        run_id = make_outbox(database, SATO, KATO)
        sink.rule = on(stage, SATO, "550 5.1.1 no such user")
        assert send(database, run_id, sink) == Delivered(sent=1, failed=1)
        mail = mails_of(database, run_id)[SATO]
        assert (mail.state, mail.smtp_code) == (MailState.FAILED, 550)
        assert suppressed(database, SATO)
        assert not suppressed(database, KATO)

    @pytest.mark.parametrize(
        ("stage", "reply"), [("text", "554 spam"), ("rcpt", "554 5.7.1 relay access denied")]
    )
    def test_what_is_not_the_mailboxs_fault(
        self, database: Database, sink: Sink, stage: Stage, reply: str
    ) -> None:
        run_id = make_outbox(database, SATO)
        sink.rule = on(stage, SATO, reply)
        assert send(database, run_id, sink) == Delivered(failed=1)
        assert not suppressed(database, SATO)

    def test_a_sender_that_is_refused_is_a_wrong_setting(
        self, database: Database, sink: Sink
    ) -> None:
        run_id = make_outbox(database, SATO, KATO)
        sink.rule = on("mail", SENDER, "553 5.7.1 not yours")
        done = send(database, run_id, sink)
        assert done == Delivered(
            deferred=1, pending=2, fault="The mail server takes no mail from our address."
        )
        assert [mail.attempts for mail in mails_of(database, run_id).values()] == [0, 0]
        assert not suppressed(database, SATO)
        sink.rule = lambda *_: None
        assert send(database, run_id, sink) == Delivered(sent=2)

    def test_a_server_that_refuses_everybody_suppresses_few(
        self, database: Database, sink: Sink
    ) -> None:
        emails = [f"{number}@example.jp" for number in range(30)]
        run_id = make_outbox(database, *emails)
        sink.rule = lambda stage, *_: "550 relaying denied" if stage == "rcpt" else None
        done = send(database, run_id, sink)
        assert (done.failed, done.pending) == (10, 20)
        assert done.fault == "The mail server refuses one recipient after the other."

    @pytest.mark.parametrize("reply", [STALL, DROP, "421 4.3.2 shutting down"])
    @pytest.mark.parametrize("stage", ["rcpt", "command"])
    def test_silence_before_the_text_is_put_off(
        self, database: Database, sink: Sink, stage: Stage, reply: str
    ) -> None:
        run_id = make_outbox(database, SATO, KATO)
        sink.rule = on(stage, SATO, reply, times=1)
        done = send(database, run_id, sink)
        assert (done.sent, done.unknown, done.failed, done.pending) == (2, 0, 0, 0)
        assert sorted(sink.recipients) == sorted([SATO, KATO])

    @pytest.mark.parametrize("reply", [STALL, DROP, TAKE_AND_DROP])
    def test_silence_after_the_text_is_unknown_for_ever(
        self, database: Database, sink: Sink, reply: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        run_id = make_outbox(database, SATO, KATO, MORI)
        sink.rule = on("text", KATO, reply)
        done = send(database, run_id, sink)
        assert done == Delivered(sent=2, unknown=1)
        mail = mails_of(database, run_id)[KATO]
        assert (mail.state, mail.claim) == (MailState.UNKNOWN, None)
        assert f"mail={mail.id} state=unknown" in caplog.text
        sink.rule = lambda *_: None
        assert send(database, run_id, sink) == Delivered()
        assert sink.message_ids[mail.message_id] == (1 if reply == TAKE_AND_DROP else 0)
        assert not suppressed(database, KATO)

    def test_a_server_that_loses_all_spoils_few(self, database: Database, sink: Sink) -> None:
        run_id = make_outbox(database, *(f"{number}@example.jp" for number in range(20)))
        sink.rule = lambda stage, *_: TAKE_AND_DROP if stage == "text" else None
        done = send(database, run_id, sink)
        assert (done.unknown, done.pending) == (3, 17)
        assert done.fault == "The mail server takes mails without an answer."


class TestRecheck:
    """What is committed between the recipient's acceptance and the text counts."""

    def test_an_opt_out_a_moment_before(self, database: Database, sink: Sink) -> None:
        run_id = make_outbox(database, SATO, KATO)

        def rule(stage: Stage, to: str, _before: int) -> None:
            if (stage, to) == ("rcpt", SATO):
                with database.writing(SYSTEM) as session:
                    session.execute(
                        update(Account)
                        .where(Account.email == SATO)
                        .values(digest_frequency=DigestFrequency.NEVER)
                    )

        def rechecked(session: Session, mail: Mail) -> EmailMessage | Withheld:
            if mail.account.digest_frequency is DigestFrequency.NEVER:
                return Withheld.NEVER
            return compose(session, mail)

        sink.rule = rule
        done = send(database, run_id, sink, compose=rechecked)
        assert done == Delivered(sent=1, withheld=1)
        assert sink.recipients == [KATO]
        assert ("command", SATO) not in sink.stages
        mail = mails_of(database, run_id)[SATO]
        assert (mail.state, mail.withheld) == (MailState.WITHHELD, Withheld.NEVER)

    def test_an_address_that_changes_a_moment_before(self, database: Database, sink: Sink) -> None:
        run_id = make_outbox(database, SATO)

        def rule(stage: Stage, to: str, _before: int) -> None:
            if (stage, to) == ("rcpt", SATO):
                with database.writing(SYSTEM) as session:
                    session.execute(update(Account).values(email=MORI))

        sink.rule = rule
        assert send(database, run_id, sink) == Delivered(sent=1, deferred=1)
        assert sink.recipients == [MORI]
        assert mails_of(database, run_id)[MORI].attempts == 1

    def test_an_address_that_is_taken_away(self, database: Database, sink: Sink) -> None:
        run_id = make_outbox(database, SATO, None)

        def rule(stage: Stage, _to: str, _before: int) -> None:
            if stage == "rcpt":
                with database.writing(SYSTEM) as session:
                    session.execute(update(Account).values(email=None))

        sink.rule = rule
        assert send(database, run_id, sink) == Delivered(withheld=2, deferred=1)
        with database.reading(SYSTEM) as session:
            reasons = set(session.scalars(select(Mail.withheld)))
        assert reasons == {Withheld.NO_ADDRESS}
        assert not sink.received

    def test_an_account_that_is_erased(self, database: Database, sink: Sink) -> None:
        run_id = make_outbox(database, SATO, KATO)

        def rule(stage: Stage, to: str, _before: int) -> None:
            if (stage, to) == ("rcpt", SATO):
                with database.writing(SYSTEM) as session:
                    session.delete(
                        session.scalars(select(Account).where(Account.email == SATO)).one()
                    )

        sink.rule = rule
        assert send(database, run_id, sink) == Delivered(sent=1)
        assert sink.recipients == [KATO]

    def test_what_was_written_for_a_withheld_mail_is_undone(
        self, database: Database, sink: Sink
    ) -> None:
        run_id = make_outbox(database, SATO)

        def writing(session: Session, mail: Mail) -> EmailMessage | Withheld:
            mail.account.name = "Changed"
            session.flush()
            return Withheld.NOTHING_LEFT

        assert send(database, run_id, sink, compose=writing) == Delivered(withheld=1)
        with database.reading(SYSTEM) as session:
            assert set(session.scalars(select(Account.name))) == {"Ms Sato"}
            entries = select(func.count()).where(AuditEntry.event == AuditEvent.MAIL.value)
            assert session.scalar(entries) == 0


def test_a_mail_that_cannot_be_composed_holds_up_no_other(
    database: Database, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    run_id = make_outbox(database, SATO, KATO, MORI)
    tries: list[UUID] = []

    def failing(session: Session, mail: Mail) -> EmailMessage | Withheld:
        if mail.account.email == SATO:
            tries.append(mail.id)
            raise RuntimeError(mail.account.email)
        return compose(session, mail)

    done = send(database, run_id, sink, compose=failing, retries=Retries(attempts=3))
    assert done == Delivered(sent=2, failed=1, deferred=2)
    assert len(tries) == 3
    assert "could not be composed" in caplog.text


def test_a_mail_under_another_id_does_not_leave(database: Database, sink: Sink) -> None:
    run_id = make_outbox(database, SATO)

    def other(session: Session, mail: Mail) -> EmailMessage | Withheld:
        message = compose(session, mail)
        assert isinstance(message, EmailMessage)
        message.replace_header("Message-ID", "<other@office.example>")
        return message

    done = send(database, run_id, sink, compose=other, retries=Retries(attempts=1))
    assert done == Delivered(failed=1)
    assert not sink.received


class TestRunners:
    def test_who_lost_the_claim_stops_with_the_mail(
        self, database: Database, sink: Sink, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Although the lock of a run should keep two runners apart."""
        run_id = make_outbox(database, SATO, KATO)
        taken: list[outbox.Claim | None] = []

        def rule(stage: Stage, to: str, _before: int) -> None:
            if (stage, to) == ("rcpt", SATO):
                with database.writing(SYSTEM) as session:
                    outbox.recover(session, run_id, now=utc_now())
                    mail_id = mails_of(database, run_id)[SATO].id
                    taken.append(outbox.claim(session, mail_id))

        sink.rule = rule
        assert send(database, run_id, sink) == Delivered(sent=1)
        assert sink.recipients == [KATO]
        (claimed,) = taken
        assert claimed is not None
        mail = mails_of(database, run_id)[SATO]
        assert (mail.state, mail.claim) == (MailState.SENDING, claimed.token)

    def test_a_claim_that_is_lost_amid_the_text_is_told(
        self, database: Database, sink: Sink, caplog: pytest.LogCaptureFixture
    ) -> None:
        run_id = make_outbox(database, SATO)

        def rule(stage: Stage, *_: Any) -> None:
            if stage == "text":
                with database.writing(SYSTEM) as session:
                    outbox.recover(session, run_id, now=utc_now())

        sink.rule = rule
        assert send(database, run_id, sink) == Delivered()
        assert states_of(database, run_id) == {SATO: MailState.UNKNOWN}
        assert "its claim was lost" in caplog.text

    def test_what_a_dead_runner_left(self, database: Database, sink: Sink) -> None:
        run_id = make_outbox(database, SATO, KATO, MORI)
        mails = mails_of(database, run_id)
        with database.writing(SYSTEM) as session:
            assert outbox.claim(session, mails[SATO].id) is not None
            claimed = outbox.claim(session, mails[KATO].id)
            assert claimed is not None
            outbox.mark(session, claimed)
        done = send(database, run_id, sink)
        assert done == Delivered(sent=2, unknown=1)
        assert sorted(sink.recipients) == sorted([SATO, MORI])


class TestHalts:
    def test_the_kill_switch_between_two_mails(self, database: Database, sink: Sink) -> None:
        run_id = make_outbox(database, *(f"{number}@example.jp" for number in range(9)))

        def may_go_on() -> HaltReason | None:
            return HaltReason.SWITCHED_OFF if len(sink.received) == 4 else None

        done = send(database, run_id, sink, may_go_on=may_go_on)
        assert done == Delivered(sent=4, pending=5, halt=HaltReason.SWITCHED_OFF)
        assert send(database, run_id, sink) == Delivered(sent=5)

    def test_before_the_first(self, database: Database, sink: Sink) -> None:
        run_id = make_outbox(database, SATO)
        done = send(database, run_id, sink, may_go_on=lambda: HaltReason.TOO_LATE)
        assert done == Delivered(pending=1, halt=HaltReason.TOO_LATE)
        assert sink.connections == 0

    def test_an_error_leaves_what_is_known(self, database: Database, sink: Sink) -> None:
        run_id = make_outbox(database, SATO, KATO)

        def may_go_on() -> HaltReason | None:
            if sink.received:
                raise RuntimeError("the switch cannot be read")
            return None

        with pytest.raises(RuntimeError):
            send(database, run_id, sink, may_go_on=may_go_on)
        states = sorted(states_of(database, run_id).values())
        assert states == [MailState.QUEUED, MailState.SENT]

    def test_amid_a_long_wait(self, database: Database, sink: Sink) -> None:
        run_id = make_outbox(database, SATO)
        sink.rule = on("rcpt", SATO, "450 4.2.0 later")
        clock = SetClock()

        def may_go_on() -> HaltReason | None:
            return HaltReason.SWITCHED_OFF if clock.passed > 30 else None

        done = send(database, run_id, sink, clock=clock, may_go_on=may_go_on)
        assert done == Delivered(deferred=1, pending=1, halt=HaltReason.SWITCHED_OFF)
        assert clock.passed < 35


class TestRate:
    def test_no_domain_gets_more_and_none_waits_for_another(
        self, database: Database, sink: Sink
    ) -> None:
        large = [f"{number}@large.example" for number in range(12)]
        run_id = make_outbox(database, *large, SATO, KATO, MORI)
        clock, came = SetClock(), list[tuple[float, str]]()

        def rule(stage: Stage, to: str, _before: int) -> None:
            if stage == "text":
                came.append((clock.passed, to))

        sink.rule = rule
        done = send(database, run_id, sink, clock=clock, rate=parse("5/minute"))
        assert done == Delivered(sent=15)
        to_large = [at for at, to in came if to in large]
        assert to_large == [0.0] * 5 + [60.0] * 5 + [120.0] * 2
        assert {at for at, to in came if to not in large} == {0.0}

    def test_a_resumed_run_remembers_what_it_sent(self, database: Database, sink: Sink) -> None:
        run_id = make_outbox(database, *(f"{number}@example.jp" for number in range(6)))
        clock = SetClock()
        rate = parse("3/minute")

        def may_go_on() -> HaltReason | None:
            return HaltReason.SWITCHED_OFF if len(sink.received) == 3 else None

        send(database, run_id, sink, clock=clock, rate=rate, may_go_on=may_go_on)
        clock.at += timedelta(seconds=20)
        before = clock.passed
        assert send(database, run_id, sink, clock=clock, rate=rate).sent == 3
        assert clock.passed - before == pytest.approx(40, abs=0.1)


class TestClock:
    """The clock is set by a day, either way, while mails wait."""

    @pytest.mark.parametrize("by", [timedelta(days=1), timedelta(days=-1)], ids=["on", "back"])
    def test_between_two_calls(self, database: Database, sink: Sink, by: timedelta) -> None:
        run_id = make_outbox(database, SATO, KATO)
        sink.rule = on("rcpt", SATO, "450 4.2.0 later", times=1)
        clock = SetClock()
        retries = Retries(patience=timedelta(seconds=1))
        done = send(database, run_id, sink, clock=clock, retries=retries)
        assert done == Delivered(sent=1, deferred=1, pending=1)
        clock.at += by
        assert send(database, run_id, sink, clock=clock, retries=retries) == Delivered(sent=1)
        assert sorted(sink.recipients) == sorted([SATO, KATO])

    @pytest.mark.parametrize("by", [timedelta(days=1), timedelta(days=-1)], ids=["on", "back"])
    def test_while_it_waits(self, database: Database, sink: Sink, by: timedelta) -> None:
        class Jumping(SetClock):
            def sleep(self, seconds: float) -> None:
                super().sleep(seconds)
                if len(self.slept) == 3:
                    self.at += by

        run_id = make_outbox(database, SATO)
        sink.rule = on("rcpt", SATO, "450 4.2.0 later", times=2)
        clock = Jumping(datetime.fromisoformat("2026-04-01T00:00:00+00:00"))
        with database.writing(SYSTEM) as session:
            session.execute(update(Mail).values(due_at=clock.now()))
        done = send(database, run_id, sink, clock=clock)
        assert done == Delivered(sent=1, deferred=2)
        assert clock.passed < 300


def test_every_checkpoint_is_reached(
    database: Database, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = make_outbox(database, SATO)
    met: list[str] = []
    monkeypatch.setattr(checkpoints, "watch", met.append)
    send(database, run_id, sink)
    assert set(met) == set(checkpoints.DELIVERY) | set(STEPS)
    with pytest.raises(ValueError, match="choose among run"):
        checkpoints.reached("delivery.nowhere")


def test_every_checkpoint_that_is_called_is_named() -> None:
    called = {
        name
        for path in (Path(checkpoints.__file__).parent).glob("*.py")
        for name in re.findall(r'"((?:run|delivery)\.[a-z.]+)"', path.read_text())
        if path.name != "checkpoints.py"
    }
    assert called == set(checkpoints.RUN) | set(checkpoints.DELIVERY)
