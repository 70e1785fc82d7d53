"""A POST with an Idempotency-Key is carried out once, whoever repeats it how often."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import event, func, select, update
from sqlalchemy.orm import Session

from app.db import Database
from app.errors import Problem
from app.idempotency import REPLAYED, read_key, secret_answer
from app.services import needs
from app.services.idempotency import ABANDONED_AFTER, FIELD, KEPT
from app.services.keys import add_key
from app.settings import get_settings
from models import Account, IdempotentAnswer, Need, Role, utc_now
from tests.app.asking import (
    SECRET,
    UNKNOWN,
    cluster,
    create,
    get,
    need,
    organisation,
    partner,
    patch,
)
from tests.app.asking import problem as problem_of
from tests.app.introducing import PARTNER_CONTACT, PATH, TEASER, World, make_world
from tests.app.test_audited_reads import reads
from tests.conftest import with_key
from tests.guards.routes import served

KEY = "0192f5b0-7e4d-7a10-8000-3b1f0c2d4e5f"


def post(client: TestClient, path: str, body: object = None, key: str = KEY) -> Response:
    """POST under a key."""
    response: Response = client.post(path, json=body, headers={FIELD: key})
    return response


def needs_in(database: Database) -> int:
    """How many needs are stored."""
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Need)) or 0


def answers_in(database: Database) -> list[IdempotentAnswer]:
    """All that is kept."""
    with database.reading() as session:
        return list(session.scalars(select(IdempotentAnswer)))


@pytest.fixture
def world(anonymous: TestClient, database: Database) -> World:
    """A need, a partner, and everybody's keys."""
    return make_world(anonymous, database)


def let_pass(database: Database, time: timedelta) -> None:
    """As if all keys had been claimed so long ago."""
    with database.writing() as session:
        for row in session.scalars(select(IdempotentAnswer)):
            row.created_at -= time


def test_the_same_request_gets_the_same_answer(company: TestClient, database: Database) -> None:
    first = post(company, "/v1/needs", need())
    second = post(company, "/v1/needs", need())

    assert first.status_code == second.status_code == 201
    assert second.content == first.content
    for header in ("content-type", "etag", "cache-control", "content-length"):
        assert second.headers[header] == first.headers[header]
    assert REPLAYED not in first.headers
    assert second.headers[REPLAYED] == "true"
    assert needs_in(database) == 1


def test_without_a_key_each_request_is_carried_out(company: TestClient, database: Database) -> None:
    assert create(company, "/v1/needs", need()) != create(company, "/v1/needs", need())
    assert needs_in(database) == 2


def test_another_request_under_the_key_is_refused(company: TestClient, database: Database) -> None:
    made = post(company, "/v1/needs", need()).json()["id"]

    problem_of(post(company, "/v1/needs", need(title_en="Another")), 422, FIELD)
    problem_of(post(company, "/v1/needs?x=1", need()), 422)
    problem_of(post(company, f"/v1/needs/{made}/close"), 422, FIELD)
    assert needs_in(database) == 1
    assert get(company, f"/v1/needs/{made}")["status"] == "open"


def test_keys_are_each_accounts_own(
    company: TestClient, staff: TestClient, company_id: str, database: Database
) -> None:
    ours = post(company, "/v1/needs", need())
    theirs = post(staff, "/v1/needs", need(organisation_id=company_id, title_en="Another"))

    assert ours.status_code == theirs.status_code == 201
    assert REPLAYED not in theirs.headers
    assert needs_in(database) == 2


def test_two_keys_of_an_account_share_its_idempotency_keys(
    company: TestClient, database: Database
) -> None:
    first = post(company, "/v1/needs", need())
    with database.writing() as session:
        account = session.scalar(select(Account).where(Account.role == Role.COMPANY))
        assert account is not None
        _, secret = add_key(session, account, name="the next one")
    again = post(with_key(company, secret), "/v1/needs", need())
    assert again.json() == first.json()
    assert needs_in(database) == 1


