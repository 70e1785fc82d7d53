import pytest
from fastapi.testclient import TestClient

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
    ids,
    need,
    organisation,
    pages,
    partner,
    patch,
    problem,
    without_stamp,
)

PATH = "/v1/partners"
ORCID = "0000-0002-1825-0097"


def test_create_and_read(staff: TestClient) -> None:
    create(staff, "/v1/clusters", cluster())
    home = create(staff, "/v1/organisations", organisation(kind="university"))
    body = partner(
        name_ja="黒木 遥",
        organisation_id=home["id"],
        orcid=ORCID,
        researchmap_id="kuroki.h",
        engagement_types=["joint_research", "consulting"],
        external_id="p-1",
        clusters=["food-health"],
        unavailable=[
            {"start": "2027-04-01", "end": "2027-09-30", "reason": "sabbatical"},
            {"start": "2030-01-01", "end": None, "reason": None},
        ],
    )
    stored = create(staff, PATH, body)
    assert {name: stored[name] for name in body} == body
    assert get(staff, f"{PATH}/{stored['id']}") == stored


def test_repeated_choices_count_once(staff: TestClient) -> None:
    stored = create(
        staff, PATH, partner(languages=["ja", "en", "ja"], engagement_types=["testing"] * 2)
    )
    assert stored["languages"] == ["ja", "en"]
    assert stored["engagement_types"] == ["testing"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"colour": SECRET}, "body"),
        ({"kind": SECRET}, "kind"),
        ({"kind": None}, "kind"),
        ({"name_en": ""}, "body"),
        ({"organisation_id": SECRET}, "organisation_id"),
        ({"organisation_id": UNKNOWN}, "organisation_id"),
        ({"orcid": SECRET}, "orcid"),
        ({"orcid": "0000-0002-1825-009"}, "orcid"),
        ({"researchmap_id": f"{SECRET} x"}, "researchmap_id"),
        ({"languages": ["japanese"]}, "languages.0"),
        ({"engagement_types": ["testing", SECRET]}, "engagement_types.1"),
        ({"clusters": ["nowhere"]}, "clusters"),
        ({"unavailable": [{"start": "2027-04-01", "end": "2027-03-31"}]}, "unavailable.0"),
        ({"unavailable": [{"start": SECRET}]}, "unavailable.0.start"),
        ({"unavailable": [{"start": "2027-04-01", "colour": 1}]}, "unavailable.0"),
    ],
)
def test_create_refuses(staff: TestClient, changes: Body, field: str) -> None:
    problem(staff.post(PATH, json=partner(**changes)), 422, field)
    assert everything(staff, PATH) == []


UNIQUE = {"external_id": "p-1", "orcid": ORCID, "researchmap_id": "kuroki"}


@pytest.mark.parametrize(("field", "value"), UNIQUE.items())
def test_identities_are_unique(staff: TestClient, field: str, value: str) -> None:
    stored = create(staff, PATH, partner(**{field: value}))
    other = create(staff, PATH, partner())
    problem(staff.post(PATH, json=partner(**{field: value})), 409)
    problem(staff.patch(f"{PATH}/{other['id']}", json={field: value, "name_ja": "新"}), 409)
    assert everything(staff, PATH) == [stored["id"], other["id"]]
    assert get(staff, f"{PATH}/{other['id']}") == other
    assert patch(staff, f"{PATH}/{stored['id']}", {field: value})[field] == value
    # Freed by clearing.
    patch(staff, f"{PATH}/{stored['id']}", {field: None})
    assert patch(staff, f"{PATH}/{other['id']}", {field: value})[field] == value


@pytest.mark.parametrize("field", ["external_id", "researchmap_id"])
def test_conflict_does_not_echo(staff: TestClient, field: str) -> None:
    create(staff, PATH, partner(**{field: SECRET}))
    problem(staff.post(PATH, json=partner(**{field: SECRET})), 409)


def test_patch_leaves_other_fields(staff: TestClient) -> None:
    create(staff, "/v1/clusters", cluster())
    stored = create(
        staff,
        PATH,
        partner(
            clusters=["food-health"],
            unavailable=[{"start": "2027-04-01", "reason": "sabbatical"}],
            orcid=ORCID,
        ),
    )
    changed = patch(staff, f"{PATH}/{stored['id']}", {"kind": "laboratory"})
    assert without_stamp(changed) == without_stamp(stored) | {"kind": "laboratory"}
    assert get(staff, f"{PATH}/{stored['id']}") == changed


