from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.clock import today
from app.db import Database
from app.services.keys import create_key
from app.settings import Settings
from models import Capability, EngagementType, Need, PartnerKind, Role
from tests.app.asking import (
    SECRET,
    UNKNOWN,
    Body,
    capability,
    cluster,
    create,
    delete,
    everything,
    get,
    headers_of,
    ids,
    need,
    organisation,
    pages,
    partner,
    patch,
    problem,
    without_stamp,
)
from tests.conftest import with_key
from tests.factories import make_capability, make_organisation, make_partner

PATH = "/v1/needs"


@pytest.fixture
def home(staff: TestClient) -> str:
    """The organisation whose needs a coordinator enters."""
    return str(create(staff, "/v1/organisations", organisation())["id"])


@pytest.fixture
def rival(anonymous: TestClient, database: Database) -> TestClient:
    """Called by another company."""
    with database.writing() as session:
        owner = make_organisation(session, name_en="A rival")
        _, secret = create_key(session, name="rival", role=Role.COMPANY, organisation_id=owner.id)
    return with_key(anonymous, secret)


def _with_paper(staff: TestClient, paper: Body | None = None, **changes: Any) -> str:
    """Id of a new partner who has a paper about citrus juice unless told otherwise."""
    stored = create(staff, "/v1/partners", partner(**changes))
    create(staff, f"/v1/partners/{stored['id']}/capabilities", paper or capability())
    return str(stored["id"])


def _listed(client: TestClient, need_id: str, **query: Any) -> list[str]:
    """Ids of the partners in the need's match list."""
    items = get(client, f"{PATH}/{need_id}/matches", **query)["items"]
    return [item["partner"]["id"] for item in items]


UNRESOLVED = "organisation_unknown"
"""Why a partner without affiliation is out as soon as an organisation is excluded."""

BUSES = capability(title_en="Bus timetables", text_en="Buses are late in winter.")


# Writing and reading.


def test_create_and_read(staff: TestClient, home: str) -> None:
    create(staff, "/v1/clusters", cluster())
    body = need(
        organisation_id=home,
        title_ja="柑橘果汁の鮮度保持",
        brief_ja="果汁が褐色になる。",
        engagement_types=["joint_research", "testing"],
        trl_from=3,
        trl_to=6,
        budget_jpy=5_000_000,
        deadline="2027-03-31",
        prefecture="宮崎県",
        city="日南市",
        confidentiality="match_only",
        status="draft",
        clusters=["food-health"],
        excluded_organisations=[home],
        external_id="n-1",
    )
    stored = create(staff, PATH, body)
    assert {name: stored[name] for name in body} == body
    assert stored["posted_on"] == today().isoformat()
    assert get(staff, f"{PATH}/{stored['id']}") == stored


def test_a_new_need_is_open_and_for_staff_only(staff: TestClient, home: str) -> None:
    stored = create(staff, PATH, need(organisation_id=home))
    assert stored["status"] == "open"
    assert stored["confidentiality"] == "staff_only"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"colour": SECRET}, "body"),
        ({"kind": SECRET}, "kind"),
        ({"kind": None}, "kind"),
        ({"title_en": None, "brief_en": "\u200b "}, "body"),
        ({"trl_from": 5, "trl_to": 4}, "body"),
        ({"trl_from": 0}, "trl_from"),
        ({"trl_to": 10}, "trl_to"),
        ({"budget_jpy": -1}, "budget_jpy"),
        ({"budget_jpy": SECRET}, "budget_jpy"),
        ({"deadline": SECRET}, "deadline"),
        ({"confidentiality": SECRET}, "confidentiality"),
        ({"status": SECRET}, "status"),
        ({"engagement_types": [SECRET]}, "engagement_types.0"),
        ({"clusters": ["nowhere"]}, "clusters"),
        ({"organisation_id": UNKNOWN}, "organisation_id"),
        ({"organisation_id": None}, "organisation_id"),
        ({"organisation_id": SECRET}, "organisation_id"),
        ({"excluded_organisations": [SECRET]}, "excluded_organisations.0"),
        ({"title_en": SECRET * 40}, "title_en"),
    ],
)
def test_create_refuses(staff: TestClient, home: str, changes: Body, field: str) -> None:
    body = need(organisation_id=home, title_ja=None, brief_ja=None) | changes
    problem(staff.post(PATH, json=body), 422, field)
    assert everything(staff, PATH) == []


