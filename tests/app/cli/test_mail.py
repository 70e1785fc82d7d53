"""`enmusubi mail`."""

import json
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from app.clock import today
from app.db import Database
from app.errors import Problem
from app.services.accounts import find_account
from app.services.mail_consents import has_consent, record
from app.services.mail_halts import is_halted
from app.services.mail_suppressions import suppress
from models import ConsentMeans, DigestFrequency, MailConsent, MailHalt, Role, utc_now
from tests.app.cli.test_commands import run
from tests.app.people import EMAIL
from tests.factories import make_account, make_cluster, make_organisation

pytestmark = pytest.mark.usefixtures("cheap_passwords")


@pytest.fixture(autouse=True)
def _company(database: Database) -> None:
    with database.writing() as session:
        home = make_organisation(session).id
        make_account(session, role=Role.COMPANY, organisation_id=home, email=EMAIL)


def _consented(database: Database) -> bool:
    with database.reading() as session:
        return has_consent(session, find_account(session, EMAIL).id)


def test_a_consent_is_recorded(database: Database) -> None:
    out = run("mail", "consent", EMAIL, "--means", "written", "--on", "2026-04-01")
    assert "Ms Sato has consented to be mailed" in out
    with database.reading() as session:
        (row,) = session.scalars(select(MailConsent))
        # The day begins in Asia/Tokyo.
        assert row.at.isoformat() == "2026-03-31T15:00:00+00:00"
        assert (row.given, row.means, row.recorded_by) == (True, ConsentMeans.WRITTEN, None)


def test_a_withdrawal_of_the_same_day_counts(database: Database) -> None:
    """In whatever order they are written down, and also today."""
    for on in (date(2026, 4, 1).isoformat(), today().isoformat()):
        for flags in (["--withdraw"], []):
            run("mail", "consent", EMAIL, "--means", "spoken", "--on", on, *flags)
        assert not _consented(database)


def test_a_withdrawal_of_today_counts_against_a_consent_of_this_morning(
    database: Database,
) -> None:
    with database.writing() as session:
        account = find_account(session, EMAIL)
        record(
            session,
            account,
            given=True,
            means=ConsentMeans.SELF_SERVICE,
            at=utc_now(),
            recorded_by=account.id,
        )
    assert _consented(database)
    on = today().isoformat()
    out = run("mail", "consent", EMAIL, "--means", "spoken", "--on", on, "--withdraw")
    assert "has not consented" in out
    assert not _consented(database)


@pytest.mark.parametrize("flags", [[], ["--withdraw"]], ids=["given", "withdrawn"])
def test_a_day_to_come_is_refused(database: Database, flags: list[str]) -> None:
    on = (today() + timedelta(days=1)).isoformat()
    with pytest.raises(Problem, match="future"):
        run("mail", "consent", EMAIL, "--means", "spoken", "--on", on, *flags)
    with database.reading() as session:
        assert not session.scalars(select(MailConsent)).all()


def test_means_of_the_service_are_refused() -> None:
    with pytest.raises(Problem, match="choose one of: written"):
        run("mail", "consent", EMAIL, "--means", "one_click", "--on", "2026-04-01")


def test_who_would_be_mailed_and_why_not(database: Database) -> None:
    with database.writing() as session:
        company = find_account(session, EMAIL).id
        refused = make_account(session, email="refused@example.jp").id
        suppress(session, "refused@example.jp", 550)
        mailed = make_account(session, email="mori@example.jp").id
        make_account(session, email="admin@example.jp", role=Role.ADMIN)
    told = {row["account"]: row for row in json.loads(run("mail", "recipients", "--json"))}
    assert {key: row["withheld"] for key, row in told.items()} == {
        str(company): "no_consent",
        str(refused): "suppressed",
        str(mailed): None,
    }
    assert told[str(mailed)] == {
        "account": str(mailed),
        "role": "coordinator",
        "frequency": "daily",
        "withheld": None,
    }
    printed = run("mail", "recipients")
    assert "no: no_consent" in printed
    assert "example.jp" not in printed


def test_the_kill_switch(database: Database) -> None:
    assert "No mail leaves" in run("mail", "stop")
    run("mail", "stop")
    with database.reading() as session:
        assert is_halted(session)
    assert "may leave again" in run("mail", "go")
    run("mail", "go")
    with database.reading() as session:
        assert not is_halted(session)
        (row,) = session.scalars(select(MailHalt))
        assert (row.halted_by, row.lifted_by) == (None, None)


def test_an_account_is_made_with_clusters_and_frequency(database: Database) -> None:
    with database.writing() as session:
        make_cluster(session)
        make_cluster(session, slug="it-resort")
    printed = run(
        *("account", "create", "mori@example.jp", "--name", "Ms Mori", "--role", "coordinator"),
        *("--frequency", "weekly", "--cluster", "it-resort", "--cluster", "food-health"),
    )
    with database.reading() as session:
        account = find_account(session, printed.strip())
        assert account.digest_frequency is DigestFrequency.WEEKLY
        assert [cluster.slug for cluster in account.clusters] == ["food-health", "it-resort"]
