"""Bring a database up to the newest migration; tests and production do it by this one function."""

from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

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
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def is_current(database: Database) -> bool:
    """True if the database has every migration."""
    with database.engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    return present == ScriptDirectory.from_config(configuration()).get_current_head()