def test_refusal_does_not_echo_the_brief(staff: TestClient, home: str) -> None:
    body = need(organisation_id=home, brief_en=SECRET, brief_ja=SECRET, trl_from=5, trl_to=4)
    problem(staff.post(PATH, json=body), 422)
    problem(staff.post(PATH, json=body | {"trl_to": 6, "clusters": ["nowhere"]}), 422)


def test_external_id_is_unique(staff: TestClient, home: str) -> None:
    stored = create(staff, PATH, need(organisation_id=home, external_id=SECRET))
    other = create(staff, PATH, need(organisation_id=home))
    problem(staff.post(PATH, json=need(organisation_id=home, external_id=SECRET)), 409)
    problem(staff.patch(f"{PATH}/{other['id']}", json={"external_id": SECRET}), 409)
    assert everything(staff, PATH) == [stored["id"], other["id"]]
    assert get(staff, f"{PATH}/{other['id']}") == other
    assert patch(staff, f"{PATH}/{stored['id']}", {"external_id": SECRET})


def test_patch_leaves_other_fields(staff: TestClient, home: str) -> None:
    create(staff, "/v1/clusters", cluster())
    stored = create(
        staff,
        PATH,
        need(
            organisation_id=home,
            clusters=["food-health"],
            trl_from=3,
            excluded_organisations=[home],
        ),
    )
    changed = patch(staff, f"{PATH}/{stored['id']}", {"trl_to": 5})
    assert without_stamp(changed) == without_stamp(stored) | {"trl_to": 5}
    assert get(staff, f"{PATH}/{stored['id']}") == changed


def test_patch_null_clears(staff: TestClient, home: str) -> None:
    stored = create(staff, PATH, need(organisation_id=home, trl_from=3, deadline="2027-03-31"))
    body = {"trl_from": None, "deadline": None, "brief_en": None}
    changed = patch(staff, f"{PATH}/{stored['id']}", body)
    assert {name: changed[name] for name in body} == body
    assert changed["title_en"] == stored["title_en"]


def test_patch_moves_to_another_organisation(staff: TestClient, home: str) -> None:
    other = create(staff, "/v1/organisations", organisation())["id"]
    stored = create(staff, PATH, need(organisation_id=home))
    changed = patch(staff, f"{PATH}/{stored['id']}", {"organisation_id": other})
    assert changed["organisation_id"] == other


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title_en": None, "brief_en": None, "trl_to": 5}, "body"),
        ({"trl_to": 2, "city": "都城市"}, "body"),
        ({"kind": None}, "kind"),
        ({"kind": SECRET}, "kind"),
        ({"colour": SECRET}, "body"),
        ({"posted_on": "2020-01-01"}, "body"),
        ({"clusters": ["nowhere"], "city": "都城市"}, "clusters"),
        ({"organisation_id": UNKNOWN, "city": "都城市"}, "organisation_id"),
        ({"status": None}, "status"),
    ],
)
def test_patch_refuses(staff: TestClient, home: str, body: Body, field: str) -> None:
    stored = create(staff, PATH, need(organisation_id=home, trl_from=3))
    problem(staff.patch(f"{PATH}/{stored['id']}", json=body), 422, field)
    assert get(staff, f"{PATH}/{stored['id']}") == stored


@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("POST", "/close"),
        ("GET", "/matches"),
        ("POST", "/match-runs"),
        ("GET", "/match-runs"),
    ],
)
def test_unknown_and_malformed_ids(staff: TestClient, method: str, tail: str) -> None:
    body: Body | None = {} if method == "PATCH" else None
    problem(staff.request(method, f"{PATH}/{UNKNOWN}{tail}", json=body), 404)
    problem(staff.request(method, f"{PATH}/{SECRET}{tail}", json=body), 422, "path.need_id")


def test_filters(staff: TestClient, home: str) -> None:
    create(staff, "/v1/clusters", cluster())
    a = create(staff, PATH, need(organisation_id=home, clusters=["food-health"]))
    b = create(staff, PATH, need(organisation_id=home, kind="funding", status="draft"))
    assert everything(staff, PATH) == [a["id"], b["id"]]
    assert everything(staff, PATH, status="draft") == [b["id"]]
    assert everything(staff, PATH, kind="technology") == [a["id"]]
    assert everything(staff, PATH, cluster="food-health") == [a["id"]]
    for name in ("status", "kind", "cluster"):
        problem(staff.get(PATH, params={name: f"No {SECRET}"}), 422, name)


# Pages.


