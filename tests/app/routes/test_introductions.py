"""Introductions over HTTP: every step, every wrong actor, and what each side reads meanwhile."""

from datetime import timedelta
from itertools import product
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, insert, select, text

from app.clock import today
from app.db import Database
from models import (
    Account,
    Audience,
    Confidentiality,
    Disclosure,
    Introduction,
    IntroductionState,
    Need,
    NeedStatus,
    NeedVersion,
    Partner,
    Role,
    Unavailability,
    need_staff,
    utc_now,
)
from tests.app.asking import UNKNOWN, Body, create, everything, get, ids, problem
from tests.app.introducing import (
    COMPANY_CONTACT,
    CONTACTS,
    EVIDENCE,
    NAMES,
    NOTE,
    ORGANISATION,
    PARTNER_CONTACT,
    PARTNER_HOME,
    PARTNER_NAME,
    PATH,
    SECRET_OF_NEED,
    TEASER,
    WAY,
    World,
    make_world,
)
from tests.factories import make_cluster, make_introduction, make_need, make_partner, make_version

STATES = [after for *_, after in WAY]
EVERYBODY = ("staff", "admin", "company", "rival", "partner", "colleague", "machine")


@pytest.fixture
def world(anonymous: TestClient, database: Database) -> World:
    """A need of the level staff_only, a partner, and everybody's keys."""
    return make_world(anonymous, database)


# The whole course.


def test_the_whole_course(world: World, database: Database) -> None:
    key = world.reach("closed")

    seen = world.read("staff", key).json()
    assert seen["outcome"] == "joint_research"
    assert [step["state"] for step in seen["steps"]] == STATES
    assert [step["side"] for step in seen["steps"]] == [who for who, *_ in WAY]
    assert [step["account"] for step in seen["steps"]] == [who for who, *_ in WAY]
    assert seen["company_contact"] == COMPANY_CONTACT
    assert seen["partner_contact"] == PARTNER_CONTACT
    assert seen["next"] == ["decline"]
    assert seen["remind_on"] is None
    assert seen["version_id"] == world.version_id

    company = world.read("company", key).json()
    assert company["partner"] == {
        "name_ja": None,
        "name_en": PARTNER_NAME,
        "organisation_ja": None,
        "organisation_en": PARTNER_HOME,
        "contact": PARTNER_CONTACT,
    }
    partner = world.read("partner", key).json()
    assert partner["company"]["organisation_en"] == ORGANISATION
    assert partner["company"]["contact"] == COMPANY_CONTACT
    with database.reading() as session:
        assert session.get_one(Need, UUID(world.need_id)).status == "open"


def test_what_each_reads(world: World) -> None:
    for state in STATES:
        key = world.place(state)
        place = STATES.index(state)
        introduced = place >= STATES.index("introduced")
        knows = {
            "staff": True,
            "admin": True,
            "company": place >= STATES.index("released"),
            "partner": place >= STATES.index("company_consented"),
        }
        for who in EVERYBODY:
            answer = world.read(who, key)
            listed = world.clients[who].get(PATH)
            if who == "machine":
                problem(answer, 403)
                problem(listed, 403)
                continue
            assert listed.status_code == 200
            if not knows.get(who, False):
                assert answer.text == world.read(who, UNKNOWN).text
                problem(answer, 404)
                assert listed.json()["items"] == []
                continue
            body = answer.json()
            assert listed.json()["items"] == [body]
            assert body["state"] == state
            assert answer.headers["etag"] == f'"{body["revision"]}"'
            for text_ in (answer.text, listed.text):
                for given in (*CONTACTS["company"], *CONTACTS["partner"]):
                    mine = given in CONTACTS.get(who, [])
                    assert (given in text_) == (introduced and not mine), (who, given)
                if who == "company":
                    assert all((name in text_) == introduced for name in NAMES)
                    assert world.partner_id not in text_
                    assert EVIDENCE not in text_
                if who == "partner":
                    assert TEASER in text_
                    assert not any(word in text_ for word in SECRET_OF_NEED)
                    assert (ORGANISATION in text_) == introduced
                    assert world.organisation_id not in text_
                if who in {"company", "partner"}:
                    assert '"account' not in text_
                    assert "notes" not in text_


