"""`access table`: the policy as a table."""

import csv
import sys
from typing import Annotated

import typer

from app.access_table import cells, markdown
from app.main import create_app, declared_routes
from app.settings import Settings

group = typer.Typer(help="Who sees and does what.", no_args_is_help=True)


@group.callback()
def access() -> None:
    """Who sees and does what."""


@group.command()
def table(
    as_csv: Annotated[bool, typer.Option("--csv", help="Every cell in a line of its own.")] = False,
) -> None:
    """Print the policy: routes, actors, states and what each may see; docs/access.md holds it."""
    # The routes are the same whatever the encoder: the toy is made at once.
    routes = declared_routes(create_app(Settings(encoder="hashing", model="")))
    if not as_csv:
        typer.echo(markdown(routes), nl=False)
        return
    writer = csv.writer(sys.stdout)
    writer.writerow(
        ["method", "path", "action", "actor", "relation", "level", "status", "stage", "view"]
    )
    for cell in cells(routes):
        state = cell.state
        writer.writerow(
            [
                cell.route.method,
                cell.route.path,
                cell.route.action.name.lower(),
                cell.role.value if cell.role else "",
                state.relation.value,
                state.level.value if state.level else "",
                state.status.value if state.status else "",
                state.stage.value if state.stage else "",
                cell.view.value,
            ]
        )


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(group, name="access")
