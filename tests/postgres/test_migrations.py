"""The migrations on PostgreSQL: equal to the models, and reversible."""

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect

from alembic import command
from app.db import Database
from app.migrations import configuration, is_current, upgrade
from models import Base


def _tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names()) - {"alembic_version"}


def test_upgrade_makes_the_models(empty: Database) -> None:
    assert not is_current(empty)
    upgrade(empty)
    assert is_current(empty)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert list(compare_metadata(context, Base.metadata)) == []


def test_check_constraints_are_the_models(empty: Database) -> None:
    """Their names; SQLite's test compares the texts, which PostgreSQL rewrites."""
    upgrade(empty)
    for name, table in Base.metadata.tables.items():
        migrated = {c["name"] for c in inspect(empty.engine).get_check_constraints(name)}
        assert migrated == {c.name for c in table.constraints if isinstance(c, CheckConstraint)}


def test_down_to_nothing_and_up_again(empty: Database) -> None:
    upgrade(empty)
    before = _tables(empty)
    config = configuration()
    with empty.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert _tables(empty) == set()
    upgrade(empty)
    assert _tables(empty) == before != set()
