from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.db import Database
from app.errors import Problem
from app.services.accounts import find_account
from models import Account
from tests.app.cli.test_commands import run
from tests.app.people import EMAIL, OTHER, PASSWORD, browser, signed_in, try_to_sign_in
from tests.factories import make_organisation, make_partner

pytestmark = pytest.mark.usefixtures("cheap_passwords")


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which no cell is cut."""
    monkeypatch.setattr("app.cli.terminal.OUT.width", 300)


def _account(database: Database) -> Account:
    with database.reading() as session:
        return find_account(session, EMAIL)


def _create(*more: str) -> str:
    return run("account", "create", EMAIL, "--name", "Ms Sato", "--role", "coordinator", *more)


def test_an_account_is_made_and_signs_in(anonymous: TestClient, database: Database) -> None:
    printed = _create("--language", "en").strip()
    account = _account(database)
    assert printed == str(account.id)
    assert account.language == "en"
    out = run("account", "set-password", EMAIL, stdin=f"{PASSWORD}\n")
    assert PASSWORD not in out
    signed_in(anonymous)


def test_a_password_from_a_file(anonymous: TestClient, database: Database, tmp_path: Path) -> None:
    account = _create().strip()
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n", "utf-8")
    run("account", "set-password", account, "--password-file", str(file))
    client = signed_in(anonymous)
    run("account", "set-password", EMAIL, "--password-file", "-", stdin=f"{OTHER}\n")
    assert client.get("/v1/me").status_code == 401
    signed_in(anonymous, password=OTHER)


def test_bad_passwords_and_files(database: Database, tmp_path: Path) -> None:
    _create()
    with pytest.raises(Problem, match="between"):
        run("account", "set-password", EMAIL, stdin="short\n")
    with pytest.raises(Problem, match="empty"):
        run("account", "set-password", EMAIL, stdin="")
    with pytest.raises(Problem, match="cannot be read"):
        run("account", "set-password", EMAIL, "--password-file", str(tmp_path / "nowhere"))
    with pytest.raises(Problem, match="account list"):
        run("account", "set-password", "nobody@example.jp", stdin=f"{PASSWORD}\n")


def test_bindings(database: Database) -> None:
    with database.writing() as session:
        make_organisation(session, external_id="org-1")
        make_partner(session, external_id="p-1")
    _id = run(
        "account", "create", "c@example.jp", "--name", "C", "--role", "company",
        "--organisation", "org-1",
    )  # fmt: skip
    run(
        "account", "create", "p@example.jp", "--name", "P", "--role", "partner",
        "--partner", "p-1",
    )  # fmt: skip
    with pytest.raises(Problem, match="no organisation"):
        run(
            "account", "create", "d@example.jp", "--name", "D", "--role", "company",
            "--organisation", "org-2",
        )  # fmt: skip


def test_listing_disabling_enabling(anonymous: TestClient, database: Database) -> None:
    _create()
    run("account", "set-password", EMAIL, stdin=f"{PASSWORD}\n")
    listed = run("account", "list")
    assert EMAIL in listed
    assert "password" in listed
    run("account", "disable", EMAIL)
    assert "disabled" in run("account", "list")
    assert try_to_sign_in(browser(anonymous)).status_code == 401
    run("account", "enable", EMAIL)
    signed_in(anonymous)