def test_patch_null_clears_and_lists_are_replaced(staff: TestClient) -> None:
    home = create(staff, "/v1/organisations", organisation())
    stored = create(
        staff,
        PATH,
        partner(organisation_id=home["id"], orcid=ORCID, unavailable=[{"start": "2027-04-01"}]),
    )
    body = {"organisation_id": None, "orcid": None, "unavailable": [], "languages": ["en"]}
    changed = patch(staff, f"{PATH}/{stored['id']}", body)
    assert {name: changed[name] for name in body} == body
    assert get(staff, f"{PATH}/{stored['id']}") == changed
    delete(staff, f"/v1/organisations/{home['id']}")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name_en": None, "orcid": ORCID}, "body"),
        ({"kind": None}, "kind"),
        ({"colour": SECRET}, "body"),
        ({"organisation_id": UNKNOWN, "name_ja": "新"}, "organisation_id"),
        ({"clusters": ["nowhere"], "name_ja": "新"}, "clusters"),
        ({"unavailable": [{"start": "2027-04-02", "end": "2027-04-01"}]}, "unavailable.0"),
        ({"languages": None}, "languages"),
    ],
)
def test_patch_refuses(staff: TestClient, body: Body, field: str) -> None:
    stored = create(staff, PATH, partner())
    problem(staff.patch(f"{PATH}/{stored['id']}", json=body), 422, field)
    assert get(staff, f"{PATH}/{stored['id']}") == stored


@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/capabilities"),
        ("POST", "/capabilities"),
        ("GET", "/matches"),
    ],
)
def test_unknown_and_malformed_ids(staff: TestClient, method: str, tail: str) -> None:
    body: Body | None = {"PATCH": {}, "POST": capability()}.get(method)
    problem(staff.request(method, f"{PATH}/{UNKNOWN}{tail}", json=body), 404)
    problem(staff.request(method, f"{PATH}/{SECRET}{tail}", json=body), 422, "path.partner_id")


def test_delete_takes_the_evidence_along(staff: TestClient) -> None:
    stored = create(staff, PATH, partner(unavailable=[{"start": "2027-04-01"}]))
    paper = create(staff, f"{PATH}/{stored['id']}/capabilities", capability())
    delete(staff, f"{PATH}/{stored['id']}")
    problem(staff.get(f"{PATH}/{stored['id']}"), 404)
    problem(staff.get(f"/v1/capabilities/{paper['id']}"), 404)


def test_filters(staff: TestClient) -> None:
    create(staff, "/v1/clusters", cluster())
    a = create(staff, PATH, partner(clusters=["food-health"]))
    b = create(staff, PATH, partner(kind="institute"))
    assert everything(staff, PATH) == [a["id"], b["id"]]
    assert everything(staff, PATH, kind="institute") == [b["id"]]
    assert everything(staff, PATH, cluster="food-health") == [a["id"]]
    problem(staff.get(PATH, params={"kind": SECRET}), 422, "kind")


def test_pages(staff: TestClient) -> None:
    made = [create(staff, PATH, partner())["id"] for _ in range(3)]
    assert [ids(items) for items in pages(staff, PATH, limit=2)] == [made[:2], made[2:]]


def test_capabilities_of_a_partner(staff: TestClient) -> None:
    stored = create(staff, PATH, partner())
    path = f"{PATH}/{stored['id']}/capabilities"
    paper = create(staff, path, capability())
    patent = create(staff, path, capability(kind="patent", licence_status="available"))
    other = create(staff, PATH, partner())
    create(staff, f"{PATH}/{other['id']}/capabilities", capability())
    assert get(staff, path)["items"] == [paper, patent]
    assert everything(staff, path, kind="patent") == [patent["id"]]
    assert [ids(items) for items in pages(staff, path, limit=1)] == [[paper["id"]], [patent["id"]]]
    assert paper["partner_id"] == stored["id"]
    assert paper["source"] == "api"
    assert patent["licence_status"] == "available"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"colour": SECRET}, "body"),
        ({"kind": SECRET}, "kind"),
        ({"kind": None}, "kind"),
        ({"title_en": None, "text_en": " "}, "body"),
        ({"licence_status": "available"}, "body"),
        ({"kind": "patent", "licence_status": SECRET}, "licence_status"),
        ({"year": 999}, "year"),
        ({"source": ""}, "source"),
        ({"source": "   "}, "source"),
        ({"title_en": SECRET * 60}, "title_en"),
        ({"partner_id": UNKNOWN}, "body"),
    ],
)
def test_create_capability_refuses(staff: TestClient, changes: Body, field: str) -> None:
    path = f"{PATH}/{create(staff, PATH, partner())['id']}/capabilities"
    problem(staff.post(path, json=capability(**changes)), 422, field)
    assert everything(staff, path) == []


