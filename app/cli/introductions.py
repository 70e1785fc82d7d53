"""`introductions due`: who is to be reminded."""

import json
import sys
from typing import Annotated

import typer
from rich.table import Table

from app.cli.opening import open_database
from app.cli.terminal import OUT
from app.clock import today
from app.contexts import SYSTEM
from app.services.introduction_reminders import due_reminders

group = typer.Typer(help="Introductions.", no_args_is_help=True)


@group.callback()
def introductions() -> None:
    """Introductions."""


@group.command()
def due(
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON list.")] = False,
) -> None:
    """List the introductions that wait for somebody today: no names, no texts."""
    with open_database().reading(SYSTEM) as session:
        found = due_reminders(session, today())
    if as_json:
        body = [
            {
                "introduction_id": str(each.introduction_id),
                "state": each.state.value,
                "side": each.side.value,
                "due_on": each.due_on.isoformat(),
            }
            for each in found
        ]
        json.dump(body, sys.stdout, indent=1)
        sys.stdout.write("\n")
        return
    if not found:
        OUT.print("No introduction waits for anybody.")
        return
    table = Table("introduction", "state", "waits for", "since")
    for each in found:
        table.add_row(
            str(each.introduction_id),
            each.state.value,
            each.side.value,
            each.due_on.isoformat(),
        )
    OUT.print(table)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(group, name="introductions")
