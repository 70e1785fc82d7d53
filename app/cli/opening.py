"""What commands open: the database, migrated, and the engine."""

from http import HTTPStatus
from typing import Final

from app.access import Actor
from app.contexts import SYSTEM
from app.db import Database
from app.errors import Problem
from app.main import make_engines, repeat_erasures
from app.migrations import Standing, standing, too_new, upgrade
from app.services.corpus import Engine
from app.services.encoder_mismatch import require_serving
from app.services.engines import Engines
from app.settings import get_settings
from models import Role, new_id

TERMINAL: Final = Actor(account_id=new_id(), role=Role.ADMIN)
"""Whoever runs commands on the server's machine: as an administrator, whom nobody has named for a
need of the level `named_staff`."""


def open_database() -> Database:
    """The database of the settings; a new one is made, an old one is not migrated unasked.

    One that was restored from a backup is brought up to the ledger of erasures. Problem 503 if
    migrations are missing or the ledger cannot be trusted.
    """
    database = Database.at(get_settings().url)
    stands = standing(database)
    if stands is Standing.AHEAD and not get_settings().newer_database:
        raise too_new(database)
    if stands in (Standing.EMPTY, Standing.BEHIND):
        raise Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The database is new or older than this program: run `enmusubi migrate` first.",
        )
    repeat_erasures(database, get_settings())
    return database


def open_engines() -> Engines:
    """The engines of the settings on their migrated database, of which an encoder serves."""
    open_database()
    engines = make_engines(get_settings())
    engines.adopt()
    return engines


def open_engine() -> Engine:
    """The engine of the settings, for one command.

    Problem 409 if another encoder serves the database: a list must not come from another than
    the one that was asked for, and a command does not wait for a change.
    """
    engines = open_engines()
    with engines.database.reading(SYSTEM) as session:
        require_serving(session, engines.own)
        return engines.current(session)


def migrate() -> Database:
    """The database of the settings with every migration applied."""
    database = Database.at(get_settings().url)
    upgrade(database)
    repeat_erasures(database, get_settings())
    return database