def test_capability_is_unique_by_partner_source_and_external_id(staff: TestClient) -> None:
    path = f"{PATH}/{create(staff, PATH, partner())['id']}/capabilities"
    create(staff, path, capability(external_id="doi:1"))
    problem(staff.post(path, json=capability(external_id="doi:1")), 409)
    create(staff, path, capability(external_id="doi:1", source="crossref"))
    other = f"{PATH}/{create(staff, PATH, partner())['id']}/capabilities"
    create(staff, other, capability(external_id="doi:1"))
    assert len(everything(staff, path)) == 2


def test_capability_conflict_does_not_echo(staff: TestClient) -> None:
    path = f"{PATH}/{create(staff, PATH, partner())['id']}/capabilities"
    create(staff, path, capability(external_id=SECRET))
    problem(staff.post(path, json=capability(external_id=SECRET)), 409)


def test_a_company_sees_no_partners(staff: TestClient, company: TestClient) -> None:
    stored = create(staff, PATH, partner(name_en=SECRET))
    paths = [PATH, *(f"{PATH}/{i}" for i in (stored["id"], UNKNOWN))]
    answers = [company.get(path) for path in [*paths, f"{paths[1]}/matches"]]
    for answer in answers:
        problem(answer, 403)
        assert answer.content == answers[0].content


# The other direction: open needs for a partner.


def _need(staff: TestClient, **changes: object) -> Body:
    home = create(staff, "/v1/organisations", organisation())
    return create(staff, "/v1/needs", need(organisation_id=home["id"], **changes))


def _with_paper(staff: TestClient, **changes: object) -> Body:
    stored = create(staff, PATH, partner(**changes))
    create(staff, f"{PATH}/{stored['id']}/capabilities", capability())
    return stored


def test_matches_hold_open_needs_best_first(staff: TestClient) -> None:
    stored = _with_paper(staff)
    far = _need(staff, title_en="Timetable of buses", brief_en="Buses come too late in winter.")
    near = _need(staff, external_id="n-1")
    closed = _need(staff)
    draft = _need(staff, status="draft")
    staff.post(f"/v1/needs/{closed['id']}/close")
    found = get(staff, f"{PATH}/{stored['id']}/matches")
    assert found["partner_id"] == stored["id"]
    assert [item["need"]["id"] for item in found["items"]] == [near["id"], far["id"]]
    assert draft["id"] not in str(found)
    assert [item["rank"] for item in found["items"]] == [1, 2]
    best = found["items"][0]
    assert best["score"] > found["items"][1]["score"]
    assert best["score"] == pytest.approx(sum(s["contribution"] for s in best["signals"]))
    assert best["need"]["external_id"] == "n-1"
    assert best["need"]["organisation_id"] == near["organisation_id"]
    passage = best["evidence"][0]
    best_sentence = passage["best_sentence"]
    span = slice(best_sentence["start"], best_sentence["end"])
    assert passage["text"][span] == best_sentence["text"]
    assert get(staff, f"{PATH}/{stored['id']}/matches", top=1)["items"] == [best]


def test_matches_without_explanation(staff: TestClient) -> None:
    stored = _with_paper(staff)
    _need(staff)
    (item,) = get(staff, f"{PATH}/{stored['id']}/matches", explain=False)["items"]
    assert item["evidence"] == []


