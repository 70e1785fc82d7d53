"""New rows written many at a time, past the ORM: COPY on PostgreSQL, batches on SQLite.

What the ORM's flush does besides is done here too: column defaults, the entries of the audit log,
and the note that what is matched has changed.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, cast
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Dialect, Table, insert, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.audited import AUDITED
from app.auditing import draft_of, pending
from app.services.changes import note_changes
from models import AuditEvent, Base

_AT_ONCE: Final = 500
Row = dict[str, Any]


def row_of(thing: Base) -> Row:
    """The columns of a new object that is in no session, with defaults where nothing is said."""
    state = inspect(thing)
    row: Row = {}
    for attribute in state.mapper.column_attrs:
        (column,) = attribute.columns
        value = state.dict.get(attribute.key)
        row[column.name] = _default(column) if value is None else value
    return row


def _default(column: Any) -> Any:
    default = column.default
    if default is None:
        return None
    # SQLAlchemy wraps what a column's default calls, so that it takes the statement's context.
    return default.arg(None) if default.is_callable else default.arg


def insert_new(session: Session, model: type[Base], rows: Sequence[Row]) -> None:
    """Insert rows of an audited class, all with the same columns, each with its audit entry."""
    insert_rows(session, cast("Table", model.__table__), rows)
    kind = AUDITED[model].kind
    waiting = pending(session)
    for row in rows:
        waiting.add(draft_of(session, AuditEvent.CREATE, kind, row["id"]))


def insert_rows(session: Session, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, all with the same columns, in the session's transaction; no audit entry.

    Raises DBAPIError as any statement does.
    """
    if not rows:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
        return
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(insert(table), rows[start : start + _AT_ONCE])


def note_written(session: Session, partner_ids: Collection[UUID]) -> None:
    """Say that these partners or their evidence were written past the ORM."""
    if partner_ids:
        note_changes(session, partner_ids)


def _copy(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    names = list(rows[0])
    prepare = [(name, _binding(table.c[name].type, connection.dialect)) for name in names]
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    try:
        driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row([_bound(row[name], bind) for name, bind in prepare])
    except psycopg.Error as error:
        raise DBAPIError.instance(
            f"COPY {table.name}",
            None,
            error,
            psycopg.Error,
            hide_parameters=True,
            dialect=connection.dialect,
        ) from error


def _bound(value: Any, bind: Callable[[Any], Any] | None) -> Any:
    return value if bind is None or value is None else bind(value)


def _binding(column_type: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    """How SQLAlchemy makes of a value what the driver takes."""
    found: Callable[[Any], Any] | None = column_type.dialect_impl(dialect).bind_processor(dialect)
    return found
