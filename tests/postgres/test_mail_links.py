"""The pages behind the links of mails, consents and the switch, behind row-level security."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.access import SCOPES_OF, Actor
from app.contexts import AUTHENTICATION, NOBODY, Context
from app.db import Database
from app.services.actors import actor_of
from app.services.corpus import Engine
from app.services.keys import create_key
from app.services.mail_links import find_link
from models import (
    Account,
    MailLink,
    Need,
    Role,
)
from tests.app.asking import create, get, problem
from tests.app.mailing import (
    PARTNER,
    SIDES,
    TEASER,
    TITLE,
    Posted,
    everything,
    post_suggestion,
    press,
)
from tests.app.routes.test_mail_answers import (  # noqa: F401 - the same tests
    test_both_sides_accepting_at_once_make_one_introduction,
    test_different_answers_at_once_are_one,
    test_twenty_presses_at_once_are_one,
)
from tests.conftest import engines_of, with_key
from tests.factories import make_cluster, make_organisation


@pytest.fixture
def pages(application: FastAPI, engine: Engine) -> TestClient:
    """The real application on PostgreSQL, without its background work."""
    application.state.engines = engines_of(engine)
    return TestClient(application, raise_server_exceptions=False, follow_redirects=False)


@pytest.fixture
def posted(database: Database) -> Posted:
    """A suggestion in three mails."""
    return post_suggestion(database)


@pytest.mark.parametrize("who", SIDES)
def test_a_link_is_shown_and_answered(pages: TestClient, posted: Posted, who: str) -> None:
    before = everything(posted.database)
    for method in ("GET", "HEAD"):
        assert pages.request(method, posted.path(who, "accept")).status_code == 200
    assert everything(posted.database) == before
    first = press(pages, posted.path(who, "accept"))
    assert first.status_code == 200, first.text
    assert press(pages, posted.path(who, "accept")).text == first.text
    assert posted.answers() == [(who, "accept", None)]
    assert press(pages, posted.path(who, "stop")).status_code == 200


def test_a_page_shows_what_its_recipient_may_see(pages: TestClient, posted: Posted) -> None:
    seen = {
        who: [
            word
            for word in (TITLE, TEASER, PARTNER)
            if word in pages.get(posted.path(who, "later")).text
        ]
        for who in SIDES
    }
    assert seen == {"staff": [TITLE, PARTNER], "company": [TITLE], "partner": [TEASER]}


def test_a_need_changed_in_the_same_moment_is_not_answered(
    pages: TestClient, posted: Posted
) -> None:
    """The press waits for the change under way, and then meets the changed need."""
    with ThreadPoolExecutor(1) as thread:
        with posted.database.writing() as session:
            need = session.get_one(Need, posted.need_id)
            need.title_en = "Another title altogether"
            session.flush()
            waiting = thread.submit(press, pages, posted.path("company", "accept"))
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.5)
        assert waiting.result(timeout=10).status_code == 410
    assert posted.answers() == []


def test_links_are_seen_by_the_system_alone(database: Database, posted: Posted) -> None:
    token = posted.token("partner", "accept")
    with database.reading() as session:
        assert find_link(session, token) is not None
        accounts = session.scalars(select(Account)).all()
        actors = [actor_of(a, scopes=SCOPES_OF[a.role]) for a in accounts]
    everybody: tuple[Actor | Context, ...] = (NOBODY, AUTHENTICATION, *actors)
    for who in everybody:
        with database.reading(who) as session:
            assert find_link(session, token) is None
            assert session.scalar(select(func.count()).select_from(MailLink)) == 0


@pytest.mark.parametrize("role", Role)
def test_everybody_has_wishes_of_ones_own(
    pages: TestClient, database: Database, posted: Posted, role: Role
) -> None:
    with database.writing() as session:
        home = make_organisation(session).id if role is Role.COMPANY else None
        who = posted.partner_id if role is Role.PARTNER else None
        _, secret = create_key(session, name="x", role=role, organisation_id=home, partner_id=who)
    client = with_key(pages, secret)
    body = {"frequency": "weekly", "consent": True}
    answer = client.put("/v1/me/mail", json=body)
    assert answer.status_code == 200, answer.text
    assert get(client, "/v1/me/mail")["consent"] is True


def test_the_office_records_and_switches(
    pages: TestClient, database: Database, posted: Posted
) -> None:
    with database.writing() as session:
        make_cluster(session)
        _, admin_key = create_key(session, name="admin", role=Role.ADMIN)
        _, staff_key = create_key(session, name="staff", role=Role.COORDINATOR)
    admin, staff = with_key(pages, admin_key), with_key(pages, staff_key)
    path = f"/v1/accounts/{posted.accounts['company']}/mail-consents"
    create(admin, path, {"given": True, "means": "written", "at": "2026-04-01T00:00:00Z"})
    assert len(get(admin, path)["items"]) == 1
    account = f"/v1/accounts/{posted.accounts['staff']}"
    changed = admin.patch(account, json={"clusters": ["food-health"]})
    assert changed.json()["clusters"] == ["food-health"], changed.text
    assert admin.put("/v1/mail/switch", json={"allowed": False}).status_code == 200
    assert get(staff, "/v1/mail/switch")["allowed"] is False
    problem(staff.put("/v1/mail/switch", json={"allowed": True}), 403)
    assert admin.put("/v1/mail/switch", json={"allowed": True}).json()["allowed"] is True


def test_another_address_ends_the_links_that_no_administrator_sees(
    pages: TestClient, posted: Posted
) -> None:
    with posted.database.writing() as session:
        _, secret = create_key(session, name="admin", role=Role.ADMIN)
    account = f"/v1/accounts/{posted.accounts['company']}"
    changed = with_key(pages, secret).patch(account, json={"email": "successor@example.jp"})
    assert changed.status_code == 200, changed.text
    assert press(pages, posted.path("company", "accept")).status_code == 404
    assert press(pages, posted.path("company", "stop")).status_code == 200
    assert press(pages, posted.path("partner", "accept")).status_code == 200
