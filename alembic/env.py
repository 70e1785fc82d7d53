"""Runs migrations on the connection that `app.migrations` gives; it is the one way in."""

from sqlalchemy import Connection

from alembic import context
from models import Base

LOCK_TIMEOUT = "5s"
"""How long a migration waits for a table that others use."""


def run(connection: Connection) -> None:
    """All missing migrations in one transaction; SQLite tables are rebuilt where they must be."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            # The owner is bound by row-level security, too: a migration must reach every row.
            connection.exec_driver_sql("SELECT set_config('enmusubi.context', 'system', true)")
            # A change of a table that waits for a lock makes everybody behind it wait, too: rather
            # fail and be tried again.
            wait = context.config.attributes.get("lock_timeout", LOCK_TIMEOUT)
            connection.exec_driver_sql("SELECT set_config('lock_timeout', %s, true)", (wait,))
        context.run_migrations()
        if connection.dialect.name == "sqlite":
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise RuntimeError(f"The migration would leave {len(broken)} rows without parent.")


run(context.config.attributes["connection"])