# Steps out of order, on what has moved on, and by the wrong ones.


def test_wrong_steps_are_refused_and_change_nothing(world: World) -> None:
    way = [(who, step) for who, step, _ in WAY[1:]]
    for place, state in enumerate(STATES):
        key = world.place(state)
        before = world.read("staff", key).json()
        right = set(way[place : place + 1])
        if state in {"introduced", "met", "agreed"}:
            right.add(("staff", "close"))
        knows = {who: world.read(who, key).is_success for who in ("staff", "company", "partner")}
        for who, step in way:
            if (who, step) in right:
                continue
            answer = world.step(who, key, step, revision=before["revision"])
            refused = problem(answer, 409 if knows[who] else 404)
            if knows[who]:
                assert state in refused["detail"]
                assert step in refused["detail"]
        assert world.read("staff", key).json() == before


@pytest.mark.parametrize("state", ["suggested", "company_consented", "introduced", "closed"])
def test_nobody_else_takes_a_step(world: World, state: str) -> None:
    key = world.place(state)
    before = world.read("staff", key).json()

    def refuse(who: str, step: str, status: int) -> None:
        problem(world.step(who, key, step, revision=before["revision"]), status)

    for who in ("staff", "admin"):
        refuse(who, "consent", 403)
    for who in ("company", "rival", "partner", "colleague", "machine"):
        for step in ("release", "introduce", "meet", "agree", "close", "notes"):
            refuse(who, step, 403)
    for step in ("consent", "decline"):
        refuse("machine", step, 403)
        for who in ("rival", "colleague"):
            refuse(who, step, 404)
    assert world.read("staff", key).json() == before


def test_a_step_says_on_which_revision_it_is_decided(world: World) -> None:
    key = world.suggest()
    path = f"{PATH}/{key}/release"
    staff = world.clients["staff"]
    for headers in ({}, {"If-Match": "*"}):
        refused = problem(staff.post(path, headers=headers), 428)
        assert "If-Match" in refused["detail"]
    for stale in ('"0"', '"2"', 'W/"1"', "1", '"abc"', '"99999999999999999999"', ""):
        refused = problem(staff.post(path, headers={"If-Match": stale}), 409)
        assert "read it again" in refused["detail"]
    etag = world.read("staff", key).headers["etag"]
    answer = staff.post(path, headers={"If-Match": etag})
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"2"'
    # The etag of an answer serves for the next step.
    answer = world.clients["company"].post(
        f"{PATH}/{key}/consent",
        json={"contact": COMPANY_CONTACT},
        headers={"If-Match": answer.headers["etag"]},
    )
    assert answer.status_code == 200


def test_the_steps_that_may_follow_are_named(world: World) -> None:
    key = world.suggest()
    assert world.read("staff", key).json()["next"] == ["release", "decline"]
    assert world.step("staff", key, "release").json()["next"] == ["decline"]
    assert world.read("company", key).json()["next"] == ["consent", "decline"]
    assert world.step("company", key, "consent").json()["next"] == ["decline"]
    assert world.read("partner", key).json()["next"] == ["consent", "decline"]


def test_a_contact_that_cannot_be_used(world: World) -> None:
    key = world.place("released")
    mail = "a@example.jp"
    for contact in (
        {},
        {"name": "A", "email": "no address"},
        {"name": "A\nBcc: x", "email": mail},
        {"name": "=?utf-8?q?a?=", "email": mail},
        {"name": "A", "email": f"{mail}\nx"},
        {"name": "A", "email": mail, "phone": "javascript:1"},
        {"name": "", "email": mail},
        {"name": "A" * 201, "email": mail},
        {"name": "A", "email": mail, "fax": "1"},
    ):
        problem(world.step("company", key, "consent", {"contact": contact}), 422)
    assert world.read("company", key).json()["state"] == "released"


