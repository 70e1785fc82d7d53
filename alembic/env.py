"""Runs migrations on the connection that `app.migrations` (or the alembic command) gives."""

from sqlalchemy import Connection

from alembic import context
from app.db import Database
from app.settings import get_settings
from models import Base


def run(connection: Connection) -> None:
    """Each migration in a transaction of its own; SQLite tables are rebuilt where they must be."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with Database.at(get_settings().url).engine.connect() as own:
        run(own)
