"""A small region with twelve recipients: each of them has something to be told every night."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.db import Database
from app.emails.smtp import SmtpTransport
from app.jobs import checkpoints
from app.jobs.run_tools import Tools
from app.jobs.steps import QUIET
from app.services.corpus import Engine
from app.settings import Settings
from models import Account, Audience, Confidentiality, Mail, MailState, Role, Run
from tests.app.digesting import mailing, make_recipient
from tests.app.emails.sink import Sink
from tests.factories import (
    make_capability,
    make_need,
    make_organisation,
    make_partner,
    make_version,
)

ZONE = ZoneInfo("Asia/Tokyo")
NIGHT = datetime(2026, 4, 1, 3, 15, tzinfo=ZONE)
SUBJECTS = ("citrus peel oil", "silver sintering paste", "barley shochu lees", "coastal lodging")


def make_region(session: Session) -> None:
    """Four companies with a need each, six researchers, two coordinators; all want mail."""
    for number, subject in enumerate(SUBJECTS):
        company = make_organisation(session, name_en=f"Company {number}")
        need = make_need(
            session,
            organisation_id=company.id,
            title_en=f"We look for help with {subject}",
            title_ja=None,
            confidentiality=Confidentiality.PUBLIC,
        )
        make_version(
            session,
            need,
            audience=Audience.PUBLIC,
            title_en=f"A company asks about {subject}",
            released_at=NIGHT,
        )
        make_recipient(session, Role.COMPANY, organisation_id=company.id)
    for number in range(6):
        partner = make_partner(session, name_en=f"Researcher {number}")
        for subject in SUBJECTS:
            make_capability(
                session, partner, title_en=f"Study {number} of {subject}", title_ja=None
            )
        make_recipient(session, Role.PARTNER, partner_id=partner.id)
    for _ in range(2):
        make_recipient(session, Role.COORDINATOR)


@dataclass
class Night:
    """A region, and what its nightly run works with."""

    database: Database
    engine: Engine
    settings: Settings
    sink: Sink
    now: datetime = NIGHT
    changes: dict[str, Any] = field(default_factory=dict)
    """Of the settings."""

    @classmethod
    def of(cls, database: Database, engine: Engine, settings: Settings, sink: Sink) -> "Night":
        """With the region stored."""
        with database.writing(SYSTEM) as session:
            make_region(session)
        return cls(database, engine, settings, sink)

    def tools(self, database: Database | None = None) -> Tools:
        """Fast and without a limit on mails."""
        values = {
            "mail_rate": "1000/second",
            "nightly_per_need": 3,
            "nightly_per_partner": 2,
        } | self.changes
        return Tools(
            database=database or self.database,
            engine=lambda _session: self.engine,
            transport=lambda: SmtpTransport(self.sink.server(), on_step=checkpoints.reached),
            settings=mailing(self.settings, **values),
            folder=Path(self.settings.data_dir),
            clock=lambda: self.now,
            steps=QUIET,
        )

    def runs(self) -> list[Run]:
        """All that there are, the first day first."""
        with self.database.reading(SYSTEM) as session:
            return list(session.scalars(select(Run).order_by(Run.run_date)))

    def mails(self) -> list[tuple[str | None, Mail]]:
        """Address and mail of all."""
        statement = select(Account.email, Mail).join(Account, Account.id == Mail.account_id)
        with self.database.reading(SYSTEM) as session:
            return [(email, mail) for email, mail in session.execute(statement)]

    def states(self) -> dict[MailState, int]:
        """How many mails are in which state."""
        found: dict[MailState, int] = {}
        for _, mail in self.mails():
            found[mail.state] = found.get(mail.state, 0) + 1
        return found