def test_pages_hold_each_row_once(staff: TestClient, home: str) -> None:
    made = [create(staff, PATH, need(organisation_id=home))["id"] for _ in range(7)]
    for limit in (1, 3, 7, 8):
        assert everything(staff, PATH, limit=limit) == made
    assert [len(items) for items in pages(staff, PATH, limit=3)] == [3, 3, 1]
    assert [len(items) for items in pages(staff, PATH, limit=7)] == [7]


def test_pages_hold_rows_added_meanwhile_once(staff: TestClient, home: str) -> None:
    made = [create(staff, PATH, need(organisation_id=home))["id"] for _ in range(4)]
    seen: list[str] = []
    for number, items in enumerate(pages(staff, PATH, limit=2)):
        seen += ids(items)
        if number < 2:
            made.append(create(staff, PATH, need(organisation_id=home))["id"])
    assert seen == made


def test_pages_survive_the_removal_of_their_last_row(staff: TestClient) -> None:
    made = [create(staff, "/v1/organisations", organisation())["id"] for _ in range(4)]
    found = get(staff, "/v1/organisations", limit=2)
    delete(staff, f"/v1/organisations/{made[1]}")
    rest = get(staff, "/v1/organisations", limit=2, cursor=found["next_cursor"])
    assert ids(rest["items"]) == made[2:]


@pytest.mark.parametrize(
    "cursor", ["", "x", SECRET, "é", "AAAA", UNKNOWN, "A" * 22 + "!", "A" * 101]
)
def test_bad_cursors(staff: TestClient, cursor: str) -> None:
    problem(staff.get(PATH, params={"cursor": cursor}), 422, "cursor")


@pytest.mark.parametrize("limit", [0, 201, -1, SECRET])
def test_bad_limits(staff: TestClient, limit: object) -> None:
    problem(staff.get(PATH, params={"limit": str(limit)}), 422, "limit")


# Closing.


def test_close(staff: TestClient, home: str) -> None:
    stored = create(staff, PATH, need(organisation_id=home))
    for _ in range(2):  # closing twice changes nothing
        response = staff.post(f"{PATH}/{stored['id']}/close")
        assert response.status_code == 200
        assert without_stamp(response.json()) == without_stamp(stored) | {"status": "closed"}
    assert get(staff, f"{PATH}/{stored['id']}")["status"] == "closed"
    problem(staff.get(f"{PATH}/{stored['id']}/matches"), 409)
    problem(staff.post(f"{PATH}/{stored['id']}/match-runs"), 409)
    patch(staff, f"{PATH}/{stored['id']}", {"status": "open"})
    get(staff, f"{PATH}/{stored['id']}/matches")


@pytest.mark.parametrize("status", ["draft", "matched", "closed"])
def test_only_an_open_need_is_matched(staff: TestClient, home: str, status: str) -> None:
    stored = create(staff, PATH, need(organisation_id=home, status=status))
    problem(staff.get(f"{PATH}/{stored['id']}/matches"), 409)


# A company and the needs of others.


def test_a_company_posts_and_edits_its_own(company: TestClient, company_id: str) -> None:
    stored = create(company, PATH, need())
    assert stored["organisation_id"] == company_id
    named = create(company, PATH, need(organisation_id=company_id))
    assert patch(company, f"{PATH}/{stored['id']}", {"trl_from": 4})["trl_from"] == 4
    assert everything(company, PATH) == [stored["id"], named["id"]]
    assert company.post(f"{PATH}/{stored['id']}/close").json()["status"] == "closed"


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {}),
        ("PATCH", "", {"trl_from": 4}),
        ("PATCH", "", {"clusters": ["nowhere"]}),
        ("PATCH", "", {"title_en": None, "brief_en": None}),
        ("POST", "/close", None),
        ("GET", "/matches", None),
        ("GET", "/match-runs", None),
        ("POST", "/match-runs", None),
    ],
)
@pytest.mark.parametrize("status", ["open", "closed"])
def test_a_foreign_need_looks_absent(
    company: TestClient, rival: TestClient, method: str, tail: str, body: Body | None, status: str
) -> None:
    foreign = create(rival, PATH, need(status=status))
    hidden = company.request(method, f"{PATH}/{foreign['id']}{tail}", json=body)
    absent = company.request(method, f"{PATH}/{UNKNOWN}{tail}", json=body)
    problem(hidden, 403 if "runs" in tail else 404)
    assert (hidden.status_code, hidden.content) == (absent.status_code, absent.content)
    assert headers_of(hidden) == headers_of(absent)
    assert get(rival, f"{PATH}/{foreign['id']}") == foreign