# Suggesting.


def _suggest(world: World, **values: object) -> dict[str, object]:
    return {"partner_id": world.partner_id, **values}


def test_what_cannot_be_suggested(world: World, database: Database) -> None:
    staff, path = world.clients["staff"], f"/v1/needs/{world.need_id}/introductions"
    problem(staff.post(path, json=_suggest(world, partner_id=UNKNOWN)), 422, "partner_id")
    problem(staff.post(f"/v1/needs/{UNKNOWN}/introductions", json=_suggest(world)), 404)
    for who in ("company", "partner", "machine"):
        problem(world.clients[who].post(path, json=_suggest(world)), 403)
    world.suggest()
    refused = problem(staff.post(path, json=_suggest(world)), 409)
    assert "already under way" in refused["detail"]
    with database.writing() as session:
        session.get_one(Need, UUID(world.need_id)).status = NeedStatus.DRAFT
    problem(staff.post(path, json=_suggest(world)), 409)


def test_hard_constraints(world: World, database: Database) -> None:
    staff, path = world.clients["staff"], f"/v1/needs/{world.need_id}/introductions"
    with database.writing() as session:
        partner = session.get_one(Partner, UUID(world.partner_id))
        day = today()
        partner.unavailable.append(Unavailability(start=day - timedelta(1), end=day))
    refused = problem(staff.post(path, json=_suggest(world)), 409)
    assert "not available" in refused["detail"]
    assert "override" in refused["detail"]
    problem(staff.post(path, json=_suggest(world, override=True)), 422, "note")
    made = create(staff, path, _suggest(world, override=True, note=NOTE))
    assert [note["text"] for note in made["notes"]] == [NOTE]


@pytest.mark.parametrize("why", ["excluded", "own", "unknown"])
def test_what_nobody_can_override(world: World, database: Database, why: str) -> None:
    staff, path = world.clients["staff"], f"/v1/needs/{world.need_id}/introductions"
    with database.writing() as session:
        partner = session.get_one(Partner, UUID(world.partner_id))
        need = session.get_one(Need, UUID(world.need_id))
        if why == "own":
            partner.organisation_id = need.organisation_id
        else:
            need.excluded_organisations = [str(partner.organisation_id)]
        if why == "unknown":
            partner.organisation_id = None
    for values in (_suggest(world), _suggest(world, override=True, note=NOTE)):
        refused = problem(staff.post(path, json=values), 409)
        assert "cannot be overridden" in refused["detail"]


def test_named_staff_alone_brokers_its_needs(anonymous: TestClient, database: Database) -> None:
    world = make_world(anonymous, database, level=Confidentiality.NAMED_STAFF)
    path = f"/v1/needs/{world.need_id}/introductions"
    for who in ("staff", "admin"):
        problem(world.clients[who].post(path, json=_suggest(world)), 404)
    with database.writing() as session:
        named = session.scalars(select(Account).where(Account.name == "staff")).one()
        session.execute(insert(need_staff).values(need_id=UUID(world.need_id), account_id=named.id))
    key = world.reach("closed")
    assert world.read("staff", key).status_code == 200
    problem(world.read("admin", key), 404)
    problem(world.step("admin", key, "notes"), 404)
    assert get(world.clients["admin"], PATH)["items"] == []


# Releasing, and the brief.


def test_without_a_released_brief_nothing_is_released(world: World, database: Database) -> None:
    with database.writing() as session:
        version = session.get_one(NeedVersion, UUID(world.version_id))
        version.released_at = None
    key = world.suggest()
    assert "teaser" in problem(world.step("staff", key, "release"), 409)["detail"]
    assert world.read("staff", key).json()["state"] == "suggested"


