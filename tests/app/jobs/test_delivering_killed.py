"""The delivery is killed at each of its checkpoints: no mail comes twice, none is lost."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest
from limits import parse
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.db import Database
from app.emails.smtp import STEPS, SmtpTransport
from app.jobs import checkpoints
from app.jobs.delivering import deliver
from app.jobs.pacing import Retries
from models import Account, AuditEntry, AuditEvent, DigestFrequency, Mail, MailState, Withheld
from tests.app.emails.sink import Sink, Stage, running
from tests.app.jobs.killing import kills, work_until
from tests.app.jobs.outbox import SENDER, compose, mails_of, make_outbox

pytestmark = pytest.mark.slow

GONE, GREY, STOPPED = "gone@example.jp", "grey@example.jp", "stopped@example.jp"
GOOD = [f"{number}@{number % 3}.example" for number in range(9)]
RECIPIENTS = [*GOOD, GONE, GREY, STOPPED]

OPEN = {
    "delivery.marked",
    "smtp.data",
    "smtp.text",
    "smtp.end",
    "delivery.answered",
    "delivery.claiming",
    "delivery.settling",
}
"""Where a mail may be on its way: killed elsewhere nothing is unknown."""


def _rule(stage: Stage, to: str, before: int) -> str | None:
    if (stage, to) == ("rcpt", GONE):
        return "550 5.1.1 gone"
    if (stage, to) == ("rcpt", GREY) and before % 2 == 0:
        return "450 4.2.0 greylisted"
    return None


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running(Sink(_rule, keep_content=False)) as sink:
        yield sink


def _compose(session: Session, mail: Mail) -> EmailMessage | Withheld:
    if mail.account.digest_frequency is DigestFrequency.NEVER:
        return Withheld.NEVER
    return compose(session, mail)


class Night:
    """A run of twelve mails, and its delivery."""

    def __init__(self, database: Database, sink: Sink) -> None:
        self.database, self.sink = database, sink
        self.run_id: UUID

    def anew(self) -> None:
        """Another run with the same recipients."""
        self.run_id = make_outbox(self.database, *RECIPIENTS)
        with self.database.writing(SYSTEM) as session:
            session.execute(
                update(Account)
                .where(Account.email == STOPPED)
                .values(digest_frequency=DigestFrequency.NEVER)
            )

    def work(self, database: Database) -> None:
        """Deliver it."""
        done = deliver(
            database,
            self.run_id,
            compose=_compose,
            transport=SmtpTransport(self.sink.server(), on_step=checkpoints.reached),
            sender=SENDER,
            rate=parse("1000/second"),
            retries=Retries(attempts=50, first=timedelta(0)),
        )
        assert (done.pending, done.halt, done.fault) == (0, None, None)

    def check(self, killed_at: list[str]) -> int:
        """Every mail came to an end, and none came in twice; returns how many are unknown."""
        self.sink.quiet()
        arrived = self.sink.message_ids
        states: Counter[MailState] = Counter()
        for email, mail in mails_of(self.database, self.run_id).items():
            states[mail.state] += 1
            expected = {GONE: MailState.FAILED, STOPPED: MailState.WITHHELD}.get(str(email))
            if expected is not None:
                assert (mail.state, arrived[mail.message_id]) == (expected, 0), killed_at
            elif mail.state is MailState.SENT:
                assert arrived[mail.message_id] == 1, killed_at
            else:
                assert mail.state is MailState.UNKNOWN, killed_at
                assert arrived[mail.message_id] <= 1, killed_at
        assert sum(states.values()) == len(RECIPIENTS)
        unknown = states[MailState.UNKNOWN]
        assert unknown <= sum(name in OPEN for name in killed_at), killed_at
        return unknown


def test_killed_at_every_checkpoint(database: Database, sink: Sink) -> None:
    night = Night(database, sink)
    night.anew()
    night.work(database)
    assert night.check([]) == 0
    where: Counter[str] = Counter()
    unknown = 0
    for name in kills(database, night.work, anew=night.anew):
        where[name] += 1
        assert work_until(database, None, night.work) is None, "a resumed run completes"
        unknown += night.check([name])
    assert sum(where.values()) >= 80
    assert set(where) == set(checkpoints.DELIVERY) | set(STEPS)
    assert 0 < unknown <= sum(where[name] for name in OPEN)
    _audited(database)


@pytest.mark.parametrize("seed", range(3))
def test_killed_again_and_again(database: Database, sink: Sink, seed: int) -> None:
    night, chance = Night(database, sink), random.Random(seed)
    night.anew()
    deaths: list[str] = []
    while (name := work_until(database, chance.randint(1, 40), night.work)) is not None:
        deaths.append(name)
    assert len(deaths) >= 5
    night.check(deaths)
    _audited(database)


def _audited(database: Database) -> None:
    """There is one entry of the audit log for each mail that left or may have."""
    with database.reading(SYSTEM) as session:
        entries = select(func.count()).where(AuditEntry.event == AuditEvent.MAIL.value)
        left = select(func.count()).where(Mail.state.in_([MailState.SENT, MailState.UNKNOWN]))
        assert session.scalar(entries) == session.scalar(left)
