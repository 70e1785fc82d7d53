"""A suggestion that was mailed to everybody whom it concerns, with the links in their mails."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.db import Database
from app.services.fingerprints import need_fingerprint
from app.services.mail_links import MailUrls, make_links
from models import (
    Account,
    AuditEntry,
    Base,
    Confidentiality,
    Disclosure,
    Mail,
    Need,
    OrganisationKind,
    Partner,
    Role,
    Run,
    Suggestion,
    SuggestionAnswer,
    utc_now,
)
from tests import factories
from tests.factories import (
    make_account,
    make_need,
    make_organisation,
    make_partner,
    make_run,
    make_version,
)

PUBLIC_URL = "https://enmusubi.example.jp"
NIGHT = date(2026, 4, 1)
COMPANY, TITLE, TEASER = "Canary Brewery", "Canary need title", "Canary teaser title"
PARTNER, HOME = "Canary Researcher", "Canary University"
FORM = {"content-type": "application/x-www-form-urlencoded"}
SIDES = ("staff", "company", "partner")


@dataclass(frozen=True, slots=True)
class Linking:
    """What of the settings decides on links."""

    public_url: str = PUBLIC_URL
    link_days: int = 30


@dataclass(frozen=True, slots=True)
class Posted:
    """Ids, and the links by who was mailed."""

    database: Database
    need_id: UUID
    partner_id: UUID
    suggestion_id: UUID
    version_id: UUID
    accounts: dict[str, UUID]
    mails: dict[str, UUID]
    urls: dict[str, MailUrls]

    def path(self, who: str, what: str) -> str:
        """Of the page behind a link: accept, decline, later, stop or one_click."""
        urls = self.urls[who]
        pair = urls.pairs[self.suggestion_id]
        url = getattr(pair, what) if hasattr(pair, what) else getattr(urls, f"{what}_url")
        return str(url).removeprefix(PUBLIC_URL)

    def token(self, who: str, what: str) -> str:
        """Of a link."""
        return self.path(who, what).split("/")[2]

    def change(self, act: Callable[[Session], Any]) -> None:
        """Do something in a transaction of its own."""
        with self.database.writing() as session:
            act(session)

    def answers(self) -> list[tuple[str, str, str | None]]:
        """Side, answer and reason of each."""
        with self.database.reading() as session:
            mine = SuggestionAnswer.suggestion_id == self.suggestion_id
            rows = session.scalars(
                select(SuggestionAnswer).where(mine).order_by(SuggestionAnswer.id)
            )
            return [(r.side.value, r.answer.value, r.reason and r.reason.value) for r in rows]

    def again(self, who: str, *, run_date: date = date(2026, 4, 2)) -> MailUrls:
        """The same suggestion in another mail, of another night."""
        with self.database.writing() as session:
            mail = make_mail(session, run_date, session.get_one(Account, self.accounts[who]))
            suggestion = session.get_one(Suggestion, self.suggestion_id)
            return make_links(session, mail, [suggestion], now=utc_now(), settings=Linking())


def make_mail(session: Session, run_date: date, account: Account) -> Mail:
    """A mail of that night's run."""
    return factories.make_mail(session, make_run(session, run_date), account)


def post_suggestion(
    database: Database, *, level: Confidentiality = Confidentiality.MATCH_ONLY, mark: str = ""
) -> Posted:
    """A need and a partner, suggested and mailed to a coordinator, the company and the partner.

    `mark` keeps several of them in one database apart.
    """
    with database.writing() as session:
        company = make_organisation(session, name_en=COMPANY)
        need = make_need(session, organisation_id=company.id, title_en=TITLE, confidentiality=level)
        version = make_version(session, need, title_en=TEASER)
        home = make_organisation(session, name_en=HOME, kind=OrganisationKind.UNIVERSITY)
        partner = make_partner(session, name_en=PARTNER, organisation_id=home.id)
        english = {"language": "en"}
        accounts = {
            "staff": make_account(session, email=f"staff{mark}@example.jp", **english),
            "company": make_account(
                session,
                role=Role.COMPANY,
                organisation_id=company.id,
                email=f"company{mark}@example.jp",
                **english,
            ),
            "partner": make_account(
                session,
                role=Role.PARTNER,
                partner_id=partner.id,
                email=f"partner{mark}@example.jp",
                **english,
            ),
        }
        mails = {who: make_mail(session, NIGHT, account) for who, account in accounts.items()}
        suggestion = make_suggestion(session, mails["staff"].run, need, partner)
        session.add(
            Disclosure(
                version_id=version.id,
                account_id=accounts["partner"].id,
                role=Role.PARTNER,
                partner_id=partner.id,
                channel="mail",
            )
        )
        urls = {
            who: make_links(session, mail, [suggestion], now=utc_now(), settings=Linking())
            for who, mail in mails.items()
        }
        return Posted(
            database,
            need.id,
            partner.id,
            suggestion.id,
            version.id,
            {who: account.id for who, account in accounts.items()},
            {who: mail.id for who, mail in mails.items()},
            urls,
        )


def make_suggestion(session: Session, run: Run, need: Need, partner: Partner) -> Suggestion:
    """A suggestion of that run."""
    suggestion = Suggestion(
        run_id=run.id,
        need=need,
        partner=partner,
        suggested_on=run.run_date,
        score=1.0,
        signals=[],
        evidence=[],
        need_fingerprint=need_fingerprint(need),
        partner_fingerprint="",
    )
    session.add(suggestion)
    session.flush()
    return suggestion


def press(client: TestClient, path: str, body: str = "") -> Response:
    """The form of a page, sent."""
    return client.post(path, content=body, headers=FORM)


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with database.reading() as session:
        return {
            name: sorted(map(tuple, session.execute(text(f'SELECT * FROM "{name}"'))), key=repr)
            for name in Base.metadata.tables
        }


def entries(database: Database) -> int:
    """How many entries the audit log has."""
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(AuditEntry)) or 0
