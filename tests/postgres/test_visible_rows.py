"""The rows that PostgreSQL shows an actor are those of which the policy shows it something."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import URL, Select, or_, select

from app.access import Action, Noun, Relation, View, decide
from app.contexts import AUTHENTICATION, SYSTEM
from app.db import Database
from app.visibility import introductions_for, needs_for
from models import Audience, Confidentiality, Introduction, Need, Role
from tests.postgres.rows import World, count, ids, make_world
from tests.servers import new_database

pytestmark = pytest.mark.parametrize("role", Role)

ACTIONS = {
    noun: [action for action in Action if action.noun is noun]
    for noun in (Noun.NEED, Noun.INTRODUCTION)
}


@pytest.fixture(scope="module")
def there(server: URL, migrated: URL) -> Iterator[tuple[Database, World]]:
    """One database for all roles: the rows made for the others are strange to each."""
    with new_database(server, str(migrated.database)) as url:
        database = Database.at(url.render_as_string(hide_password=False))
        with database.writing(SYSTEM) as session:
            world = make_world(session)
        yield database, world
        database.engine.dispose()


def _allowed(database: Database, statement: Select[UUID]) -> set[UUID]:
    with database.reading(SYSTEM) as session:
        return set(session.scalars(statement))


def test_needs(there: tuple[Database, World], role: Role) -> None:
    database, world = there
    actor = world.actors[role]
    seen_by_some_action = or_(*(needs_for(actor, action) for action in ACTIONS[Noun.NEED]))
    allowed = _allowed(database, select(Need.id).where(seen_by_some_action))
    with database.reading(actor) as session:
        seen = ids(session, "needs")
    assert seen == allowed
    for key, state in world.needs[role].items():
        views = {decide(role, action, state) for action in ACTIONS[Noun.NEED]}
        assert (key in seen) == (views != {View.NONE}), state


def test_introductions(there: tuple[Database, World], role: Role) -> None:
    database, world = there
    actor = world.actors[role]
    condition = or_(*(introductions_for(actor, action) for action in ACTIONS[Noun.INTRODUCTION]))
    statement = select(Introduction.id).join(Need, Need.id == Introduction.need_id)
    allowed = _allowed(database, statement.where(condition))
    with database.reading(actor) as session:
        seen = ids(session, "introductions")
        followed = seen & set().union(*world.introductions.values())
        assert ids(session, "introduction_steps", "introduction_id") == followed
        noted = ids(session, "introduction_notes", "introduction_id")
    assert seen == allowed
    assert noted == (followed if actor.is_staff else set())
    for key, state in world.introductions[role].items():
        views = {decide(role, action, state) for action in ACTIONS[Noun.INTRODUCTION]}
        assert (key in seen) == (views != {View.NONE}), state


def test_match_runs(there: tuple[Database, World], role: Role) -> None:
    database, world = there
    actor = world.actors[role]
    made = set().union(*world.needs.values())
    condition = needs_for(actor, Action.KEEP_MATCHES)
    allowed = _allowed(database, select(Need.id).where(condition)) & made
    with database.reading(actor) as session:
        assert ids(session, "match_runs", "need_id") == allowed
        assert count(session, "matches") == len(allowed)


def test_versions(there: tuple[Database, World], role: Role) -> None:
    """The office and the need's owner read all; partners read released ones for them alone."""
    database, world = there
    actor = world.actors[role]
    full = _allowed(database, select(Need.id).where(needs_for(actor, Action.READ_BRIEFS)))
    meant = {View.TEASER: Audience.TEASER, View.PUBLIC: Audience.PUBLIC}
    shown = {
        (key, audience)
        for view, audience in meant.items()
        for key in _allowed(
            database,
            select(Need.id).where(needs_for(actor, Action.READ_NEED, frozenset({view}))),
        )
    }
    shown |= {
        (key, audience)
        for key, state in world.needs[role].items()
        for audience in (Audience.TEASER, Audience.PUBLIC)
        if state.relation in {Relation.OFFERED, Relation.INTRODUCED}
        and (audience is Audience.TEASER or state.level is Confidentiality.PUBLIC)
    }
    with database.reading(actor) as session:
        assert ids(session, "need_versions") == {
            version
            for version, (need, audience, kind) in world.versions.items()
            if need in full or (kind == "released" and (need, audience) in shown)
        }


def test_accounts_keys_and_sessions(there: tuple[Database, World], role: Role) -> None:
    database, world = there
    everybody = len(world.actors)
    staff = {world.actors[r].account_id for r in (Role.COORDINATOR, Role.ADMIN)}
    own = {world.actors[role].account_id}
    with database.reading(world.actors[role]) as session:
        accounts = ids(session, "accounts")
        if role is Role.ADMIN:
            assert len(accounts) == everybody
        else:
            assert accounts == (staff if role is Role.COORDINATOR else own)
        for table in ("api_keys", "sign_in_sessions"):
            assert count(session, table) == (everybody if role is Role.ADMIN else 1)
        assert ids(session, "idempotent_answers", "account_id") == own
    with database.reading(AUTHENTICATION) as session:
        for table in ("accounts", "api_keys", "sign_in_sessions"):
            assert count(session, table) == everybody
        assert count(session, "needs") == count(session, "idempotent_answers") == 0


def test_query_vectors_are_for_the_office(there: tuple[Database, World], role: Role) -> None:
    database, world = there
    with database.reading(world.actors[role]) as session:
        assert count(session, "embeddings") == (2 if world.actors[role].is_staff else 1)