def test_lists_never_hold_foreign_needs(company: TestClient, rival: TestClient) -> None:
    own, foreign = [], []
    for _ in range(3):
        own.append(create(company, PATH, need())["id"])
        foreign.append(create(rival, PATH, need())["id"])
    for query in ({}, {"limit": 1}, {"status": "open"}, {"kind": "technology"}):
        assert everything(company, PATH, **query) == own
        assert everything(rival, PATH, **query) == foreign
    # Not even by a cursor that stands on a foreign need.
    cursor = get(rival, PATH, limit=1)["next_cursor"]
    assert ids(get(company, PATH, cursor=cursor)["items"]) == own[1:]


def test_a_company_cannot_post_for_another(
    staff: TestClient, company: TestClient, home: str
) -> None:
    foreign = company.post(PATH, json=need(organisation_id=home))
    absent = company.post(PATH, json=need(organisation_id=UNKNOWN))
    problem(foreign, 404)
    assert foreign.content == absent.content
    assert everything(staff, PATH) == []


def test_a_company_cannot_move_a_need_to_another(company: TestClient, home: str) -> None:
    stored = create(company, PATH, need())
    foreign = company.patch(f"{PATH}/{stored['id']}", json={"organisation_id": home})
    absent = company.patch(f"{PATH}/{stored['id']}", json={"organisation_id": UNKNOWN})
    problem(foreign, 404)
    assert foreign.content == absent.content
    assert get(company, f"{PATH}/{stored['id']}") == stored


def test_external_ids_do_not_tell_of_foreign_needs(company: TestClient, rival: TestClient) -> None:
    """A 409 here would tell a company that somebody else has a need of that name."""
    create(rival, PATH, need(external_id="project-x"))
    assert company.post(PATH, json=need(external_id="project-x")).status_code == 201


def test_a_company_sees_anonymous_candidates(staff: TestClient, company: TestClient) -> None:
    create(staff, "/v1/clusters", cluster())
    lab = create(staff, "/v1/organisations", organisation(kind="university", name_en="Lab-of-X"))
    partner_id = _with_paper(
        staff,
        name_en="Dr-Name",
        name_ja="黒木 遥",
        organisation_id=lab["id"],
        external_id="p-77",
        orcid="0000-0002-1825-0097",
        clusters=["food-health"],
    )
    (paper,) = everything(staff, f"/v1/partners/{partner_id}/capabilities")
    for _ in range(4):
        _with_paper(staff, BUSES, unavailable=[{"start": "2000-01-01"}])
    stored = create(company, PATH, need())
    assert get(staff, f"{PATH}/{stored['id']}/matches")["items"][0]["score"] > 0
    for explain in (True, False, "full"):
        answer = company.get(f"{PATH}/{stored['id']}/matches", params={"explain": explain})
        assert set(answer.json()) == {"need_id", "strong", "advice", "candidates"}
        (item,) = answer.json()["candidates"]
        assert set(item) == {"candidate_id", "kind", "cluster", "reason"}
        assert item["kind"] == "researcher"
        assert item["cluster"] is None  # one alone of five researchers is in it
        hidden = (partner_id, lab["id"], paper, "Dr-Name", "黒木", "Lab-of-X", "p-77", "rowning")
        assert [text for text in hidden if text in answer.text] == []


def test_a_group_of_five_is_named(staff: TestClient, company: TestClient) -> None:
    create(staff, "/v1/clusters", cluster())
    for _ in range(5):
        _with_paper(staff, clusters=["food-health"])
    stored = create(company, PATH, need())
    found = get(company, f"{PATH}/{stored['id']}/matches")["candidates"]
    assert [item["cluster"] for item in found] == ["food-health"] * 5
    assert len({item["candidate_id"] for item in found}) == 5


def test_four_partners_are_too_few_to_be_shown(staff: TestClient, company: TestClient) -> None:
    for _ in range(4):
        _with_paper(staff)
    stored = create(company, PATH, need())
    assert get(company, f"{PATH}/{stored['id']}/matches")["candidates"] == []
    _with_paper(staff)
    assert len(get(company, f"{PATH}/{stored['id']}/matches")["candidates"]) == 5


