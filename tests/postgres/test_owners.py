"""Whoever owns the tables is bound, and whoever only uses them can serve."""

from collections.abc import Iterator

import pytest
from sqlalchemy import URL, inspect, text

from app.db import Database
from app.migrations import upgrade
from models import Role
from tests.app.test_visibility import make_actor
from tests.postgres.rows import PROTECTED, count, fill, ids, refused
from tests.servers import SystemDatabase, new_database, run


@pytest.fixture
def owned(server: URL, migrated: URL) -> Iterator[tuple[Database, Database]]:
    """A database as its owner and as a plain user open it; neither is a superuser."""
    for role in ("enmusubi_test_owner", "enmusubi_test_web"):
        run(
            server,
            f"DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') THEN"
            f" CREATE ROLE {role} LOGIN PASSWORD 'test'; END IF; END $$",
        )
    run(server, "GRANT enmusubi_app TO enmusubi_test_owner, enmusubi_test_web")
    with new_database(server, owner="enmusubi_test_owner") as url:
        owner, web = (
            SystemDatabase.at(
                url.set(username=name, password="test").render_as_string(hide_password=False)
            )
            for name in ("enmusubi_test_owner", "enmusubi_test_web")
        )
        try:
            upgrade(owner)
            yield owner, web
        finally:
            for database in (owner, web):
                database.engine.dispose()


def test_the_owner_is_bound_too(owned: tuple[Database, Database]) -> None:
    owner, _ = owned
    with owner.writing() as session:
        fill(session)
    with owner.engine.connect() as connection:
        assert connection.scalar(text("SELECT current_user")) == "enmusubi_test_owner"
        assert [table for table in PROTECTED if count(connection, table)] == []
        connection.execute(text("SELECT set_config('enmusubi.context', 'system', true)"))
        assert [table for table in PROTECTED if not count(connection, table)] == []


def test_a_plain_user_serves(owned: tuple[Database, Database]) -> None:
    owner, web = owned
    with web.writing() as session:
        need = fill(session)
        actor = make_actor(session, Role.COORDINATOR)
    with web.reading(actor) as session:
        assert ids(session, "needs") == {need.id}
    with web.engine.connect() as connection:
        owners = connection.scalars(
            text("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = current_schema()")
        )
        assert "enmusubi_test_web" not in set(owners)
        assert count(connection, "needs") == 0
    with refused(), web.engine.begin() as connection:
        connection.execute(text("ALTER TABLE needs NO FORCE ROW LEVEL SECURITY"))
    with refused(), web.engine.begin() as connection:
        connection.execute(text("DROP POLICY needs_select ON needs"))
    assert inspect(owner.engine).has_table("needs")
