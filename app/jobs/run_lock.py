"""One runner at a time: a lock that ends with the process that holds it.

On SQLite it is a lock on a file beside the database, on PostgreSQL an advisory lock of a session
of its own. Both are let go of by the operating system or the server when the process dies, so that
nobody waits for a lease to run out. It spares work: that no mail leaves twice hangs on the outbox.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import text

from app.db import Database

FILE: Final = "nightly.lock"
KEY: Final = 7_310_582_604_117
"""Of the advisory lock: any number that nobody else uses in this database."""


@contextmanager
def run_lock(database: Database, folder: Path) -> Iterator[bool]:
    """True if this process may run; False if another one does. `folder` is the data folder."""
    if database.engine.dialect.name == "postgresql":
        yield from _on_server(database)
    else:
        yield from _on_file(_beside(database, folder))


def _beside(database: Database, folder: Path) -> Path:
    # Processes with different data folders may still share a database.
    file = database.engine.url.database
    return (Path(file).parent if file else folder) / FILE


def _on_server(database: Database) -> Iterator[bool]:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # A connection that goes back to the pool would keep the lock if it could not be undone.
        connection.detach()
        held = connection.execute(
            text("SELECT pg_try_advisory_lock(:key)"), {"key": KEY}
        ).scalar_one()
        try:
            yield bool(held)
        finally:
            if held:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": KEY})


def _on_file(path: Path) -> Iterator[bool]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)
