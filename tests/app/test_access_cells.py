"""The running service is asked for every cell of the policy: route x method x actor x state.

Writes are rolled back, so that each cell meets the world as it was made.
"""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.access import (
    OPEN_ACTIONS,
    Action,
    Actor,
    Noun,
    Relation,
    State,
    View,
    decide,
    may_ever,
    states,
)
from app.access_table import RouteRule, cells, markdown
from app.contexts import KEY, NOBODY, SYSTEM, Context, context_of
from app.db import Database
from app.main import create_app, declared_routes
from app.services.actors import actor_of
from app.services.corpus import Engine
from app.services.keys import create_key
from app.settings import Settings
from matching.encoders import make_encoder
from models import Audience, Introduction, MatchRun, Need, Partner, Role
from tests.app import asking
from tests.app.asking import UNKNOWN
from tests.app.test_visibility import make_introduction_in, make_need_in
from tests.conftest import Fresh, serving, with_key
from tests.factories import (
    make_capability,
    make_cluster,
    make_organisation,
    make_partner,
    make_version,
)

ROOT = Path(__file__).resolve().parents[2]
NAMED_IN_PATH = re.compile(r"\{(\w+)\}")


@pytest.fixture(scope="module")
def routes() -> list[RouteRule]:
    """Every route of the service."""
    return declared_routes(create_app(Settings(_env_file=None, encoder="hashing")))


def test_the_document_is_the_policy(routes: list[RouteRule]) -> None:
    """After a change: `enmusubi access table > docs/access.md`."""
    assert (ROOT / "docs" / "access.md").read_text() == markdown(routes)


def test_every_cell_is_counted(routes: list[RouteRule]) -> None:
    found = list(cells(routes))
    assert len(found) == sum(
        1 + sum(len(states(route.action.noun, role)) for role in Role) for route in routes
    )


@dataclass
class World:
    """The service, a client for each role, and an object for each role and state."""

    client: TestClient
    clients: dict[Role, TestClient]
    actors: dict[Role, Actor]
    parameters: dict[tuple[Noun, Role, State], dict[str, str]] = field(default_factory=dict)
    """By noun, role and state: what to fill into paths."""
    cluster: str = "food-health"


def _fill(session: Session, world: World) -> None:
    make_cluster(session)
    for _ in range(5):
        make_capability(session, make_partner(session))
    for role, actor in world.actors.items():
        for state in states(Noun.NEED, role):
            need = make_need_in(session, actor, state)
            world.parameters[Noun.NEED, role, state] = _of_need(session, need)
        for state in states(Noun.INTRODUCTION, role):
            introduction = make_introduction_in(session, actor, state)
            version = make_version(session, introduction.need)
            introduction.version_id = version.id
            session.flush()
            world.parameters[Noun.INTRODUCTION, role, state] = {
                "introduction_id": str(introduction.id),
                "need_id": str(introduction.need_id),
                "revision": str(introduction.revision),
            }
        for state in states(Noun.ORGANISATION, role):
            own = state.relation is Relation.OWNER
            home = actor.organisation_id if own else make_organisation(session).id
            world.parameters[Noun.ORGANISATION, role, state] = {"organisation_id": str(home)}
        for state in states(Noun.PARTNER, role):
            own = state.relation is Relation.OWNER
            who = actor.partner_id if own else make_partner(session).id
            partner = session.get_one(Partner, who)
            evidence = make_capability(session, partner)
            world.parameters[Noun.PARTNER, role, state] = {
                "partner_id": str(who),
                "capability_id": str(evidence.id),
            }


def _of_need(session: Session, need: Need) -> dict[str, str]:
    teaser = make_version(session, need)
    # Whoever it was offered to is shown the version that staff chose.
    offered = update(Introduction).where(Introduction.need_id == need.id)
    session.execute(offered.values(version_id=teaser.id))
    draft = make_version(session, need, number=2, released_at=None)
    make_version(session, need, audience=Audience.PUBLIC)
    run = MatchRun(
        need_id=need.id, encoder_id="x", corpus_revision=1, asked={}, blocked={}, weights={}
    )
    session.add(run)
    session.flush()
    return {
        "need_id": str(need.id),
        "run_id": str(run.id),
        "brief_id": str(draft.id),
        "released_id": str(teaser.id),
    }