def test_only_a_released_version_for_partners_can_be_chosen(
    world: World, database: Database
) -> None:
    with database.writing() as session:
        need = session.get_one(Need, UUID(world.need_id))
        now = utc_now()
        wrong = [
            make_version(session, need, number=2, released_at=None),
            make_version(session, need, number=3, withdrawn_at=now),
            make_version(session, need, audience=Audience.FULL),
            make_version(session, need, audience=Audience.PUBLIC),  # of a need that is not public
            make_version(session, make_need(session)),
        ]
        newer = str(make_version(session, need, number=4).id)
        refused = [str(version.id) for version in wrong]
    key = world.suggest()
    for version_id in (*refused, UNKNOWN):
        answer = world.step("staff", key, "release", {"version_id": version_id})
        problem(answer, 422, "version_id")
    assert world.step("staff", key, "release").json()["version_id"] == newer
    world.step("staff", key, "decline")
    again = world.suggest()
    chosen = world.step("staff", again, "release", {"version_id": world.version_id})
    assert chosen.json()["version_id"] == world.version_id


def test_a_public_need_shows_its_public_version(anonymous: TestClient, database: Database) -> None:
    world = make_world(anonymous, database, level=Confidentiality.PUBLIC)
    with database.writing() as session:
        need = session.get_one(Need, UUID(world.need_id))
        public = str(make_version(session, need, audience=Audience.PUBLIC).id)
    key = world.suggest()
    assert world.step("staff", key, "release").json()["version_id"] == public


def test_a_withdrawn_brief_is_shown_no_more(world: World, database: Database) -> None:
    key = world.place("company_consented")
    with database.writing() as session:
        session.get_one(NeedVersion, UUID(world.version_id)).withdrawn_at = utc_now()
    answer = world.read("partner", key)
    assert answer.json()["brief"] is None
    assert TEASER not in answer.text
    problem(world.step("partner", key, "consent"), 409)


def test_the_ledger_says_who_was_shown_the_brief(world: World, database: Database) -> None:
    def seen() -> int:
        with database.reading() as session:
            return session.scalar(select(func.count()).select_from(Disclosure)) or 0

    key = world.place("company_consented")
    for who in ("staff", "company", "rival", "colleague"):
        world.read(who, key)
    assert seen() == 0
    world.read("partner", key)
    assert seen() == 1
    get(world.clients["partner"], PATH)
    assert seen() == 2
    world.step("partner", key, "consent")
    assert seen() == 3
    with database.reading() as session:
        row = session.scalars(select(Disclosure)).first()
        assert row is not None
        assert (str(row.version_id), row.role) == (world.version_id, Role.PARTNER)
        assert str(row.partner_id) == world.partner_id
        account = session.get_one(Account, row.account_id)
        assert account.name == "partner"


def test_the_candidate_is_described_by_what_five_have_in_common(
    world: World, database: Database
) -> None:
    key = world.place("released")

    def candidate() -> Body:
        shown: Body = world.read("company", key).json()["candidate"]
        assert UUID(shown.pop("candidate_id")) != UUID(world.partner_id)
        return shown

    assert candidate() == {"kind": None, "clusters": []}
    with database.writing() as session:
        food = make_cluster(session)
        rare = make_cluster(session, slug="it-resort")
        partner = session.get_one(Partner, UUID(world.partner_id))
        partner.clusters = [food, rare]
        for _ in range(3):
            make_partner(session, clusters=[food])
    # Five researchers by now, four of them in the cluster.
    assert candidate() == {"kind": "researcher", "clusters": []}
    with database.writing() as session:
        food = session.merge(food)
        make_partner(session, clusters=[food])
    assert candidate() == {
        "kind": "researcher",
        "clusters": ["food-health"],
    }