def test_candidates_have_other_ids_in_another_need_and_after_a_change(
    staff: TestClient, company: TestClient
) -> None:
    for _ in range(5):
        _with_paper(staff)
    one, other = create(company, PATH, need())["id"], create(company, PATH, need())["id"]

    def shown(which: str) -> set[str]:
        found = get(company, f"{PATH}/{which}/matches")["candidates"]
        return {item["candidate_id"] for item in found}

    before = shown(one)
    assert shown(one) == before
    assert not shown(other) & before
    patch(company, f"{PATH}/{one}", {"excluded_organisations": [UNKNOWN]})
    assert not shown(one) & before


@pytest.mark.parametrize(
    "query",
    [
        {"cluster": "food-health"},
        {"partner_kind": "researcher"},
        {"engagement_type": "testing"},
        {"excluded_organisation": UNKNOWN},
        {"include_unavailable": True},
        {"top": 11},
    ],
)
def test_a_company_cannot_narrow_its_list(
    staff: TestClient, company: TestClient, query: Body
) -> None:
    create(staff, "/v1/clusters", cluster())
    stored = create(company, PATH, need())
    problem(company.get(f"{PATH}/{stored['id']}/matches", params=query), 422)


# Matching.


def test_a_new_need_is_matched_in_the_next_request(staff: TestClient, home: str) -> None:
    buses = _with_paper(staff, BUSES)
    juice = _with_paper(staff)
    stored = create(staff, PATH, need(organisation_id=home))
    found = get(staff, f"{PATH}/{stored['id']}/matches")
    assert found["need_id"] == stored["id"]
    assert found["encoder"].startswith("hashing")
    assert found["pending_embeddings"] == 0
    assert [item["partner"]["id"] for item in found["items"]] == [juice, buses]
    assert [item["rank"] for item in found["items"]] == [1, 2]
    first, second = found["items"]
    assert 1 >= first["score"] > second["score"] >= 0
    assert _listed(staff, stored["id"], top=1) == [juice]


def test_each_score_is_the_sum_of_its_lines(staff: TestClient, home: str) -> None:
    _with_paper(staff)
    stored = create(staff, PATH, need(organisation_id=home))
    (item,) = get(staff, f"{PATH}/{stored['id']}/matches")["items"]
    assert item["score"] == pytest.approx(sum(s["contribution"] for s in item["signals"]))
    for signal in item["signals"]:
        assert signal["value"] is None or 0 <= signal["value"] <= 1
        assert signal["detail"]["en"]
        assert signal["detail"]["ja"]


def test_best_sentences_are_cut_from_their_text(staff: TestClient, home: str) -> None:
    paper = capability(
        title_ja="㈱ｱｵｲの果汁",
        text_ja="果汁は褐変する。柑橘の果汁を保つ。",
        text_en="No. Yes. Citrus.",
    )
    partner_id = _with_paper(staff, paper)
    for text in ("Juice is cold.", "Brown sugar and citrus.", "Keep a bitter taste for months."):
        create(staff, f"/v1/partners/{partner_id}/capabilities", capability(text_en=text))
    stored = create(staff, PATH, need(organisation_id=home, brief_ja="柑橘の果汁を新鮮に保つ。"))
    (item,) = get(staff, f"{PATH}/{stored['id']}/matches")["items"]
    assert len(item["evidence"]) == 3
    fits = [passage["fit"] for passage in item["evidence"]]
    assert fits == sorted(fits, reverse=True)
    for passage in item["evidence"]:
        best = passage["best_sentence"]
        assert best["text"]
        assert passage["text"][best["start"] : best["end"]] == best["text"]
    # And the sentence marked is the one about the need, not the first.
    path = f"/v1/partners/{partner_id}/capabilities"
    for paper_id in everything(staff, path):
        delete(staff, f"/v1/capabilities/{paper_id}")
    text = "Buses are late. Citrus juice is kept fresh by cold. Winter is long."
    create(staff, path, capability(title_en="Report", text_en=text))
    (item,) = get(staff, f"{PATH}/{stored['id']}/matches")["items"]
    best = item["evidence"][0]["best_sentence"]
    assert best["text"] == "Citrus juice is kept fresh by cold."


def test_without_explanation_there_is_no_evidence(staff: TestClient, home: str) -> None:
    _with_paper(staff)
    path = f"{PATH}/{create(staff, PATH, need(organisation_id=home))['id']}/matches"
    (explained,) = get(staff, path)["items"]
    (bare,) = get(staff, path, explain=False)["items"]
    assert explained["evidence"]
    assert bare == explained | {"evidence": []}


