"""Bring a database up to the newest migration; tests and production do it by this one function."""

from enum import Enum
from http import HTTPStatus
from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from alembic import command
from app.db import Database
from app.errors import Problem

FOLDER: Final = Path(__file__).resolve().parent.parent / "alembic"


def configuration() -> Config:
    """Alembic's configuration; the database is given at run time."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Apply the migrations that the database lacks, up to `revision`.

    Problem 503 if a newer program has migrated it. Fails if a lock is not to be had within seconds
    (`alembic/env.py`): nothing has changed then, and it can be tried again.
    """
    if standing(database) is Standing.AHEAD:
        raise too_new(database)
    config = configuration()
    with database.engine.connect() as connection:
        # Off while tables are rebuilt on SQLite: dropping the old one would delete its children.
        _enforce_foreign_keys(connection, on=False)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.rollback()
        _enforce_foreign_keys(connection, on=True)


def too_new(database: Database) -> Problem:
    """What to say of a database that a newer program has migrated."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"The database is newer than this program: it has migration {present_revision(database)}, "
        f"and this program ends at {max(known_revisions())}. Install the newer program. To serve "
        "with this one meanwhile, set ENMUSUBI_NEWER_DATABASE=true: one release back is safe.",
    )


def _enforce_foreign_keys(connection: Connection, *, on: bool) -> None:
    if connection.dialect.name == "sqlite":
        # Straight to the driver: inside a transaction the pragma does nothing.
        driver = connection.connection.driver_connection
        if driver is not None:
            driver.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


class Standing(Enum):
    """How a database stands to this program."""

    EMPTY = "empty"
    """It is new: nothing was ever migrated."""
    BEHIND = "behind"
    """It lacks migrations that this program knows."""
    CURRENT = "current"
    AHEAD = "ahead"
    """A newer program has migrated it."""


def standing(database: Database) -> Standing:
    """How the database stands to this program."""
    present = present_revision(database)
    if present is None:
        return Standing.EMPTY
    scripts = ScriptDirectory.from_config(configuration())
    if present == scripts.get_current_head():
        return Standing.CURRENT
    return Standing.BEHIND if present in known_revisions() else Standing.AHEAD


def is_current(database: Database) -> bool:
    """True if the database has every migration, and none that this program does not know."""
    return standing(database) is Standing.CURRENT


def present_revision(database: Database) -> str | None:
    """Number of the last migration that the database has; None if it has none."""
    url = database.engine.url
    if database.engine.dialect.name == "sqlite" and not Path(url.database or "").is_file():
        return None  # connecting would make an empty file
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def known_revisions() -> frozenset[str]:
    """Numbers of the migrations that this program knows."""
    scripts = ScriptDirectory.from_config(configuration())
    return frozenset(script.revision for script in scripts.walk_revisions())
