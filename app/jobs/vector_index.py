"""Making the indexes by which PostgreSQL searches vectors, while everybody goes on working."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from psycopg import sql
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError

from app.contexts import SYSTEM
from app.db import Database
from app.services.passage_vectors import are_kept, fill
from app.services.vector_index_pg import SPEECHES, creation, index_name, indexes, removal
from app.services.vector_search_pg import Choice, is_chosen
from matching.encoders import Encoder
from models import Capability, PassageVector

logger = logging.getLogger(__name__)

LOCK: Final = 0x656E6D7573756269
"""Of the one process that makes indexes: "enmusubi" as a number."""
MEMORY_MB: Final = 1024
"""Most that an index is made in; what does not fit makes it slower."""
BYTES_EACH: Final = 400
"""Of a vector's place in the graph while it is made, beside the vector."""


def bring_up_if_chosen(database: Database, encoder: Encoder, choice: Choice) -> bool:
    """`bring_up` if so many capabilities are to be searched by the database; else False."""
    with database.reading(SYSTEM) as session:
        number = session.scalar(select(func.count()).select_from(Capability)) or 0
    return is_chosen(choice, number) and bring_up(database, encoder.id, encoder.dimension)


def bring_up(database: Database, encoder_id: str, dimension: int) -> bool:
    """Let PostgreSQL search the vectors of the encoder that serves; True if it now can.

    Makes the copies that are missing and the indexes that are missing or were left unfinished by
    a process or server that was killed, and drops those of other encoders. Safe to run again, at
    any time and in several processes: one does it, the others go away with False.
    """
    if database.engine.dialect.name != "postgresql" or not _is_ready(database):
        return False
    fill(database, encoder_id)
    with _alone(database) as connection:
        if connection is None or not _bring_up(database, connection, encoder_id, dimension):
            return False
    fill(database, encoder_id)  # what was stored before the first index was begun
    return True


def _is_ready(database: Database) -> bool:
    """Whether there is a place for vectors; it is made if pgvector has come since the migration."""
    with database.reading(SYSTEM) as session:
        if are_kept(session):
            return True
        if session.scalar(text("SELECT to_regtype('halfvec')")) is None:
            return False
    try:
        # As whoever migrates, whose table it is; nothing lies in it yet.
        with database.engine.begin() as connection:
            connection.exec_driver_sql(
                "ALTER TABLE passage_vectors ADD COLUMN IF NOT EXISTS vector halfvec NOT NULL"
            )
    except DBAPIError as error:
        logger.warning("PostgreSQL cannot keep vectors for search: %s", _first_line(error))
        return False
    return True


@contextmanager
def _alone(database: Database) -> Iterator[Connection | None]:
    """A connection outside any transaction, for the only one; None if another has it."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # Never waited for: who waits in a transaction would be waited for by the index.
        taken = connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK})
        try:
            yield connection if taken else None
        finally:
            if taken and not connection.invalidated:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})


def _bring_up(database: Database, connection: Connection, encoder_id: str, dimension: int) -> bool:
    wanted = {index_name(encoder_id, speech): speech for speech in SPEECHES}
    with database.reading(SYSTEM) as session:
        present = indexes(session)
        rows = session.scalar(select(func.count()).select_from(PassageVector)) or 0
    try:
        _drop(connection, [n for n, valid in present.items() if not valid or n not in wanted])
        megabytes = min(MEMORY_MB, 64 + rows * (2 * dimension + BYTES_EACH) // 2**20)
        connection.exec_driver_sql(f"SET maintenance_work_mem = '{megabytes}MB'")
        for name, speech in wanted.items():
            if not present.get(name, False):
                logger.info("making the index %s; there are %d vectors", name, rows)
                _run(connection, creation(encoder_id, dimension, speech))
    except DBAPIError as error:
        logger.warning("an index for vectors was not made: %s", _first_line(error))
        return False
    finally:
        if not connection.invalidated:
            connection.exec_driver_sql("RESET maintenance_work_mem")
    return True


def _drop(connection: Connection, names: Collection[str]) -> None:
    for name in names:
        _run(connection, removal(name))


def _run(connection: Connection, statement: sql.Composed) -> None:
    connection.exec_driver_sql(statement.as_string(None))


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0]
