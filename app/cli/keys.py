"""`key create`, `key list`, `key revoke`."""

from contextlib import suppress
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cli.opening import open_database
from app.cli.terminal import OUT
from app.contexts import SYSTEM
from app.errors import invalid
from app.services import keys
from models import Organisation, Role

group = typer.Typer(help="API keys.", no_args_is_help=True)


@group.command()
def create(
    name: Annotated[str, typer.Argument(help="Who uses it: a person or a system.")],
    role: Annotated[Role, typer.Option()],
    organisation: Annotated[
        str | None, typer.Option(help="Of a company key: id or external id of its organisation.")
    ] = None,
) -> None:
    """Make a key and print it; it is not shown again."""
    with open_database().writing(SYSTEM) as session:
        owner = None if organisation is None else _organisation(session, organisation)
        _, secret = keys.create_key(
            session, name=name, role=role, organisation_id=None if owner is None else owner.id
        )
    typer.echo(secret)


@group.command("list")
def list_() -> None:
    """Show the keys by their visible prefix."""
    table = Table("prefix", "name", "role", "organisation", "made", "revoked")
    with open_database().reading(SYSTEM) as session:
        for key in keys.list_keys(session):
            table.add_row(
                key.prefix,
                key.name,
                key.account.role.value,
                str(key.account.organisation_id or ""),
                f"{key.created_at:%Y-%m-%d}",
                f"{key.revoked_at:%Y-%m-%d}" if key.revoked_at else "",
            )
    OUT.print(table)


@group.command()
def revoke(prefix: Annotated[str, typer.Argument(help="From `enmusubi key list`.")]) -> None:
    """End a key at once."""
    with open_database().writing(SYSTEM) as session:
        key = keys.revoke_key(session, prefix)
    OUT.print(f"The key {prefix} of {key.name} is revoked.")


def _organisation(session: Session, reference: str) -> Organisation:
    found = session.scalar(select(Organisation).where(Organisation.external_id == reference))
    if found is None:
        with suppress(ValueError):
            found = session.get(Organisation, UUID(reference))
    if found is None:
        raise invalid("organisation", f"there is no organisation {reference}")
    return found


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(group, name="key")
