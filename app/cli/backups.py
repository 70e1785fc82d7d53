"""`backup`, `restore`: for SQLite."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.opening import migrate, open_database
from app.cli.terminal import ERRORS, OUT
from app.contexts import SYSTEM
from app.db import Database
from app.jobs import backups
from app.services.audit_heads import read_head
from app.services.audit_verification import verify
from app.services.erasure_ledger import Ledger
from app.settings import get_settings
from models import utc_now

File = Annotated[Path, typer.Argument(help="The copy; its manifest is FILE.json beside it.")]


def backup(file: File) -> None:
    """Copy the SQLite database into a new file while the service runs.

    The secret key and the erasure ledger are not in it: keep them, but elsewhere.
    """
    settings = get_settings()
    manifest = backups.back_up(open_database(), Ledger(settings.ledger), file)
    OUT.print(f"Written to {file}: {manifest.size} bytes.", markup=False, soft_wrap=True)
    secret = settings.data_dir / "secret.key"
    key = "the secret key" if settings.secret_key.get_secret_value() else str(secret)
    OUT.print(
        f"Not in it, and needed with it: {key}, and the newest {settings.ledger}.",
        markup=False,
        soft_wrap=True,
    )


def restore(
    file: File,
    replace: Annotated[
        bool, typer.Option("--replace", help="Move a database aside that is in the place.")
    ] = False,
    ledger_is_lost: Annotated[
        bool,
        typer.Option("--ledger-is-lost", help="Erasures after the backup are not repeated."),
    ] = False,
) -> None:
    """Put a copy in the place of the database, bring it up to date, repeat erasures since.

    Exit code 1: it is in place, but its audit log does not verify.
    """
    settings = get_settings()
    manifest, moved = backups.restore(
        Database.at(settings.url),
        Ledger(settings.ledger),
        file,
        folder=settings.data_dir,
        now=utc_now(),
        replace=replace,
        ledger_is_lost=ledger_is_lost,
    )
    database = migrate()
    OUT.print(f"Restored the state of {manifest.made_at}.", markup=False)
    if moved is not None:
        OUT.print(
            f"The database before lies in {moved}: delete it when it is not needed any more, since "
            "erasures do not reach it.",
            markup=False,
            soft_wrap=True,
        )
    with database.reading(SYSTEM) as session:
        verdict = verify(session, read_head(manifest.audit_head))
    if verdict.fault is not None:
        ERRORS.print("Its audit log does not verify: see `enmusubi audit verify`.", style="red")
        raise typer.Exit(code=1)
    OUT.print("Its audit log verifies up to the backup's end.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(backup)
    app.command()(restore)