def test_a_full_explanation_is_what_scoring_again_gives(
    staff: TestClient, home: str, database: Database
) -> None:
    """A change without a passage is the score for a need that excludes that passage."""
    partner_id = _with_paper(staff)
    for name in ("Bitter compounds of citrus peel", "Shelf life of juice"):
        paper = capability(title_en=name, external_id=name)
        create(staff, f"/v1/partners/{partner_id}/capabilities", paper)
    _with_paper(staff, BUSES)
    stored = create(staff, PATH, need(organisation_id=home))["id"]
    path = f"{PATH}/{stored}/matches"
    brief, full = get(staff, path), get(staff, path, explain="full")
    assert [item["score"] for item in full["items"]] == [item["score"] for item in brief["items"]]
    item, last = full["items"]
    assert item["explanation"]["behind"] is last["explanation"]["ahead"] is None
    assert item["explanation"]["ahead"] == pytest.approx(item["score"] - last["score"])
    cited = {piece["capability_id"] for piece in item["evidence"]}
    without = [c for c in item["explanation"]["changes"] if c["kind"] == "without_passage"]
    assert {change["capability_id"] for change in without} == cited
    change = next(change for change in without if change["external_id"])
    with database.writing() as session:
        row = session.get_one(Need, UUID(stored))
        row.excluded_evidence = [change["external_id"]]
    found = {item["partner"]["id"]: item for item in get(staff, path)["items"]}[partner_id]
    assert found["rank"] == change["rank"]
    assert found["score"] == pytest.approx(change["score"])


@pytest.mark.parametrize(
    "level", ["none", "brief", "full", "true", "false", "1", "0", "True", "off"]
)
def test_levels_of_explanation(staff: TestClient, home: str, level: str) -> None:
    path = f"{PATH}/{create(staff, PATH, need(organisation_id=home))['id']}/matches"
    assert get(staff, path, explain=level)["items"] == []
    problem(staff.get(path, params={"explain": f"{level}-{SECRET}"}), 422, "explain")


def test_an_edited_capability_is_embedded_anew(staff: TestClient, home: str) -> None:
    first, second = _with_paper(staff), _with_paper(staff, BUSES)
    stored = create(staff, PATH, need(organisation_id=home))
    assert _listed(staff, stored["id"]) == [first, second]
    (paper,) = everything(staff, f"/v1/partners/{first}/capabilities")
    patch(staff, f"/v1/capabilities/{paper}", {n: BUSES[n] for n in ("title_en", "text_en")})
    (paper,) = everything(staff, f"/v1/partners/{second}/capabilities")
    patch(staff, f"/v1/capabilities/{paper}", {n: capability()[n] for n in ("title_en", "text_en")})
    found = get(staff, f"{PATH}/{stored['id']}/matches")
    assert [item["partner"]["id"] for item in found["items"]] == [second, first]
    topic = {s["name"]: s["value"] for s in found["items"][0]["signals"]}["topic"]
    assert topic > 0.3
    assert found["items"][0]["evidence"][0]["text"].startswith("Browning of citrus juice")


def test_an_edited_need_is_matched_by_its_new_text(staff: TestClient, home: str) -> None:
    juice, buses = _with_paper(staff), _with_paper(staff, BUSES)
    stored = create(staff, PATH, need(organisation_id=home))
    assert _listed(staff, stored["id"]) == [juice, buses]
    body = {"title_en": "Buses", "brief_en": "Our buses are late in winter; the timetable fails."}
    patch(staff, f"{PATH}/{stored['id']}", body)
    assert _listed(staff, stored["id"]) == [buses, juice]


def test_what_is_deleted_is_gone_from_the_next_list(staff: TestClient, home: str) -> None:
    first, second = _with_paper(staff), _with_paper(staff)
    stored = create(staff, PATH, need(organisation_id=home))
    assert set(_listed(staff, stored["id"])) == {first, second}
    (paper,) = everything(staff, f"/v1/partners/{first}/capabilities")
    delete(staff, f"/v1/capabilities/{paper}")
    assert _listed(staff, stored["id"]) == [second]
    delete(staff, f"/v1/partners/{second}")
    assert _listed(staff, stored["id"]) == []


def test_what_another_process_writes_is_seen(
    staff: TestClient, home: str, settings: Settings
) -> None:
    stored = create(staff, PATH, need(organisation_id=home))
    assert _listed(staff, stored["id"]) == []
    other = Database.at(settings.url)
    try:
        with other.writing() as session:
            added = make_partner(session)
            make_capability(session, added)
            added_id = str(added.id)
        assert _listed(staff, stored["id"]) == [added_id]
        with other.writing() as session:
            session.delete(session.scalars(select(Capability)).one())
        assert _listed(staff, stored["id"]) == []
    finally:
        other.engine.dispose()