def test_guessing_the_partner_tells_a_company_nothing(world: World) -> None:
    key = world.place("partner_consented")
    company = world.clients["company"]
    assert everything(company, PATH, partner_id=world.partner_id) == []
    assert everything(company, PATH, need_id=world.need_id) == [key]
    assert everything(world.clients["partner"], PATH, partner_id=world.partner_id) == [key]
    world.step("staff", key, "introduce")
    assert everything(company, PATH, partner_id=world.partner_id) == [key]


# Ending.


@pytest.mark.slow
def test_declining_at_any_point(world: World, database: Database) -> None:
    for state, who in product(STATES[:-1], ("staff", "company", "partner")):
        key = world.place(state)
        knows = world.read(who, key).status_code == 200
        answer = world.step(who, key, "decline", {"reason": "terms"})
        if not knows:
            problem(answer, 404)
            continue
        assert (answer.status_code, answer.content) == (204, b"")
        for other in ("company", "partner"):
            assert world.read(other, key).text == world.read(other, UNKNOWN).text
        seen = world.read("staff", key).json()
        assert (seen["state"], seen["declined_by"], seen["decline_reason"]) == (
            "declined",
            who,
            "terms",
        )
        assert seen["company_contact"] is seen["partner_contact"] is None
        assert seen["next"] == []
        with database.reading() as session:
            contacts = text("SELECT company_contact, partner_contact FROM introductions")
            assert session.execute(contacts).one() == (None, None)
        assert world.suggest() != key  # the pair can be tried anew


def test_a_consent_taken_back_counts_at_the_next_read(world: World) -> None:
    for state, who in product(STATES, ("company", "partner")):
        key = world.place(state)
        given = STATES.index(state) >= STATES.index(f"{who}_consented")
        knows = world.read(who, key).status_code == 200
        answer = world.step(who, key, "decline", {"reason": "consent_withdrawn"})
        if not given:
            problem(answer, 409 if knows else 404)
            continue
        assert answer.status_code == 204
        for other in ("company", "partner"):
            problem(world.read(other, key), 404)
            assert get(world.clients[other], PATH)["items"] == []
        seen = world.read("staff", key)
        assert not any(word in seen.text for side in CONTACTS.values() for word in side)
        assert seen.json()["outcome"] == ("no_agreement" if state == "closed" else None)


def test_staff_declines_on_behalf_of_a_side(world: World) -> None:
    key = world.place("met")
    withdrawn = {"reason": "consent_withdrawn"}
    problem(world.step("staff", key, "decline", withdrawn), 422, "on_behalf_of")
    behalf = {"reason": "no_time", "on_behalf_of": "partner"}
    problem(world.step("company", key, "decline", behalf), 403)
    assert world.step("staff", key, "decline", withdrawn | {"on_behalf_of": "partner"}).is_success
    seen = world.read("staff", key).json()
    assert seen["declined_by"] == "partner"
    assert seen["steps"][-1]["side"] == "staff"


def test_a_closed_one_cannot_be_declined_only_its_consent_taken_back(world: World) -> None:
    key = world.reach("closed")
    for who in ("staff", "company", "partner"):
        refused = problem(world.step(who, key, "decline"), 409)
        assert "withdraw" in refused["detail"]


@pytest.mark.parametrize("how", ["close", "patch"])
def test_closing_a_need_ends_what_has_not_been_introduced(
    world: World, database: Database, how: str
) -> None:
    with database.writing() as session:
        need = session.get_one(Need, UUID(world.need_id))
        made = {
            state: str(
                make_introduction(
                    session, need, make_partner(session), state=IntroductionState(state)
                ).id
            )
            for state in STATES
        }
    company = world.clients["company"]
    if how == "close":
        assert company.post(f"/v1/needs/{world.need_id}/close").is_success
    else:
        assert company.patch(f"/v1/needs/{world.need_id}", json={"status": "closed"}).is_success
    for state, key in made.items():
        seen = world.read("staff", key).json()
        if STATES.index(state) >= STATES.index("introduced"):
            assert seen["state"] == state
        else:
            assert (seen["state"], seen["decline_reason"]) == ("declined", "need_closed")
            assert seen["declined_by"] == "company"


