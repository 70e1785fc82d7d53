"""What a list says of itself: probabilities, whether anybody fits, and who nearly does."""

from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.contexts import SYSTEM
from app.db import Database
from app.services.corpus import Engine
from matching.calibrate import Calibration, Curve
from matching.model import Model
from matching.signals import SIGNALS
from tests.app.asking import capability, create, get, need, organisation, partner
from tests.conftest import engines_of
from tests.factories import make_capability, make_partner

CALIBRATION = Calibration(
    place=Curve((0.0, 1.0, 0.0), -3.0),
    strength=Curve((0.0, 1.0, 0.0), -3.0),
    threshold=0.5,
    typical={signal.name: 0.9 for signal in SIGNALS},
)
FIELDS = (
    *("welding", "robot", "vision", "aluminium", "sheet", "plating", "bath", "nickel", "sensor"),
    *("polymer", "film", "coating", "resin", "mould", "steel", "powder", "laser", "furnace"),
)


@pytest.fixture
def others(database: Database) -> None:
    """Forty partners who speak of something else."""
    with database.writing(SYSTEM) as session:
        for number in range(40):
            words = " ".join(FIELDS[(number * 7 + i) % len(FIELDS)] for i in range(6))
            make_capability(
                session,
                make_partner(session, name_en=f"Nobody {number}"),
                title_en=f"Study {number}",
                text_en=f"{words} for our bitter months.",
            )


@pytest.fixture
def calibrated(application: FastAPI, staff: TestClient, engine: Engine, others: None) -> TestClient:
    """Called by a coordinator, on an engine with a calibration."""
    application.state.engines = engines_of(replace(engine, model=Model(calibration=CALIBRATION)))
    return staff


def fill(client: TestClient, *, expert: bool, **terms: object) -> None:
    """Beside the others, maybe one who knows juice."""
    if expert:
        home = create(client, "/v1/partners", partner(name_en="Juice expert", **terms))
        create(client, f"/v1/partners/{home['id']}/capabilities", capability())


def submit(client: TestClient, **changes: object) -> str:
    """A need of a company; its id."""
    owner = create(client, "/v1/organisations", organisation())
    made = create(client, "/v1/needs", need(organisation_id=owner["id"], **changes))
    return str(made["id"])


def test_a_strong_partner_is_said_to_be_one(calibrated: TestClient) -> None:
    fill(calibrated, expert=True)

    found = get(calibrated, f"/v1/needs/{submit(calibrated)}/matches")

    assert found["strong"] is True
    assert found["advice"] is None
    assert found["near_misses"] == []
    chances = [item["probability"] for item in found["items"]]
    assert found["items"][0]["partner"]["name_en"] == "Juice expert"
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 2 * chances[1]


def test_without_a_strong_partner_the_list_says_so_and_what_each_lacks(
    calibrated: TestClient,
) -> None:
    fill(calibrated, expert=False)

    found = get(calibrated, f"/v1/needs/{submit(calibrated)}/matches")

    assert found["strong"] is False
    assert "No strong partner" in found["advice"]["en"]
    assert "強く合う候補は見つかっていません" in found["advice"]["ja"]
    first = found["near_misses"][0]
    assert first["partner"]["id"] == found["items"][0]["partner"]["id"]
    assert first["obstacle"] is None
    assert first["lacks"]
    assert all(lack["detail"]["ja"] for lack in first["lacks"])


def test_a_partner_who_refuses_the_terms_is_the_nearest_miss(calibrated: TestClient) -> None:
    fill(calibrated, expert=True, engagement_types=["testing"])

    found = get(calibrated, f"/v1/needs/{submit(calibrated, engagement_types=['licence'])}/matches")

    nearest = found["near_misses"][0]
    assert nearest["partner"]["name_en"] == "Juice expert"
    assert nearest["obstacle"] == "engagement_refused"
    assert nearest["rank"] == 1
    assert "Juice expert" not in [item["partner"]["name_en"] for item in found["items"]]


def test_an_empty_list_shows_who_is_blocked_even_without_a_calibration(staff: TestClient) -> None:
    home = create(staff, "/v1/partners", partner(engagement_types=["testing"]))
    create(staff, f"/v1/partners/{home['id']}/capabilities", capability())

    found = get(staff, f"/v1/needs/{submit(staff, engagement_types=['licence'])}/matches")

    assert found["items"] == []
    assert found["strong"] is False
    assert [miss["obstacle"] for miss in found["near_misses"]] == ["engagement_refused"]


@pytest.mark.usefixtures("others")
def test_without_a_calibration_the_list_says_so(staff: TestClient) -> None:
    fill(staff, expert=True)

    found = get(staff, f"/v1/needs/{submit(staff)}/matches")

    assert found["strong"] is None
    assert found["strength"] is None
    assert "not calibrated" in found["advice"]["en"]
    assert {item["probability"] for item in found["items"]} == {None}


def test_a_company_learns_whether_anybody_fits_but_not_who_nearly_does(
    calibrated: TestClient, company: TestClient
) -> None:
    fill(calibrated, expert=True, engagement_types=["testing"])
    made = create(company, "/v1/needs", need(engagement_types=["licence"]))

    found = get(company, f"/v1/needs/{made['id']}/matches")

    assert found["strong"] is False
    assert found["advice"]["ja"]
    assert set(found) == {"need_id", "strong", "advice", "candidates"}
    assert "Juice expert" not in str(found)


def test_a_kept_list_keeps_what_it_said_of_itself(calibrated: TestClient) -> None:
    fill(calibrated, expert=True)
    need_id = submit(calibrated)

    kept = create(calibrated, f"/v1/needs/{need_id}/match-runs", {})

    assert kept["strong"] is True
    assert 0.5 < kept["strength"] <= 1
    assert all(0 <= match["probability"] <= 1 for match in kept["matches"])
    assert get(calibrated, f"/v1/match-runs/{kept['id']}") == kept
