"""What commands open: the database, migrated, and the engine."""

from http import HTTPStatus

from app.db import Database
from app.errors import Problem
from app.main import make_engine
from app.migrations import is_current, upgrade
from app.services.corpus import Engine
from app.settings import get_settings


def open_database() -> Database:
    """The database of the settings; a new one is made, an old one is not migrated unasked.

    Problem 503 if migrations are missing.
    """
    database = Database.at(get_settings().url)
    if not is_current(database):
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The database is new or older than this program: run `enmusubi migrate` first.",
        )
    return database


def open_engine() -> Engine:
    """The engine of the settings on its migrated database."""
    open_database()
    return make_engine(get_settings())


def migrate() -> Database:
    """The database of the settings with every migration applied."""
    database = Database.at(get_settings().url)
    upgrade(database)
    return database
