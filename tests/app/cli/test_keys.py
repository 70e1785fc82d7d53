from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.access import Scope
from app.cli.keys import expiry
from app.db import Database
from app.errors import Problem
from app.services.keys import find_actor
from app.services.uses import Uses
from models import Role
from tests.app.cli.test_commands import run
from tests.app.people import EMAIL, person
from tests.factories import make_organisation, make_partner


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which no cell is cut."""
    monkeypatch.setattr("app.cli.terminal.OUT.width", 300)


def test_a_key_with_scopes_and_expiry(database: Database) -> None:
    secret = run(
        "key", "create", "nightly", "--role", "machine", "--scope", "directory", "--expires", "90d"
    ).strip()
    with database.reading() as session:
        actor = find_actor(session, secret)
    assert actor is not None
    assert actor.scopes == {Scope.DIRECTORY}
    uses = Uses()
    uses.note(actor)
    uses.write(database)
    listed = run("key", "list")
    until = datetime.now(UTC) + timedelta(days=90)
    for shown in (secret[:10], "nightly", "machine", "directory", f"{until:%Y-%m-%d}", "live"):
        assert shown in listed
    assert f"{datetime.now(UTC):%Y-%m-%d %H:}" in listed
    assert secret not in listed


def test_keys_of_companies_and_partners(database: Database) -> None:
    with database.writing() as session:
        home = make_organisation(session, external_id="org-1").id
        who = make_partner(session, external_id="p-1").id
    company = run("key", "create", "x", "--role", "company", "--organisation", "org-1").strip()
    partner = run("key", "create", "y", "--role", "partner", "--partner", str(who)).strip()
    with database.reading() as session:
        actors = [find_actor(session, secret) for secret in (company, partner)]
    assert [a and a.organisation_id for a in actors] == [home, None]
    assert [a and a.partner_id for a in actors] == [None, who]
    with pytest.raises(Problem, match="no partner"):
        run("key", "create", "y", "--role", "partner", "--partner", "p-2")


def test_a_key_for_an_account_that_there_is(database: Database) -> None:
    account = person(database, password=None)
    first = run("key", "create", "laptop", "--account", EMAIL).strip()
    run("key", "create", "desk", "--account", str(account.id))
    with database.reading() as session:
        actor = find_actor(session, first)
        assert actor is not None
        assert actor.account_id == account.id
    assert EMAIL in run("key", "list")
    with pytest.raises(Problem, match="revoke one first"):
        run("key", "create", "third", "--account", EMAIL)
    for wrong in ([], ["--account", EMAIL, "--role", "admin"]):
        with pytest.raises(Problem, match="--role"):
            run("key", "create", "x", *wrong)
    with pytest.raises(Problem, match="own binding"):
        run("key", "create", "x", "--account", EMAIL, "--organisation", "org-1")


def test_rotation(database: Database) -> None:
    old = run("key", "create", "x", "--role", "coordinator").strip()
    new = run("key", "rotate", old[:10], "--expires", "2100-01-01").strip()
    with database.reading() as session:
        assert [find_actor(session, s) is not None for s in (old, new)] == [True, True]
    assert "2100-01-01" in run("key", "list")
    run("key", "revoke", old[:10])
    with database.reading() as session:
        assert [find_actor(session, s) is not None for s in (old, new)] == [False, True]
    assert "revoked" in run("key", "list")
    with pytest.raises(Problem, match="no live key"):
        run("key", "rotate", old[:10])


def test_expiry(database: Database) -> None:
    """A day counts to its end in the time zone of the settings."""
    found = expiry("2027-03-31")
    assert found == datetime(2027, 4, 1, tzinfo=ZoneInfo("Asia/Tokyo"))
    in_days = expiry("90d") - datetime.now(UTC)
    assert timedelta(days=89, hours=23) < in_days <= timedelta(days=90)
    for wrong in ("soon", "90", "9999-12-31", "2027-02-30", "-1d", ""):
        with pytest.raises(Problem, match="90d"):
            expiry(wrong)
    with pytest.raises(Problem, match="past"):
        run("key", "create", "x", "--role", Role.ADMIN.value, "--expires", "2020-01-01")