def test_matches_count_what_is_blocked(staff: TestClient) -> None:
    stored = _with_paper(staff, engagement_types=["testing"])
    _need(staff, engagement_types=["licence"])
    wanted = _need(staff, engagement_types=["testing", "licence"])
    found = get(staff, f"{PATH}/{stored['id']}/matches")
    assert [item["need"]["id"] for item in found["items"]] == [wanted["id"]]
    assert found["blocked"] == {"engagement_refused": 1}


def test_both_directions_give_one_score(staff: TestClient) -> None:
    create(staff, "/v1/clusters", cluster())
    home = create(staff, "/v1/organisations", organisation(kind="university"))
    partners = [
        _with_paper(staff, organisation_id=home["id"], clusters=["food-health"]),
        _with_paper(staff, engagement_types=["testing"]),
        create(staff, PATH, partner()),
    ]
    create(
        staff,
        f"{PATH}/{partners[2]['id']}/capabilities",
        capability(title_en="Bus timetables", text_en="Citrus stops on time.", year=2001),
    )
    needs = [
        _need(staff, clusters=["food-health"], engagement_types=["testing"]),
        _need(staff, title_en="Buses", brief_en="The timetable of citrus buses", trl_from=3),
    ]
    from_needs = {
        (asked["id"], item["partner"]["id"]): (item["score"], item["signals"], item["evidence"])
        for asked in needs
        for item in get(staff, f"/v1/needs/{asked['id']}/matches")["items"]
    }
    from_partners = {
        (item["need"]["id"], asked["id"]): (item["score"], item["signals"], item["evidence"])
        for asked in partners
        for item in get(staff, f"{PATH}/{asked['id']}/matches")["items"]
    }
    assert len(from_needs) == 6
    assert from_partners == from_needs


def test_each_need_shows_the_place_in_its_own_list(staff: TestClient) -> None:
    texts = ("Citrus juice stays brown.", "Citrus fruit.", "Juice in bottles turns brown late.")
    partners = []
    for text in texts:
        stored = create(staff, PATH, partner())
        paper = capability(title_en=text, text_en=None)
        create(staff, f"{PATH}/{stored['id']}/capabilities", paper)
        partners.append(stored)
    create(staff, PATH, partner())  # without evidence nobody is listed
    asked = _need(staff)
    own_list = get(staff, f"/v1/needs/{asked['id']}/matches")["items"]
    assert len(own_list) == 3
    for line in own_list:
        (item,) = get(staff, f"{PATH}/{line['partner']['id']}/matches")["items"]
        assert item["score"] == line["score"]
        assert item["signals"] == line["signals"]
        standing = item["standing"]
        assert (standing["place"], standing["eligible"]) == (line["rank"], 3)
        assert standing["appeal"] == pytest.approx(sum(x["score"] for x in own_list) / 3)
        assert standing["margin"] == pytest.approx(line["score"] - 0.75 * standing["appeal"])
        assert str(line["rank"]) in standing["reason"]["en"]
        assert str(line["rank"]) in standing["reason"]["ja"]


def test_places_follow_each_change_of_the_data(staff: TestClient) -> None:
    mine = create(staff, PATH, partner())
    weak = capability(title_en="Citrus fruit", text_en=None)
    create(staff, f"{PATH}/{mine['id']}/capabilities", weak)
    asked = _need(staff)

    def standing() -> Body:
        (item,) = get(staff, f"{PATH}/{mine['id']}/matches")["items"]
        found: Body = item["standing"]
        return found

    assert (standing()["place"], standing()["eligible"]) == (1, 1)
    _with_paper(staff)  # somebody who fits better
    assert (standing()["place"], standing()["eligible"]) == (2, 2)
    edited = {"title_en": "Where does citrus fruit grow?", "brief_en": "Citrus fruit"}
    staff.patch(f"/v1/needs/{asked['id']}", json=edited)
    assert (standing()["place"], standing()["eligible"]) == (1, 2)
    _with_paper(staff, unavailable=[{"start": "2020-01-01"}])  # nobody to be compared with
    assert standing()["eligible"] == 2


@pytest.mark.parametrize(("name", "value"), [("top", 0), ("top", 201), ("explain", SECRET)])
def test_matches_refuse(staff: TestClient, name: str, value: int | str) -> None:
    stored = create(staff, PATH, partner())
    problem(staff.get(f"{PATH}/{stored['id']}/matches", params={name: value}), 422, name)
