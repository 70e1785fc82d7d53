"""`account create`, `account list`, `account disable`, `account enable`, `account set-password`."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from app.cli.bindings import organisation_id, partner_id, whose
from app.cli.opening import open_database
from app.cli.terminal import OUT
from app.contexts import SYSTEM
from app.errors import invalid
from app.services import accounts
from models import Account, DigestFrequency, Role, utc_now

group = typer.Typer(help="Accounts of people.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(metavar="ACCOUNT", help="E-mail address or id.")]


@group.command()
def create(
    email: Annotated[str, typer.Argument(help="With which the person signs in.")],
    name: Annotated[str, typer.Option()],
    role: Annotated[Role, typer.Option()],
    organisation: Annotated[
        str | None, typer.Option(help="Of a company user: id or external id of its organisation.")
    ] = None,
    partner: Annotated[
        str | None, typer.Option(help="Of a partner: id or external id of the partner.")
    ] = None,
    language: Annotated[str, typer.Option(help="ja or en.")] = "ja",
    frequency: Annotated[
        DigestFrequency, typer.Option(help="How often digests are wanted.")
    ] = DigestFrequency.DAILY,
    cluster: Annotated[
        list[str] | None,
        typer.Option(help="Of staff: slug of one whose suggestions it is mailed; none: all."),
    ] = None,
) -> None:
    """Make an account and print its id; `enmusubi account set-password` then gives a password."""
    with open_database().writing(SYSTEM) as session:
        account = accounts.create_account(
            session,
            name=name,
            role=role,
            email=email,
            organisation_id=organisation_id(session, organisation),
            partner_id=partner_id(session, partner),
            language=language,
            digest_frequency=frequency,
            clusters=cluster or (),
        )
        typer.echo(account.id)


@group.command("list")
def list_() -> None:
    """Show the accounts, also those of systems that only hold keys."""
    names = ("id", "name", "role", "who", "signs in by", "last", "state")
    table = Table(*(Column(name, overflow="fold") for name in names))
    with open_database().reading(SYSTEM) as session:
        for account in accounts.all_accounts(session):
            last = account.last_sign_in_at
            table.add_row(
                str(account.id),
                account.name,
                account.role.value,
                whose(session, account),
                _ways(account),
                f"{last:%Y-%m-%d %H:%M}" if last else "",
                _state(account),
            )
    OUT.print(table)


def _ways(account: Account) -> str:
    ways = [("password", account.has_password), ("OpenID", account.has_openid)]
    return ", ".join(name for name, there in ways if there)


def _state(account: Account) -> str:
    if account.disabled_at is not None:
        return f"disabled {account.disabled_at:%Y-%m-%d}"
    if account.locked_until is not None and account.locked_until > utc_now():
        return f"locked until {account.locked_until:%H:%M} UTC"
    return "live"


@group.command()
def disable(account: Reference) -> None:
    """End all that an account can do, at once: its sessions end, its keys are refused."""
    with open_database().writing(SYSTEM) as session:
        found = accounts.find_account(session, account)
        accounts.disable_account(session, found)
    OUT.print(f"The account of {found.name} is disabled.", markup=False)


@group.command()
def enable(account: Reference) -> None:
    """Let an account act again that was disabled or is locked."""
    with open_database().writing(SYSTEM) as session:
        found = accounts.find_account(session, account)
        accounts.enable_account(session, found)
    OUT.print(f"The account of {found.name} is enabled.", markup=False)


@group.command("set-password")
def set_password(
    account: Reference,
    password_file: Annotated[
        Path | None, typer.Option(help="Whose first line it is; - for standard input.")
    ] = None,
) -> None:
    """Give an account a password: asked for at the terminal, or from a file or standard input.

    It signs the account out everywhere. A password on the command line would be seen by others.
    """
    database = open_database()
    with database.reading(SYSTEM) as session:
        accounts.find_account(session, account)  # before somebody types a password for nobody
    password = _password(password_file)
    with database.writing(SYSTEM) as session:
        found = accounts.find_account(session, account)
        accounts.set_password(session, found, password)
    OUT.print(f"The account of {found.name} has a new password.", markup=False)


def _password(file: Path | None) -> str:
    if file is None and sys.stdin.isatty():
        asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return asked
    try:
        text = sys.stdin.readline() if file in (None, Path("-")) else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise invalid("password-file", "cannot be read as a text file in UTF-8") from error
    lines = text.splitlines()
    if not lines:
        raise invalid("password-file", "is empty")
    return lines[0]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(group, name="account")