class UnchangedDatabase(Database):
    """Takes back what an actor has written once that is committed, with all that comes with it.

    An override of `write_session` would do the same for some of the writes, and FastAPI analyses
    every dependency anew at each request of an application that has overrides.
    """

    @contextmanager
    def writing(self, who: Actor | Context = NOBODY) -> Iterator[Session]:
        """As ever, but for an actor in a transaction around it that is rolled back."""
        if not isinstance(who, Actor):
            with super().writing(who) as session:
                yield session
            return
        with self.engine.connect().execution_options(sqlite_begin="IMMEDIATE") as around:
            around.begin()
            inside = self.writes(
                bind=around, join_transaction_mode="create_savepoint", info={KEY: context_of(who)}
            )
            with inside as session, session.begin():
                yield session


@pytest.fixture(scope="module")
def world(
    application: FastAPI, fresh: Fresh, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Made once: all objects in all states."""
    folder = tmp_path_factory.mktemp("cells")
    with fresh(folder) as url:
        yield from _world(application, folder, url)


def _world(application: FastAPI, folder: Path, url: str) -> Iterator[World]:
    database = UnchangedDatabase.at(url)
    engine = Engine.make(database, make_encoder("hashing"), inline=10_000, sentence_cache=1000)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("ENMUSUBI_DATA_DIR", str(folder))
        client = stack.enter_context(serving(application, engine))
        with database.writing(SYSTEM) as session:
            clients, actors = {}, {}
            for role in Role:
                bound: dict[str, Any] = {
                    Role.COMPANY: {"organisation_id": make_organisation(session).id},
                    Role.PARTNER: {"partner_id": make_partner(session).id},
                }.get(role, {})
                key, secret = create_key(session, name=role.value, role=role, **bound)
                clients[role] = with_key(client, secret)
                actors[role] = actor_of(key.account, scopes=key.scopes)
            made = World(client, clients, actors)
            suggested = str(make_partner(session).id)
            patch.setitem(
                BODIES, ("POST", "/v1/needs/{need_id}/introductions"), {"partner_id": suggested}
            )
            coordinator = str(actors[Role.COORDINATOR].account_id)
            patch.setitem(BODIES, ("PUT", "/v1/needs/{need_id}/staff"), {"accounts": [coordinator]})
            _fill(session, made)
        with database.reading(SYSTEM) as session:
            engine.corpora.renew(session)  # before that, the service says that it is not ready
        yield made
        database.engine.dispose()


BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/v1/organisations"): asking.organisation(),
    ("PATCH", "/v1/organisations/{organisation_id}"): {"city": "日南市"},
    ("POST", "/v1/clusters"): asking.cluster(slug="it-resort"),
    ("POST", "/v1/partners"): asking.partner(),
    ("PATCH", "/v1/partners/{partner_id}"): {"languages": ["en"]},
    ("POST", "/v1/partners/{partner_id}/capabilities"): asking.capability(),
    ("POST", "/v1/capabilities/bulk"): {"items": []},
    ("PATCH", "/v1/capabilities/{capability_id}"): {"year": 2020},
    ("POST", "/v1/needs"): asking.need(),
    ("PATCH", "/v1/needs/{need_id}"): {"trl_from": 2},
    ("POST", "/v1/needs/{need_id}/team"): {},
    ("POST", "/v1/match"): {"text": "Our citrus juice turns brown."},
    ("POST", "/v1/needs/{need_id}/teaser"): {},
    ("PATCH", "/v1/needs/{need_id}/briefs/{brief_id}"): {"title_en": "A drink"},
    ("POST", "/v1/introductions/{introduction_id}/release"): {},
    ("POST", "/v1/introductions/{introduction_id}/consent"): {
        "contact": {"name": "Kuroki", "email": "kuroki@example.org"}
    },
    ("POST", "/v1/introductions/{introduction_id}/agree"): {},
    ("POST", "/v1/introductions/{introduction_id}/close"): {"outcome": "licence"},
    ("POST", "/v1/introductions/{introduction_id}/decline"): {"reason": "no_time"},
    ("POST", "/v1/introductions/{introduction_id}/notes"): {"text": "Called them."},
    ("PUT", "/v1/me/mail"): {"frequency": "weekly", "consent": True},
    ("PUT", "/v1/mail/switch"): {"allowed": True},
    ("POST", "/v1/accounts/{account_id}/mail-consents"): {
        "given": True,
        "means": "written",
        "at": "2026-04-01T09:00:00+09:00",
    },
}
"""A valid body for each route that takes one."""


def ask(client: TestClient, route: RouteRule, parameters: dict[str, str]) -> Response:
    """The request of that route about these objects."""
    path = NAMED_IN_PATH.sub(lambda m: parameters.get(m.group(1), UNKNOWN), route.path)
    body = BODIES.get((route.method, route.path))
    headers = {"If-Match": f'"{parameters["revision"]}"'} if "revision" in parameters else {}
    return client.request(route.method, path, json=body, headers=headers)


def about_one(route: RouteRule) -> bool:
    """True if the route is about an object that its path names."""
    return route.action.noun is not Noun.NOTHING and "{" in route.path


ALL = declared_routes(create_app(Settings(_env_file=None, encoder="hashing")))


@pytest.mark.slow
@pytest.mark.parametrize("route", ALL, ids=lambda route: f"{route.method} {route.path}")
def test_every_cell(world: World, route: RouteRule) -> None:
    wrong = []
    lists: dict[Role, Response] = {}
    for cell in cells([route]):
        if cell.role is None:
            answer = ask(world.client, route, {})
            fits = (answer.status_code == 401) != (route.action in OPEN_ACTIONS)
        else:
            if cell.role in lists:  # no state of an object makes it another request
                answer = lists[cell.role]
            else:
                known = world.parameters.get((route.action.noun, cell.role, cell.state), {})
                answer = ask(world.clients[cell.role], route, known)
            if not about_one(route):
                lists[cell.role] = answer
            fits = _fits(answer, route, cell.role, cell.view)
        if not fits:
            wrong.append((cell.role, cell.state, cell.view, answer.status_code, answer.text[:200]))
    assert wrong == []


def _fits(answer: Response, route: RouteRule, role: Role, view: View) -> bool:
    status = answer.status_code
    if not may_ever(role, route.action):
        return status == 403
    if about_one(route) and view is View.NONE:
        return status == 404
    if status == 404:  # a key, an account, a second partner that the path or body names
        # or no OpenID provider is set up
        return route.action is Action.SIGN_IN or (
            route.action.noun is Noun.NOTHING and "{" in route.path
        )
    # 409 and 422: may do that, but this one is not in a state for it, or the body lacks something
    return status in {200, 201, 204, 409, 422}


SHOWN: dict[View, str | None] = {
    View.FULL: None,
    View.STUB: "stub",
    View.TEASER: "teaser",
    View.PUBLIC: "public",
}
"""What a need calls the view in which it is shown."""

STUB = {"view", "id", "confidentiality", "status"}
BRIEF = {
    "view",
    "id",
    "kind",
    "status",
    "version",
    "title_ja",
    "title_en",
    "brief_ja",
    "brief_en",
}


@pytest.mark.parametrize("role", Role)
def test_needs_are_shown_in_the_view_of_their_cell(world: World, role: Role) -> None:
    """One by one and in the list, with no field more."""
    told = {
        parameters["need_id"]: decide(role, Action.READ_NEED, state)
        for (noun, whose, state), parameters in world.parameters.items()
        if noun is Noun.NEED and whose is role
    }
    client = world.clients[role]
    if not may_ever(role, Action.READ_NEED):
        assert client.get("/v1/needs").status_code == 403
        return
    listed = {i["id"]: i for page in asking.pages(client, "/v1/needs", limit=50) for i in page}
    for need_id, view in told.items():
        answer = client.get(f"/v1/needs/{need_id}")
        if view is View.NONE:
            assert answer.status_code == 404
            assert answer.content == client.get(f"/v1/needs/{UNKNOWN}").content
            assert need_id not in listed
            continue
        body = answer.json()
        assert body == listed[need_id]
        assert body.get("view") == SHOWN[view]
        if view is View.STUB:
            assert set(body) == STUB
        elif view is not View.FULL:
            assert set(body) == BRIEF
            assert "citrus" not in answer.text  # of the full text
