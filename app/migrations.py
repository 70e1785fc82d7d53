"""Bring a database up to the newest migration; tests and production do it by this one function."""

from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from alembic import command
from app.db import Database

FOLDER: Final = Path(__file__).resolve().parent.parent / "alembic"


def configuration() -> Config:
    """Alembic's configuration; the database is given at run time."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(database: Database, revision: str = "head") -> None:
    """Apply the migrations that the database lacks, up to `revision`."""
    config = configuration()
    with database.engine.connect() as connection:
        # Off while tables are rebuilt on SQLite: dropping the old one would delete its children.
        _enforce_foreign_keys(connection, on=False)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.rollback()
        _enforce_foreign_keys(connection, on=True)


def _enforce_foreign_keys(connection: Connection, *, on: bool) -> None:
    if connection.dialect.name == "sqlite":
        # Straight to the driver: inside a transaction the pragma does nothing.
        driver = connection.connection.driver_connection
        if driver is not None:
            driver.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")


def is_current(database: Database) -> bool:
    """True if the database has every migration."""
    url = database.engine.url
    if database.engine.dialect.name == "sqlite" and not Path(url.database or "").is_file():
        return False  # connecting would make an empty file
    with database.engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    return present == ScriptDirectory.from_config(configuration()).get_current_head()