def test_the_own_organisation_is_no_partner(staff: TestClient, home: str) -> None:
    _with_paper(staff, organisation_id=home)
    other = _with_paper(staff)
    found = get(staff, f"{PATH}/{create(staff, PATH, need(organisation_id=home))['id']}/matches")
    assert [item["partner"]["id"] for item in found["items"]] == [other]
    assert found["blocked"] == {"own_organisation": 1}


def test_a_needs_own_constraints(staff: TestClient, home: str) -> None:
    rival_lab = create(staff, "/v1/organisations", organisation())["id"]
    lab = create(staff, "/v1/organisations", organisation())["id"]
    _with_paper(staff, organisation_id=rival_lab)
    _with_paper(staff)  # might be the rival's
    _with_paper(staff, organisation_id=lab, engagement_types=["licence"])
    accepting = _with_paper(staff, organisation_id=lab, engagement_types=["testing", "licence"])
    silent = _with_paper(staff, organisation_id=lab)
    stored = create(
        staff,
        PATH,
        need(
            organisation_id=home,
            excluded_organisations=[rival_lab],
            engagement_types=["testing", "consulting"],
        ),
    )
    found = get(staff, f"{PATH}/{stored['id']}/matches")
    assert {item["partner"]["id"] for item in found["items"]} == {accepting, silent}
    assert found["blocked"] == {
        "excluded_organisation": 1,
        UNRESOLVED: 1,
        "engagement_refused": 1,
    }


def test_filter_by_cluster(staff: TestClient, home: str) -> None:
    for slug in ("food-health", "it-resort"):
        create(staff, "/v1/clusters", cluster(slug=slug))
    inside = _with_paper(staff, clusters=["food-health"])
    other = _with_paper(staff, clusters=["it-resort"])
    _with_paper(staff)
    path = f"{PATH}/{create(staff, PATH, need(organisation_id=home))['id']}/matches"
    found = get(staff, path, cluster="food-health")
    assert [item["partner"]["id"] for item in found["items"]] == [inside]
    assert found["blocked"] == {"cluster": 2}
    both = get(staff, path, cluster=["food-health", "it-resort"])
    assert {item["partner"]["id"] for item in both["items"]} == {inside, other}


def test_filter_by_kind(staff: TestClient, home: str) -> None:
    made = {kind: _with_paper(staff, kind=kind) for kind in PartnerKind}
    path = f"{PATH}/{create(staff, PATH, need(organisation_id=home))['id']}/matches"
    found = get(staff, path, partner_kind=["institute", "laboratory"])
    assert {item["partner"]["id"] for item in found["items"]} == {
        made[PartnerKind.INSTITUTE],
        made[PartnerKind.LABORATORY],
    }
    assert found["blocked"] == {"kind": len(PartnerKind) - 2}


def test_filter_by_engagement_type(staff: TestClient, home: str) -> None:
    accepting = _with_paper(staff, engagement_types=[EngagementType.TESTING])
    _with_paper(staff, engagement_types=[EngagementType.LICENCE])
    _with_paper(staff)
    path = f"{PATH}/{create(staff, PATH, need(organisation_id=home))['id']}/matches"
    found = get(staff, path, engagement_type="testing")
    assert [item["partner"]["id"] for item in found["items"]] == [accepting]
    assert found["blocked"] == {"engagement_refused": 1, "engagement_not_stated": 1}


def test_filter_by_excluded_organisation(staff: TestClient, home: str) -> None:
    lab = create(staff, "/v1/organisations", organisation())["id"]
    other = create(staff, "/v1/organisations", organisation())["id"]
    _with_paper(staff, organisation_id=lab)
    _with_paper(staff)  # might be of the lab
    free = _with_paper(staff, organisation_id=other)
    path = f"{PATH}/{create(staff, PATH, need(organisation_id=home))['id']}/matches"
    found = get(staff, path, excluded_organisation=[lab, UNKNOWN])
    assert [item["partner"]["id"] for item in found["items"]] == [free]
    assert found["blocked"] == {"excluded_organisation": 1, UNRESOLVED: 1}


