"""Runs, suggestions and recipients: what tests of digests begin with."""

from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.jobs.composing import compose_run
from app.services.fingerprints import need_fingerprint
from app.settings import Settings
from models import (
    Account,
    ConsentMeans,
    Mail,
    MailConsent,
    MailState,
    Need,
    Partner,
    Role,
    Run,
    Suggestion,
)
from tests import factories
from tests.factories import make_account, make_partner

NOW = datetime(2026, 11, 30, 2, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
"""A Monday, in the hours after midnight."""
TODAY = NOW.date()

SIGNALS = [
    {
        "name": "place",
        "value": 1.0,
        "contribution": 0.01,
        "detail": {"en": "Same city: 日南市.", "ja": "同じ市町村：日南市。"},
    },
    {
        "name": "topic",
        "value": 0.9,
        "contribution": 0.3,
        "detail": {"en": "Near in meaning.", "ja": "意味が近い。"},
    },
    {
        "name": "phrases",
        "value": 0.5,
        "contribution": 0.1,
        "detail": {"en": "Phrases recur.", "ja": "語句が現れます。"},
    },
]


def mailing(settings: Settings, **values: Any) -> Settings:
    """The settings with a sender."""
    return settings.model_copy(
        update={
            "mail_from": "office@example.jp",
            "mail_sender": "The Office",
            "mail_postal_address": "1-1 Miyazaki",
            "mail_contact": "contact@example.jp",
            "public_url": "https://enmusubi.example.jp",
            **values,
        }
    )


def make_run(session: Session, day: date = TODAY) -> Run:
    """The run of a day."""
    return factories.make_run(session, day)


def make_suggestion(
    session: Session, run: Run, need: Need, partner: Partner, **values: Any
) -> Suggestion:
    """A pair of that run, by meaning and by words, without evidence."""
    suggestion = Suggestion(
        run_id=run.id,
        need=need,
        partner=partner,
        suggested_on=run.run_date,
        score=0.6,
        probability=0.3,
        strong=True,
        signals=SIGNALS,
        evidence=[],
        need_fingerprint=need_fingerprint(need),
        partner_fingerprint="0" * 64,
    )
    for name, value in values.items():
        setattr(suggestion, name, value)
    session.add(suggestion)
    session.flush()
    return suggestion


def make_recipient(
    session: Session, role: Role = Role.COORDINATOR, *, consents: bool = True, **values: Any
) -> Account:
    """Somebody with an address who reads English, with the consent that the role needs."""
    number = len(session.scalars(select(Account.id)).all())
    values = {"email": f"recipient{number}@example.jp", "language": "en"} | values
    account = make_account(session, role=role, **values)
    if consents and role in (Role.COMPANY, Role.PARTNER):
        consent(session, account)
    return account


def consent(
    session: Session, account: Account, *, given: bool = True, at: datetime | None = None
) -> None:
    """A record of consent, or of its withdrawal."""
    session.add(
        MailConsent(
            account_id=account.id,
            given=given,
            means=ConsentMeans.WRITTEN,
            at=at or datetime(2026, 1, 1, tzinfo=UTC),
        )
    )
    session.flush()


def make_crowd(session: Session, number: int = 5, **values: Any) -> list[Partner]:
    """Partners among whom one cannot be told."""
    return [make_partner(session, name_en=f"One of many {i}", **values) for i in range(number)]


def queue(session: Session, run: Run, settings: Settings, *, now: datetime = NOW) -> list[Mail]:
    """The mails that a run queues, in the order of their recipients."""
    compose_run(session, run, settings=mailing(settings), now=now)
    statement = select(Mail).where(Mail.run_id == run.id).order_by(Mail.account_id)
    return list(session.scalars(statement))


def leave(mail: Mail) -> None:
    """It has been sent."""
    mail.state = MailState.SENT
    mail.settled_at = NOW


def next_day(days: int = 1) -> datetime:
    """The same hour, so many days later."""
    return NOW + timedelta(days=days)


def text_of(message: EmailMessage) -> str:
    """All that a mail says: its headers, both its parts decoded, and its bytes as they leave."""
    parts = [str(part.get_content()) for part in message.walk() if not part.is_multipart()]
    assert len(parts) == 2
    headers = [f"{name}: {value}" for name, value in message.items()]
    return "\n".join([*headers, *parts, message.as_bytes().decode("ascii")])
