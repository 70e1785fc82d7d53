"""The command line: `enmusubi --help` lists the commands."""

import sys
from typing import NoReturn

import typer
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app.cli import (
    access,
    accounts,
    audit,
    backups,
    bench,
    data,
    encoder,
    evaluation,
    index,
    introductions,
    keys,
    mail,
    matching,
    needs,
    nightly,
    partners,
    persons,
    serving,
    team,
    training,
)
from app.cli.mendable import MENDABLE
from app.cli.terminal import ERRORS
from app.errors import is_full
from app.log_format import describe
from app.main import prepare_words
from app.settings import get_settings

app = typer.Typer(
    name="enmusubi",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def prepare() -> None:
    """Industry-academia partner matchmaking: ranks likely partners for a need, and says why."""
    prepare_words(get_settings())


for module in (
    access,
    serving,
    data,
    encoder,
    index,
    matching,
    needs,
    team,
    introductions,
    nightly,
    partners,
    persons,
    evaluation,
    training,
    bench,
    keys,
    accounts,
    mail,
    audit,
    backups,
):
    module.register(app)


def main() -> None:
    """Run a command; an error that the user can mend is one sentence and exit code 2."""
    try:
        app()
    except MENDABLE as error:
        _refuse(str(error))
    except ValidationError as error:
        for fault in error.errors():
            variable = "ENMUSUBI_" + "_".join(str(part) for part in fault["loc"]).upper()
            ERRORS.print(f"{variable}: {fault['msg']}", style="red", markup=False, highlight=False)
        _refuse("These settings cannot be used: see the configuration table in README.md.")
    except SQLAlchemyError as error:
        if isinstance(error, DBAPIError) and is_full(error):
            _refuse(
                "The disk of the database is full. Make space and run the command again: what was "
                "stored before stays, and what was not is not there by half."
            )
        # Its own message may quote a row.
        _refuse(f"The database cannot be used: {describe(error)}")


def _refuse(reason: str) -> NoReturn:
    ERRORS.print(reason, style="red", markup=False, highlight=False)
    sys.exit(2)
