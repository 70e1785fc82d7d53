"""On PostgreSQL a change is heard of, also after the server was away."""

from sqlalchemy import text

from app.db import Database
from app.settings import Settings
from tests.app.asking import eventually
from tests.app.jobs.test_following import *  # noqa: F403 - the same tests
from tests.app.jobs.test_following import add, follows, pieces


def test_it_listens_again_when_its_connection_was_cut(
    database: Database, settings: Settings
) -> None:
    cut = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    add(database)
    with follows(settings) as corpora:
        add(database)
        eventually(lambda: pieces(corpora) == 2, seconds=20)
        with database.engine.connect() as connection:
            assert connection.scalar(cut)
        add(database)
        eventually(lambda: pieces(corpora) == 3, seconds=20)
