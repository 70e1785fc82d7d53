"""Runs with mails in the outbox, as tests of the delivery need them."""

from datetime import date, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import Database
from models import Account, Mail, MailState, Run, RunStep, Withheld, utc_now
from tests import factories
from tests.factories import make_account, make_mail

SENDER = "office@office.example"


def make_run(session: Session, **values: object) -> Run:
    """A run that is to deliver, of a day on which there is none yet."""
    days = len(session.scalars(select(Run.id)).all())
    day = date(2026, 1, 1) + timedelta(days=days)
    return factories.make_run(session, day, step=RunStep.DELIVER, **values)


def queue(session: Session, run_id: UUID, account_id: UUID) -> Mail:
    """A mail that waits."""
    run, account = session.get_one(Run, run_id), session.get_one(Account, account_id)
    return make_mail(session, run, account)


def make_outbox(database: Database, *emails: str | None) -> UUID:
    """Id of a run with a mail to each address, whose accounts are made unless they are there."""
    with database.writing() as session:
        run = make_run(session)
        for email in emails:
            known = select(Account).where(Account.email == email)
            account = session.scalar(known) if email is not None else None
            account = account or make_account(session, email=email)
            queue(session, run.id, account.id)
        return run.id


def compose(_session: Session, mail: Mail) -> EmailMessage | Withheld:
    """A short mail, as the compose step would make a long one."""
    message = EmailMessage()
    message["Subject"] = "本日のご提案"
    message["Date"] = utc_now()
    message["From"] = SENDER
    message["To"] = mail.account.email
    message["Message-ID"] = mail.message_id
    message.set_content("ご提案があります。\n.\n", cte="base64")
    return message


def mails_of(database: Database, run_id: UUID) -> dict[str | None, Mail]:
    """The mails of a run by address."""
    with database.reading() as session:
        statement = (
            select(Account.email, Mail)
            .join(Mail, Mail.account_id == Account.id)
            .where(Mail.run_id == run_id)
        )
        return {email: mail for email, mail in session.execute(statement)}  # noqa: C416 - typed


def states_of(database: Database, run_id: UUID) -> dict[str | None, MailState]:
    """The states of the mails of a run by address."""
    return {email: mail.state for email, mail in mails_of(database, run_id).items()}


class SetClock:
    """A clock that moves when somebody sleeps, and can be set like any other."""

    def __init__(self, at: datetime | None = None) -> None:
        self.at = at or utc_now()
        self.passed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The moment."""
        return self.at

    def monotonic(self) -> float:
        """Seconds slept."""
        return self.passed

    def sleep(self, seconds: float) -> None:
        """No time is lost."""
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)
        self.passed += seconds