def test_an_agreement_can_mean_that_the_need_is_met(world: World, database: Database) -> None:
    key = world.place("met")
    assert world.step("staff", key, "agree", {"need_matched": True}).is_success
    with database.reading() as session:
        assert session.get_one(Need, UUID(world.need_id)).status == "matched"


# What the company excludes meanwhile.


def _exclude(world: World) -> None:
    staff = world.clients["staff"]
    home = get(staff, f"/v1/partners/{world.partner_id}")["organisation_id"]
    body = {"excluded_organisations": [home]}
    assert world.clients["company"].patch(f"/v1/needs/{world.need_id}", json=body).is_success


@pytest.mark.parametrize("state", ["suggested", "partner_consented"])
def test_staff_goes_no_further_with_whom_the_company_excluded(world: World, state: str) -> None:
    key = world.place(state)
    _exclude(world)
    step = "release" if state == "suggested" else "introduce"
    assert "excluded" in problem(world.step("staff", key, step), 409)["detail"]


def test_the_partner_is_not_told_once_excluded(world: World) -> None:
    key = world.place("released")
    _exclude(world)
    answer = world.step("company", key, "consent")
    assert (answer.status_code, answer.content) == (204, b"")
    problem(world.read("company", key), 404)  # no second try with other exclusions
    problem(world.read("partner", key), 404)
    seen = world.read("staff", key).json()
    assert (seen["declined_by"], seen["decline_reason"]) == ("staff", "conflict_of_interest")
    assert "excluded" in seen["notes"][0]["text"]
    assert not any(word in str(seen) for word in CONTACTS["company"])


# Notes and lists.


def test_notes_are_for_staff(world: World) -> None:
    key = world.place("introduced")
    before = world.revision(key)
    written = world.step("staff", key, "notes")
    assert written.status_code == 201
    assert (written.json()["text"], written.json()["account"]) == (NOTE, "staff")
    assert get(world.clients["admin"], f"{PATH}/{key}/notes")["items"] == [written.json()]
    assert world.read("admin", key).json()["notes"] == [written.json()]
    assert world.revision(key) == before  # a note makes nobody's step stale
    for who in ("company", "partner"):
        problem(world.clients[who].get(f"{PATH}/{key}/notes"), 403)
        assert NOTE not in world.read(who, key).text
    problem(world.clients["staff"].post(f"{PATH}/{UNKNOWN}/notes", json={"text": NOTE}), 404)
    problem(world.clients["staff"].post(f"{PATH}/{key}/notes", json={"text": " "}), 422)


def test_lists_are_filtered_and_cut_into_pages(world: World, database: Database) -> None:
    first = world.suggest()
    with database.writing() as session:
        need = session.get_one(Need, UUID(world.need_id))
        other = make_need(session)
        second = str(
            make_introduction(session, need, make_partner(session), state=IntroductionState.MET).id
        )
        third = str(make_introduction(session, other, make_partner(session)).id)
        foreign = str(other.id)
    staff = world.clients["staff"]
    assert everything(staff, PATH, limit=1) == [first, second, third]
    assert ids(get(staff, PATH, state="met")["items"]) == [second]
    assert ids(get(staff, PATH, need_id=foreign)["items"]) == [third]
    assert ids(get(staff, PATH, partner_id=world.partner_id)["items"]) == [first]
    assert ids(get(world.clients["company"], PATH)["items"]) == [second]
    problem(staff.get(PATH, params={"state": "nowhere"}), 422)


def test_a_removed_partner_takes_its_introductions_along(world: World, database: Database) -> None:
    key = world.place("met")
    assert world.clients["staff"].delete(f"/v1/partners/{world.partner_id}").status_code == 204
    problem(world.read("staff", key), 404)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Introduction)) == 0
