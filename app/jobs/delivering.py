"""Deliver the mails of a run: each once at most, and none is lost without a word.

For each mail: claim it (commit), offer it to the server, recheck and compose it and mark it as
about to leave (commit), send the text, store what became of it (commit, in one with the next
claim). A process that is killed leaves a mail `sending`, of which nothing has left, or `data`, of
which nobody knows: that one is reported as `unknown` and never sent again.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from limits import RateLimitItem
from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.db import Database
from app.emails.replies import Misconfigured, Transport, Unreachable
from app.jobs.checkpoints import reached
from app.jobs.mail_attempts import Attempts, Compose, Outcome
from app.jobs.mail_schedule import Next, Pause, Schedule
from app.jobs.mail_server_health import ServerHealth
from app.jobs.pacing import Clock, Retries, SystemClock
from app.services import outbox
from app.services.mail_suppressions import suppress
from app.services.outbox import Claim
from models import HaltReason, MailState, Withheld

logger = logging.getLogger(__name__)

PAGE: Final = 1000
"""Mails whose ids are read at once."""
SLICE_SECONDS: Final = 2.0
"""How long it waits before it asks again whether it may go on."""
IDLE_SECONDS: Final = 10.0
"""Before a longer wait it hangs up."""


@dataclass(slots=True)
class Delivered:
    """What became of the mails, and why it ended before all were settled."""

    sent: int = 0
    failed: int = 0
    withheld: int = 0
    unknown: int = 0
    deferred: int = 0
    """Times that a mail was put off."""
    pending: int = 0
    """Mails that still wait."""
    halt: HaltReason | None = None
    """Why it was told to stop."""
    fault: str | None = None
    """Why no mail can be sent at all: a sentence for the operator, without data."""

    def count(self, state: MailState) -> None:
        """Count a mail that came to that state."""
        name = "deferred" if state is MailState.QUEUED else state.value
        setattr(self, name, getattr(self, name) + 1)


def deliver(
    database: Database,
    run_id: UUID,
    *,
    compose: Compose,
    transport: Transport,
    sender: str,
    rate: RateLimitItem,
    retries: Retries | None = None,
    clock: Clock | None = None,
    may_go_on: Callable[[], HaltReason | None] = lambda: None,
    progress: Callable[[int], None] = lambda _: None,
) -> Delivered:
    """Send what waits in a run, until all is settled or nothing more can be done for now.

    Only for whoever holds the lock of the run: what a dead runner left is put right first. `sender`
    is the address of the envelope, `rate` holds for each domain. `may_go_on` is asked before each
    mail and every few seconds of a wait, `progress` told of each mail that is settled.
    """
    retries = retries or Retries()
    delivery = _Delivery(
        database,
        run_id,
        Attempts(database, compose, transport, sender, retries),
        rate,
        clock or SystemClock(),
        may_go_on,
        progress,
        Schedule(rate),
        ServerHealth(retries.patience.total_seconds()),
    )
    try:
        return delivery.run()
    finally:
        transport.close()


@dataclass(slots=True)
class _Delivery:
    database: Database
    run_id: UUID
    attempts: Attempts
    rate: RateLimitItem
    clock: Clock
    may_go_on: Callable[[], HaltReason | None]
    progress: Callable[[int], None]
    schedule: Schedule
    health: ServerHealth
    counts: Delivered = field(default_factory=Delivered)

    def run(self) -> Delivered:
        """All of it."""
        self._recover()
        self._load()
        outcome: Outcome | None = None
        while True:
            try:
                turn = self._next()
            except BaseException:
                self._store(outcome, None)  # what is known must not become unknown
                raise
            claimed = self._store(outcome, turn if isinstance(turn, Next) else None)
            if isinstance(turn, Next):
                outcome = None if claimed is None else self._attempt(claimed, turn)
                self.schedule.put_back(turn.domain, self.clock.monotonic())
                continue
            outcome = None
            if turn is None or not self._wait(turn):
                break
        with self.database.reading(SYSTEM) as session:
            tally = outbox.tally(session, self.run_id)
        self.counts.pending = tally.get(MailState.QUEUED, 0)
        return self.counts

    def _recover(self) -> None:
        with self.database.writing(SYSTEM) as session:
            found = outbox.recover(session, self.run_id, now=self.clock.now())
            reached("delivery.recovering")
        reached("delivery.recovered")
        for mail_id in found.unknown:
            logger.error("mail=%s state=unknown: the last runner was cut off amid it", mail_id)
        self.counts.unknown += len(found.unknown)
        self.progress(len(found.unknown))

    def _load(self) -> None:
        """Read what waits, and what the domains were sent just before."""
        now, instant = self.clock.now(), self.clock.monotonic()
        window = timedelta(seconds=self.rate.get_expiry())
        with self.database.reading(SYSTEM) as session:
            for email, at in outbox.settled_since(session, now - window):
                age = max(0.0, (now - at).total_seconds())
                self.schedule.note(domain_of(email), instant - age)
        last: UUID | None = None
        while True:
            with self.database.reading(SYSTEM) as session:
                page = outbox.queued(session, self.run_id, after=last, limit=PAGE)
            for mail in page:
                wait = mail.due_at - now
                # What is due later than any retry was stored before the clock was set back.
                seconds = 0 if wait > self.attempts.retries.furthest else wait.total_seconds()
                due = instant + seconds
                self.schedule.add(mail.mail_id, domain_of(mail.email), due=due, now=instant)
            if len(page) < PAGE:
                return
            last = page[-1].mail_id

    def _next(self) -> Next | Pause | None:
        """Whose turn it is; None to end."""
        self.counts.halt = self.may_go_on()
        self.counts.fault = self.health.fault
        if self.counts.halt is not None or self.counts.fault is not None:
            return None
        now = self.clock.monotonic()
        if self.health.quiet_until > now:
            return Pause(self.health.quiet_until - now, for_rate=True)
        return self.schedule.next(now)

    def _wait(self, pause: Pause) -> bool:
        """Wait a while; False if it would be too long."""
        if not pause.for_rate and pause.seconds > self.attempts.retries.patience.total_seconds():
            return False
        if pause.seconds > IDLE_SECONDS:
            self.attempts.transport.close()
        self.clock.sleep(min(pause.seconds, SLICE_SECONDS))
        return True

    def _store(self, outcome: Outcome | None, turn: Next | None) -> Claim | None:
        """Store what the last attempt came to, and claim the next mail, in one transaction."""
        if outcome is None and turn is None:
            return None
        claimed, stored = None, True
        with self.database.writing(SYSTEM) as session:
            if outcome is not None:
                stored = self._settle(session, outcome)
            if turn is not None:
                claimed = outbox.claim(session, turn.mail_id)
            reached("delivery.settling" if turn is None else "delivery.claiming")
        reached("delivery.settled" if turn is None else "delivery.claimed")
        if outcome is not None:
            self._tell(outcome, stored=stored)
        return claimed

    def _settle(self, session: Session, outcome: Outcome) -> bool:
        claimed, now, code = outcome.claim, self.clock.now(), outcome.code
        if outcome.state is MailState.QUEUED:
            return outbox.release(
                session,
                claimed,
                due_at=now + outcome.due_in,
                code=code,
                counted=outcome.counted,
            )
        if outcome.suppress and code is not None and claimed.email is not None:
            suppress(session, claimed.email, code)
        return outbox.settle(
            session, claimed, outcome.state, now=now, code=code, withheld=outcome.withheld
        )

    def _tell(self, outcome: Outcome, *, stored: bool) -> None:
        """Count it and log it, with ids alone."""
        mail_id, state = outcome.claim.mail_id, outcome.state
        if not stored:
            logger.error("mail=%s: its claim was lost before it was %s", mail_id, state)
            return
        self.counts.count(state)
        if state is not MailState.QUEUED:
            self.progress(1)
        logger.log(
            logging.ERROR if state in (MailState.UNKNOWN, MailState.FAILED) else logging.INFO,
            "mail=%s state=%s attempts=%s code=%s withheld=%s",
            mail_id,
            state,
            outcome.claim.attempts,
            outcome.code,
            outcome.withheld,
        )

    def _attempt(self, claimed: Claim, turn: Next) -> Outcome | None:
        """One attempt to send a mail; None if the claim was lost."""
        email = claimed.email
        if email is None:
            return Outcome(claimed, MailState.WITHHELD, None, withheld=Withheld.NO_ADDRESS)
        outcome: Outcome | None = Outcome(claimed, MailState.QUEUED, email, counted=False)
        now = self.clock.monotonic()
        if domain_of(email) == turn.domain:
            tried = self.attempts.send(claimed, email)
            # After the answer: the mail came in before, so that the server never sees too many.
            outcome, now = tried.outcome, self.clock.monotonic()
            self.health.heard(tried.reply, now)
            if not isinstance(tried.reply, (Unreachable, Misconfigured)):
                self.schedule.note(turn.domain, now)
        if outcome is not None and outcome.state is MailState.QUEUED:
            due, domain = now + outcome.due_in.total_seconds(), domain_of(outcome.email)
            self.schedule.add(claimed.mail_id, domain, due=due, now=now)
        return outcome


def domain_of(email: str | None) -> str:
    """The part of an address behind the @, in lower case; empty where there is none."""
    return "" if email is None else email.rpartition("@")[2].lower()