def test_filter_by_availability(staff: TestClient, home: str) -> None:
    day = today()
    yesterday, tomorrow = day - timedelta(days=1), day + timedelta(days=1)
    periods = {
        "open end": {"start": str(yesterday)},
        "last day": {"start": str(yesterday), "end": str(day)},
        "first day": {"start": str(day), "end": str(tomorrow)},
        "over": {"start": str(yesterday), "end": str(yesterday)},
        "to come": {"start": str(tomorrow)},
    }
    made = {name: _with_paper(staff, unavailable=[period]) for name, period in periods.items()}
    path = f"{PATH}/{create(staff, PATH, need(organisation_id=home))['id']}/matches"
    found = get(staff, path)
    assert {i["partner"]["id"] for i in found["items"]} == {made["over"], made["to come"]}
    assert found["blocked"] == {"unavailable": 3}
    everyone = get(staff, path, include_unavailable=True)
    assert len(everyone["items"]) == len(periods)
    assert everyone["blocked"] == {}


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("top", "top"),
        ("explain", "explain"),
        ("cluster", "cluster.0"),
        ("partner_kind", "partner_kind.0"),
        ("engagement_type", "engagement_type.0"),
        ("excluded_organisation", "excluded_organisation.0"),
        ("include_unavailable", "include_unavailable"),
    ],
)
def test_filters_refuse(staff: TestClient, home: str, name: str, field: str) -> None:
    path = f"{PATH}/{create(staff, PATH, need(organisation_id=home))['id']}/matches"
    problem(staff.get(path, params={name: f"No {SECRET}"}), 422, field)


@pytest.mark.parametrize("top", [0, 201])
def test_length_is_bounded(staff: TestClient, home: str, top: int) -> None:
    path = f"{PATH}/{create(staff, PATH, need(organisation_id=home))['id']}/matches"
    problem(staff.get(path, params={"top": top}), 422, "top")


# Kept lists.


def test_match_runs_stay_as_they_were(staff: TestClient, home: str) -> None:
    partner_id = _with_paper(staff)
    _with_paper(staff, BUSES)
    stored = create(staff, PATH, need(organisation_id=home))
    shown = get(staff, f"{PATH}/{stored['id']}/matches")
    kept = staff.post(f"{PATH}/{stored['id']}/match-runs")
    assert kept.status_code == 201
    run = kept.json()
    assert run["need_id"] == stored["id"]
    assert run["encoder_id"] == shown["encoder"]
    assert run["corpus_revision"] == shown["corpus_revision"]
    for match, item in zip(run["matches"], shown["items"], strict=True):
        assert match["partner_id"] == item["partner"]["id"]
        assert (match["rank"], match["score"]) == (item["rank"], item["score"])
        assert {s["name"] for s in match["signals"]} == set(run["weights"])
        assert [s["value"] for s in match["signals"]] == [s["value"] for s in item["signals"]]
        assert [e["capability_id"] for e in match["evidence"]] == [
            e["capability_id"] for e in item["evidence"]
        ]
    (paper,) = everything(staff, f"/v1/partners/{partner_id}/capabilities")
    patch(staff, f"/v1/capabilities/{paper}", {"title_en": "Other", "text_en": "Other things."})
    assert get(staff, f"{PATH}/{stored['id']}/matches")["items"] != shown["items"]
    assert get(staff, f"/v1/match-runs/{run['id']}") == run
    delete(staff, f"/v1/capabilities/{paper}")
    staff.post(f"{PATH}/{stored['id']}/close")
    assert get(staff, f"/v1/match-runs/{run['id']}") == run
    assert get(staff, f"{PATH}/{stored['id']}/match-runs")["items"] == [run]


def test_match_runs_keep_the_filters_answer(staff: TestClient, home: str) -> None:
    _with_paper(staff)
    institute = _with_paper(staff, kind="institute")
    stored = create(staff, PATH, need(organisation_id=home))
    path = f"{PATH}/{stored['id']}/match-runs"
    run = staff.post(path, params={"partner_kind": "institute"}).json()
    assert [match["partner_id"] for match in run["matches"]] == [institute]
    run = staff.post(path, params={"top": 1}).json()
    assert len(run["matches"]) == 1
    problem(staff.post(path, params={"top": 0}), 422, "top")


def test_pages_of_match_runs(staff: TestClient, home: str) -> None:
    stored = create(staff, PATH, need(organisation_id=home))
    other = create(staff, PATH, need(organisation_id=home))
    path = f"{PATH}/{stored['id']}/match-runs"
    staff.post(f"{PATH}/{other['id']}/match-runs")
    made = [staff.post(path).json()["id"] for _ in range(3)]
    assert [ids(items) for items in pages(staff, path, limit=2)] == [made[:2], made[2:]]
    problem(staff.get(path, params={"cursor": SECRET}), 422, "cursor")