def test_fifty_at_once_make_one_need(company: TestClient, database: Database) -> None:
    together = Barrier(50)

    def ask(_: int) -> Response:
        together.wait()
        return post(company, "/v1/needs", need())

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(ask, range(50)))

    assert needs_in(database) == 1
    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.content for answer in made}) == 1
    assert sum(REPLAYED not in answer.headers for answer in made) == 1
    for answer in answers:
        if answer.status_code != 201:
            problem_of(answer, 409)
            assert int(answer.headers["retry-after"]) > 0
    assert post(company, "/v1/needs", need()).content == made[0].content


def test_a_request_under_way_answers_409_until_it_is_given_up(
    company: TestClient, database: Database
) -> None:
    post(company, "/v1/needs", need())
    with database.writing() as session:  # killed between its claim and its commit
        session.execute(update(IdempotentAnswer).values(status=None, headers=None, body=None))
        session.delete(session.scalars(select(Need)).one())

    refused = post(company, "/v1/needs", need())
    problem_of(refused, 409)
    assert refused.headers["retry-after"] == "1"
    assert needs_in(database) == 0

    let_pass(database, ABANDONED_AFTER)
    assert post(company, "/v1/needs", need()).status_code == 201
    assert post(company, "/v1/needs", need()).headers[REPLAYED] == "true"
    assert needs_in(database) == 1


