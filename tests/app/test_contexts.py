"""For whom a transaction acts; what the database makes of it is tested in tests/postgres."""

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.access import Actor
from app.contexts import KEY, NOBODY, SYSTEM, Context, as_system, context_of
from app.db import Database
from app.settings import Settings
from models import Cluster, Role, new_id


def test_an_actor_is_told_in_full() -> None:
    account, organisation = new_id(), new_id()
    assert context_of(Actor(account, Role.COMPANY, organisation)) == Context(
        "actor", "company", str(account), str(organisation), ""
    )
    partner = new_id()
    assert context_of(Actor(account, Role.PARTNER, None, partner)).partner == str(partner)
    assert context_of(SYSTEM) is SYSTEM


def test_sessions_remember_it(settings: Settings) -> None:
    database = Database.at(settings.url)
    actor = Actor(new_id(), Role.MACHINE)
    for opened in (database.reading, database.writing):
        with opened(actor) as session:
            assert session.info[KEY] == context_of(actor)
        with opened() as session:
            assert session.info[KEY] is NOBODY
    database.dispose()


@pytest.mark.parametrize("with_pending", [False, True])
def test_what_is_pending_is_written_as_the_actors(database: Database, with_pending: bool) -> None:
    written = []

    def note(session: Session, *_: object) -> None:
        written.append((len(session.new), session.info[KEY]))

    with database.writing(NOBODY) as session:
        event.listen(session, "before_flush", note)
        session.add(Cluster(slug="before", name_en="x"))
        with as_system(session, with_pending=with_pending):
            session.add(Cluster(slug="inside", name_en="x"))
        assert session.info[KEY] is NOBODY
        assert written == ([(2, SYSTEM)] if with_pending else [(1, NOBODY), (1, SYSTEM)])
    with database.reading(NOBODY) as session:
        assert len(session.scalars(select(Cluster.slug)).all()) == 2


def test_an_error_ends_it(database: Database) -> None:
    with database.writing(NOBODY) as session:
        with pytest.raises(ValueError, match="no"), as_system(session):
            raise ValueError("no")
        assert session.info[KEY] is NOBODY
