"""A migration gives up rather than make everybody wait behind it, and can be tried again."""

import shutil
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError

from app import migrations
from app.db import Database
from app.migrations import configuration, is_current, upgrade

ADDS = '''"""Adds a column."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("needs", sa.Column("mood", sa.String(20), nullable=True))
'''


def test_a_migration_waits_for_a_lock_only_so_long(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = ScriptDirectory.from_config(configuration()).get_current_head()
    shutil.copytree(migrations.FOLDER, tmp_path / "alembic")
    (tmp_path / "alembic" / "versions" / "9999_adds.py").write_text(ADDS.format(head=head))
    monkeypatch.setattr(migrations, "FOLDER", tmp_path / "alembic")

    def hurried() -> None:
        with monkeypatch.context() as patch:
            config = configuration()
            config.attributes["lock_timeout"] = "100ms"
            patch.setattr(migrations, "configuration", lambda: config)
            upgrade(database)

    with database.engine.connect() as reader:
        reader.execute(text("SELECT count(*) FROM needs"))  # and stays in its transaction
        with pytest.raises(OperationalError, match="lock timeout"):
            hurried()
        reader.rollback()
    assert not is_current(database)
    assert "mood" not in {c["name"] for c in inspect(database.engine).get_columns("needs")}
    hurried()
    assert is_current(database)
    with database.engine.connect() as connection:
        assert connection.scalar(text("SHOW lock_timeout")) == "0"
