"""A database that is older or newer than the program, and the release before on a newer one."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from fastapi.testclient import TestClient
from sqlalchemy import inspect
from typer.testing import CliRunner

from alembic import command
from app import migrations
from app.cli import app as commands
from app.cli.opening import open_database
from app.db import Database
from app.errors import Problem
from app.main import create_app
from app.migrations import Standing, configuration, standing, upgrade
from app.services.corpus import Engine
from app.settings import Settings, get_settings
from matching.encoders import make_encoder
from tests.app.asking import capability, create, get, need, organisation, partner
from tests.conftest import engines_of

NEXT = '''"""What the next release may do: add."""

import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade() -> None:
    op.add_column("needs", sa.Column("mood", sa.String(20), nullable=True))
    op.add_column("partners", sa.Column("stars", sa.Integer(), server_default="0", nullable=False))
    op.create_table("moods", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade() -> None:
    op.drop_table("moods")
    op.drop_column("partners", "stars")
    op.drop_column("needs", "mood")
'''


@contextmanager
def next_release(folder: Path) -> Iterator[None]:
    """The program as of the next release, as far as its migrations go."""
    head = ScriptDirectory.from_config(configuration()).get_current_head()
    shutil.copytree(migrations.FOLDER, folder / "alembic")
    (folder / "alembic" / "versions" / "9999_more.py").write_text(NEXT.format(head=head))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "FOLDER", folder / "alembic")
        yield


def test_a_newer_database_is_refused_in_words(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with next_release(tmp_path / "next"):
        upgrade(database)
        assert standing(database) is Standing.CURRENT
    assert standing(database) is Standing.AHEAD
    with pytest.raises(Problem, match="newer than this program: it has migration 9999"):
        open_database()
    answer = CliRunner().invoke(commands, ["migrate"])
    assert isinstance(answer.exception, Problem)
    with pytest.raises(Problem, match="ENMUSUBI_NEWER_DATABASE"):
        upgrade(database)
    monkeypatch.setenv("ENMUSUBI_NEWER_DATABASE", "true")
    get_settings.cache_clear()
    open_database().engine.dispose()


def test_an_older_database_is_refused_in_words(database: Database) -> None:
    config = configuration()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "-1")
        connection.rollback()
    assert standing(database) is Standing.BEHIND
    with pytest.raises(Problem, match="run `enmusubi migrate` first"):
        open_database()
    upgrade(database)
    assert standing(database) is Standing.CURRENT


def test_an_empty_one_too(settings: Settings, tmp_path: Path) -> None:
    missing = Database.at(f"sqlite:///{tmp_path / 'none.db'}")
    assert standing(missing) is Standing.EMPTY
    assert not (tmp_path / "none.db").exists()


@pytest.mark.slow
def test_a_running_service_goes_on_while_the_next_release_migrates(
    settings: Settings, staff: TestClient, database: Database, tmp_path: Path
) -> None:
    """The main job before, during and after: the release before meets columns it never heard of."""
    home = create(staff, "/v1/organisations", organisation())["id"]
    who = create(staff, "/v1/partners", partner())["id"]
    create(staff, f"/v1/partners/{who}/capabilities", capability())
    first = create(staff, "/v1/needs", need(organisation_id=home))["id"]
    before = get(staff, f"/v1/needs/{first}/matches")["items"]
    with next_release(tmp_path / "next"):
        upgrade(Database.at(settings.url))
    assert "mood" in {c["name"] for c in inspect(database.engine).get_columns("needs")}
    assert get(staff, f"/v1/needs/{first}/matches")["items"] == before
    again = create(staff, "/v1/needs", need(organisation_id=home, title_en="Written after"))["id"]
    create(staff, "/v1/partners", partner(name_en="Also after"))
    assert get(staff, f"/v1/needs/{again}/matches")["items"]
    # And one that is started anew on it, as when a release is taken back.
    key = staff.headers["Authorization"]
    fresh = Engine.make(
        Database.at(settings.url), make_encoder("hashing"), inline=100, sentence_cache=10
    )
    with TestClient(create_app(settings, engines_of(fresh))) as client:
        client.headers["Authorization"] = key
        assert get(client, f"/v1/needs/{first}/matches")["items"][0]["partner"]["id"] == who
    fresh.database.engine.dispose()