def test_a_request_whose_claim_was_taken_over_writes_nothing(
    company: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sleeping process wakes up after a repetition took its place."""
    create_need = needs.create_need

    def slowly(*values: object, **named: object) -> Need:
        with database.engine.connect() as connection:  # before the write session takes its lock
            connection.execute(
                update(IdempotentAnswer).values(fingerprint="0" * 64, created_at=when)
            )
            connection.commit()
        return create_need(*values, **named)  # type: ignore[arg-type]

    when = utc_now() + timedelta(seconds=1)
    monkeypatch.setattr(needs, "create_need", slowly)
    problem_of(post(company, "/v1/needs", need()), 409)
    assert needs_in(database) == 0
    with database.reading() as session:  # the other's claim still stands
        assert session.scalars(select(IdempotentAnswer)).one().created_at == when


def test_after_a_day_the_key_is_new(company: TestClient, database: Database) -> None:
    first = post(company, "/v1/needs", need())
    let_pass(database, KEPT - timedelta(minutes=1))
    assert post(company, "/v1/needs", need()).json() == first.json()

    let_pass(database, timedelta(minutes=1))
    other = post(company, "/v1/needs", need(title_en="Another"))
    assert other.status_code == 201
    assert REPLAYED not in other.headers
    assert post(company, "/v1/needs", need(title_en="Another")).json() == other.json()
    assert needs_in(database) == 2


def test_what_failed_may_be_sent_again(staff: TestClient, database: Database) -> None:
    """Nothing was written, so nothing is kept: of any error, wherever it was found."""
    home = create(staff, "/v1/organisations", organisation())["id"]
    problem_of(post(staff, "/v1/needs", {"kind": "nonsense"}), 422, "kind")
    problem_of(post(staff, "/v1/needs", need(organisation_id=UNKNOWN)), 422, "organisation_id")
    problem_of(post(staff, f"/v1/needs/{UNKNOWN}/close"), 404)
    headers = {FIELD: KEY, "Content-Type": "application/json"}
    problem_of(staff.post("/v1/needs", content=b"{", headers=headers), 422)
    create(staff, "/v1/needs", need(organisation_id=home, external_id="n1"))
    problem_of(post(staff, "/v1/needs", need(organisation_id=home, external_id="n1")), 409)

    assert post(staff, "/v1/needs", need(organisation_id=home)).status_code == 201
    assert needs_in(database) == 2


def test_a_crash_releases_the_key(
    company: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> Need:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr(needs, "create_need", fails)
        problem_of(post(company, "/v1/needs", need()), 500)
    assert post(company, "/v1/needs", need()).status_code == 201


def test_a_commit_that_fails_releases_the_key_and_answers_no_201(
    company: TestClient, database: Database
) -> None:
    def mark(session: Session, _context: object) -> None:
        made = any(isinstance(row, Need) for row in session.new)
        session.info["made"] = made or session.info.get("made")

    def fails(session: Session) -> None:
        if session.info.get("made"):
            raise RuntimeError("the disk is full")

    event.listen(Session, "after_flush", mark)
    event.listen(Session, "before_commit", fails)
    try:
        problem_of(post(company, "/v1/needs", need()), 500)
    finally:
        event.remove(Session, "after_flush", mark)
        event.remove(Session, "before_commit", fails)
    assert needs_in(database) == 0
    again = post(company, "/v1/needs", need())
    assert again.status_code == 201
    assert REPLAYED not in again.headers


def test_answers_without_a_body_are_kept(staff: TestClient, database: Database) -> None:
    one, other = (create(staff, "/v1/partners", partner())["id"] for _ in "ab")
    body = {"partner_ids": [one, other]}
    path = "/v1/partners/duplicates/dismiss"
    first, second = post(staff, path, body), post(staff, path, body)
    assert first.status_code == second.status_code == 204
    assert second.content == b""
    assert second.headers[REPLAYED] == "true"


def test_reading_posts_take_no_key(staff: TestClient, database: Database) -> None:
    for _ in range(2):
        answer = post(staff, "/v1/match", {"text": "citrus juice"})
        assert answer.status_code == 200
        assert REPLAYED not in answer.headers
    with database.reading() as session:
        assert session.scalars(select(IdempotentAnswer)).all() == []


def test_who_may_not_any_more_is_not_answered_from_the_store(
    company: TestClient, database: Database
) -> None:
    post(company, "/v1/needs", need())
    with database.writing() as session:
        session.execute(update(Account).values(disabled_at=func.now()))
    problem_of(post(company, "/v1/needs", need()), 401)


def test_an_account_of_another_organisation_now_gets_no_old_answer(
    company: TestClient, database: Database, staff: TestClient
) -> None:
    post(company, "/v1/needs", need())
    other = create(staff, "/v1/organisations", organisation())["id"]
    with database.writing() as session:
        session.execute(
            update(Account).where(Account.role == Role.COMPANY).values(organisation_id=UUID(other))
        )
    problem_of(post(company, "/v1/needs", need()), 422, FIELD)


def test_a_new_level_empties_the_answers(
    staff: TestClient, company: TestClient, database: Database
) -> None:
    """Who has closed a need does not read it again by that, once it is for named staff only."""
    made = create(company, "/v1/needs", need())["id"]
    path = f"/v1/needs/{made}/close"
    assert post(staff, path).status_code == 200
    assert post(staff, path).headers[REPLAYED] == "true"

    patch(company, f"/v1/needs/{made}", {"confidentiality": "named_staff"})
    assert "citrus" not in problem_of(post(staff, path), 409)["detail"]
    with database.reading() as session:
        assert session.scalars(select(IdempotentAnswer)).one().body is None


def test_a_repetition_shows_no_contacts_that_were_taken_back(world: World) -> None:
    """Whatever is about an introduction or a brief is read anew, by the policy of the moment."""
    key = world.reach("partner_consented")
    path, revision = f"{PATH}/{key}/introduce", world.revision(key)
    headers = {FIELD: KEY, "If-Match": f'"{revision}"'}
    staff = world.clients["staff"]
    assert PARTNER_CONTACT["email"] in staff.post(path, headers=headers).text
    kept = [row.body for row in answers_in(world.database)]
    assert world.step("company", key, "decline", {"reason": "consent_withdrawn"}).is_success

    again = staff.post(path, headers=headers)

    assert "carried out" in problem_of(again, 409)["detail"]
    assert "retry-after" not in again.headers
    assert kept == [None]


def test_a_repetition_shows_a_partner_no_withdrawn_brief(world: World) -> None:
    key = world.reach("company_consented")
    path, revision = f"{PATH}/{key}/consent", world.revision(key)
    headers = {FIELD: KEY, "If-Match": f'"{revision}"'}
    body = {"contact": PARTNER_CONTACT}
    partner = world.clients["partner"]
    assert TEASER in partner.post(path, json=body, headers=headers).text
    brief = f"/v1/needs/{world.need_id}/briefs/{world.version_id}"
    assert world.clients["staff"].post(f"{brief}/withdraw").is_success

    again = partner.post(path, json=body, headers=headers)

    assert TEASER not in str(problem_of(again, 409))


def test_of_needs_only_what_submits_and_closes_them_is_kept(world: World) -> None:
    staff, need_path = world.clients["staff"], f"/v1/needs/{world.need_id}"
    sent: list[tuple[str, object]] = [
        ("teaser", {}),
        (f"briefs/{world.version_id}/withdraw", None),
        ("introductions", {"partner_id": world.partner_id}),
        ("match-runs", None),
    ]
    for number, (path, body) in enumerate(sent):
        for expected in (True, False):
            answer = post(staff, f"{need_path}/{path}", body, key=f"k-{number}")
            assert answer.is_success is expected, answer.text
            assert expected or "carried out" in problem_of(answer, 409)["detail"]
    assert [row.body for row in answers_in(world.database)] == [None] * len(sent)


def test_a_need_that_is_shown_again_to_staff_is_read_each_time(
    staff: TestClient, company: TestClient, company_id: str, database: Database
) -> None:
    body = need(organisation_id=company_id)
    made = post(staff, "/v1/needs", body).json()["id"]
    assert reads(database) == []
    headers = {FIELD: KEY, "X-Purpose": "brokering"}
    assert staff.post("/v1/needs", json=body, headers=headers).headers[REPLAYED] == "true"
    assert reads(database) == [("need", made, "coordinator", "brokering")]

    for _ in range(2):
        assert post(staff, f"/v1/needs/{made}/close", key="k-2").is_success
        assert post(company, f"/v1/needs/{made}/close", key="k-2").is_success
    assert [read[1] for read in reads(database)] == [made] * 3


def test_a_repetition_states_its_purpose_where_that_is_required(
    staff: TestClient, company: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v1/needs/{create(company, '/v1/needs', need())['id']}/close"
    assert post(staff, path).is_success
    monkeypatch.setenv("ENMUSUBI_REQUIRE_PURPOSE", "true")
    get_settings.cache_clear()
    problem_of(post(staff, path), 422, "X-Purpose")


def test_secret_answers_are_not_kept(
    staff: TestClient, application: FastAPI, database: Database
) -> None:
    routes = list(served(application))
    (made,) = [r.endpoint for r in routes if (r.method, r.path) == ("POST", "/v1/clusters")]
    secret_answer(made)
    try:
        assert post(staff, "/v1/clusters", cluster(name_en=SECRET)).status_code == 201
    finally:
        vars(made).pop("__enmusubi_unkept_answer__")

    refused = problem_of(post(staff, "/v1/clusters", cluster(name_en=SECRET)), 409)
    assert "carried out" in refused["detail"]
    assert len(get(staff, "/v1/clusters")["items"]) == 1
    with database.reading() as session:
        assert session.scalars(select(IdempotentAnswer)).one().body is None


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ([], None),
        (["a"], "a"),
        (['"a"'], "a"),
        ([r'"a\"b\\c"'], 'a"b\\c'),
        (["k" * 255], "k" * 255),
        (['"' + "k" * 255 + '"'], "k" * 255),
    ],
)
def test_keys_are_read_bare_and_quoted(sent: list[str], key: str | None) -> None:
    assert read_key(sent) == key


@pytest.mark.parametrize(
    "sent",
    [
        [""],
        ['""'],
        ["a b"],
        ["k" * 256],
        ['"a'],
        [r'"a\x"'],
        ["é"],
        ["a", "a"],
        ["a\tb"],
        ['"a";p'],
    ],
)
def test_other_keys_are_refused(sent: list[str]) -> None:
    with pytest.raises(Problem) as refused:
        read_key(sent)
    assert refused.value.status == 422
    assert refused.value.errors[0].field == FIELD


def test_a_key_that_cannot_be_used_is_refused_before_anything_is_done(
    company: TestClient, database: Database
) -> None:
    problem_of(post(company, "/v1/needs", need(), key="two words"), 422, FIELD)
    assert needs_in(database) == 0


def test_quoted_and_bare_are_one_key(company: TestClient, database: Database) -> None:
    post(company, "/v1/needs", need(), key="k-1")
    assert post(company, "/v1/needs", need(), key='"k-1"').headers[REPLAYED] == "true"
    assert needs_in(database) == 1
