"""`key create`, `key list`, `key rotate`, `key revoke`."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.table import Column, Table

from app.access import SCOPES_OF, Scope
from app.cli.bindings import organisation_id, partner_id, whose
from app.cli.opening import open_database
from app.cli.terminal import OUT
from app.contexts import SYSTEM
from app.errors import invalid
from app.services import keys
from app.services.accounts import find_account
from app.settings import get_settings
from models import ApiKey, Role

group = typer.Typer(help="API keys.", no_args_is_help=True)

Expires = Annotated[
    str | None, typer.Option(help="For how many days it works (90d), or until what day.")
]


@group.command()
def create(
    name: Annotated[str, typer.Argument(help="Who uses it: a person or a system.")],
    role: Annotated[Role | None, typer.Option(help="Of a new account that is made for it.")] = None,
    organisation: Annotated[
        str | None, typer.Option(help="Of a company key: id or external id of its organisation.")
    ] = None,
    partner: Annotated[
        str | None, typer.Option(help="Of a partner key: id or external id of the partner.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="E-mail address or id of the account that gets it.")
    ] = None,
    scope: Annotated[
        list[Scope] | None, typer.Option(help="What it may be used for; default: all of the role.")
    ] = None,
    expires: Expires = None,
) -> None:
    """Make a key and print it; it is not shown again."""
    expires_at = None if expires is None else expiry(expires)
    if (role is None) == (account is None):
        raise invalid("key create", "say --role for a new account, or --account for one there is")
    with open_database().writing(SYSTEM) as session:
        if account is not None:
            if organisation or partner:
                raise invalid("key create", "an account that there is has its own binding")
            owner = find_account(session, account)
            _, secret = keys.add_key(session, owner, name=name, scopes=scope, expires_at=expires_at)
        elif role is not None:
            _, secret = keys.create_key(
                session,
                name=name,
                role=role,
                organisation_id=organisation_id(session, organisation),
                partner_id=partner_id(session, partner),
                scopes=scope,
                expires_at=expires_at,
            )
    typer.echo(secret)


@group.command("list")
def list_() -> None:
    """Show the keys by their visible prefix."""
    names = ("name", "account", "may", "valid", "last used", "state")
    table = Table(Column("prefix", no_wrap=True), *(Column(n, overflow="fold") for n in names))
    with open_database().reading(SYSTEM) as session:
        for key in keys.list_keys(session):
            until = f" to {key.expires_at:%Y-%m-%d}" if key.expires_at else ""
            table.add_row(
                key.prefix,
                key.name,
                whose(session, key.account),
                _may(key),
                f"{key.created_at:%Y-%m-%d}{until}",
                f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "",
                _state(key),
            )
    OUT.print(table)


def _may(key: ApiKey) -> str:
    """The role, and the scopes where they are not all that the role can have."""
    role = key.account.role
    narrow = keys.scopes_of(key) != SCOPES_OF[role]
    return "\n".join([role.value, *(key.scopes if narrow else ())])


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if key.account.disabled_at is not None:
        return "account disabled"
    return "live" if keys.is_live(key) else "expired"


@group.command()
def rotate(
    prefix: Annotated[str, typer.Argument(help="Of the old key, from `enmusubi key list`.")],
    expires: Expires = None,
) -> None:
    """Make the second key beside an old one and print it; then revoke the old one."""
    expires_at = None if expires is None else expiry(expires)
    with open_database().writing(SYSTEM) as session:
        _, secret = keys.rotate_key(session, keys.find_key(session, prefix), expires_at=expires_at)
    typer.echo(secret)


@group.command()
def revoke(prefix: Annotated[str, typer.Argument(help="From `enmusubi key list`.")]) -> None:
    """End a key at once."""
    with open_database().writing(SYSTEM) as session:
        key = keys.revoke_key(session, prefix)
    OUT.print(f"The key {prefix} of {key.name} is revoked.", markup=False)


def expiry(text: str) -> datetime:
    """When something ends that is to last `90d`, or until the end of a day (2027-03-31)."""
    if days := re.fullmatch(r"(\d{1,4})d", text):
        return datetime.now(UTC) + timedelta(days=int(days[1]))
    try:
        after = date.fromisoformat(text) + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise invalid("expires", "write a number of days (90d) or a day (2027-03-31)") from error
    return datetime.combine(after, time(), ZoneInfo(get_settings().time_zone))


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(group, name="key")
