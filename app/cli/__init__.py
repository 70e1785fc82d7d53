"""The command line: `enmusubi --help` lists the commands."""

import sys

import typer

from app.cli import bench, data, evaluation, keys, matching, serving
from app.cli.terminal import ERRORS
from app.errors import Problem
from data.importers import UnreadableImport
from matching.encoders import EncoderError

app = typer.Typer(
    name="enmusubi",
    help="Industry-academia partner matchmaking: ranks likely partners for a need, and says why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for module in (serving, data, matching, evaluation, bench, keys):
    module.register(app)


def main() -> None:
    """Run a command; an error that the user can mend is one sentence and exit code 2."""
    try:
        app()
    except (Problem, EncoderError, UnreadableImport) as error:
        ERRORS.print(f"[red]{error}[/red]", highlight=False)
        sys.exit(2)
