"""One attempt to send a mail, and what it comes to."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage

from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.db import Database
from app.emails.replies import (
    Accepted,
    Deferred,
    Envelope,
    Lost,
    Misconfigured,
    Refused,
    Transport,
    Unreachable,
)
from app.emails.wire import as_sent
from app.jobs.checkpoints import reached
from app.jobs.pacing import Retries
from app.services import outbox
from app.services.audit import record_mail
from app.services.outbox import Claim
from models import Mail, MailState, ObjectKind, Withheld

logger = logging.getLogger(__name__)

Compose = Callable[[Session, Mail], EmailMessage | Withheld]
"""The mail for its recipient as things are now, or why there is none; what it writes is committed
with the mark if the mail leaves, and undone if not."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to, still to be stored."""

    claim: Claim
    state: MailState
    """`queued` if it is to be tried again."""
    email: str | None
    """Of the recipient, as it is now."""
    code: int | None = None
    withheld: Withheld | None = None
    due_in: timedelta = timedelta()
    counted: bool = True
    """False of an attempt that says nothing of the mail."""
    suppress: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt at the server."""

    outcome: Outcome | None
    """None if the claim was lost."""
    reply: Envelope | Lost
    """The server's last word."""


class _Stopped(Exception):
    """The mail does not leave: what was written for it is undone."""

    def __init__(self, outcome: Outcome | None) -> None:
        super().__init__()
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Attempts:
    """What every attempt needs."""

    database: Database
    compose: Compose
    transport: Transport
    sender: str
    retries: Retries

    def send(self, claimed: Claim, email: str) -> Tried:
        """Offer a mail to the server; if it takes the recipient recheck, compose and mark the mail
        (commit), and send its text.
        """
        reply = self.transport.envelope(self.sender, email)
        if not isinstance(reply, Accepted):
            return Tried(self._meaning(reply, claimed, email), reply)
        reached("delivery.enveloped")
        try:
            content = self._mark(claimed, email)
        except _Stopped as stopped:
            self.transport.reset()
            return Tried(stopped.outcome, reply)
        answer = self.transport.data(content)
        reached("delivery.answered")
        return Tried(self._meaning(answer, claimed, email), answer)

    def _mark(self, claimed: Claim, email: str) -> bytes:
        """The text of the mail, which is marked as about to leave; _Stopped if it is not."""
        try:
            with self.database.writing(SYSTEM) as session:
                content = self._composed(session, claimed, email)
                reached("delivery.marking")
        except _Stopped:
            raise
        except Exception as error:
            # Whatever is wrong with one mail, the others must go out.
            logger.exception("mail=%s could not be composed", claimed.mail_id)
            raise _Stopped(self._put_off(claimed, email, None)) from error
        reached("delivery.marked")
        return content

    def _composed(self, session: Session, claimed: Claim, email: str) -> bytes:
        mail = outbox.held(session, claimed)
        if mail is None:
            raise _Stopped(None)
        now_at = mail.account.email
        if now_at != email:
            raise _Stopped(Outcome(claimed, MailState.QUEUED, now_at, counted=False))
        composed = self.compose(session, mail)
        if isinstance(composed, Withheld):
            raise _Stopped(Outcome(claimed, MailState.WITHHELD, email, withheld=composed))
        if str(composed["Message-ID"]).strip() != mail.message_id:
            raise ValueError("The mail bears another Message-ID than the outbox.")
        content = as_sent(composed)
        record_mail(session, object_kind=ObjectKind.ACCOUNT, object_id=mail.account_id)
        reached("delivery.composed")
        if not outbox.mark(session, claimed):
            raise _Stopped(None)
        return content

    def _meaning(self, reply: Envelope | Lost, claimed: Claim, email: str) -> Outcome:
        match reply:
            case Accepted():
                return Outcome(claimed, MailState.SENT, email)
            case Lost():
                return Outcome(claimed, MailState.UNKNOWN, email)
            case Refused(code, mailbox):
                return Outcome(claimed, MailState.FAILED, email, code, suppress=mailbox)
            case Deferred(code):
                return self._put_off(claimed, email, code)
            case Unreachable(code) | Misconfigured(code=code):
                return Outcome(claimed, MailState.QUEUED, email, code, counted=False)

    def _put_off(self, claimed: Claim, email: str, code: int | None) -> Outcome:
        """Try again later, unless it was tried too often."""
        if claimed.attempts >= self.retries.attempts:
            return Outcome(claimed, MailState.FAILED, email, code)
        due_in = self.retries.after(claimed.attempts)
        return Outcome(claimed, MailState.QUEUED, email, code, due_in=due_in)
