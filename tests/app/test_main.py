import re
import threading

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from app.db import Database
from app.jobs.erasing import erase
from app.main import create_app, make_engines
from app.services.corpus import Engine
from app.services.erasure_ledger import Ledger
from app.services.keys import create_key
from app.settings import Settings
from matching import sudachi
from matching.encoders import EncoderError
from matching.sudachi import SudachiError
from matching.text import words_id
from models import Embedding, Partner, Role
from tests.app.asking import SECRET, create, get, need, organisation, problem
from tests.conftest import serving, with_key
from tests.copies import keep
from tests.factories import make_capability, make_partner


def _workers() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "embedding-worker"]


def test_the_worker_lives_as_long_as_the_service(application: FastAPI, engine: Engine) -> None:
    assert _workers() == []
    with serving(application, engine) as client:
        get(client, "/healthz")
        assert len(_workers()) == 1
    assert _workers() == []


def test_what_was_left_is_embedded_at_the_start(
    application: FastAPI, engine: Engine, database: Database
) -> None:
    with database.writing() as session:
        paper = make_capability(session, make_partner(session))
    done = threading.Event()
    renew = engine.corpora.renew

    def renewed(session: Session) -> None:
        renew(session)
        done.set()

    object.__setattr__(engine.corpora, "renew", renewed)
    with serving(application, engine):
        assert done.wait(10)
    with database.reading() as session:
        assert session.get(Embedding, (paper.content_hash, engine.encoder.id)) is not None


def test_a_restored_backup_is_erased_before_the_first_answer(
    application: FastAPI,
    engine: Engine,
    database: Database,
    settings: Settings,
) -> None:
    with database.writing() as session:
        person = make_partner(session, name_en="Haruka Kuroki", orcid="0000-0002-1825-0097")
        make_capability(session, person)
    restore = keep(database, settings.data_dir)
    erase(database, Ledger(settings.ledger), "0000-0002-1825-0097", reason="request")
    restore()
    with database.writing() as session:
        assert session.get(Partner, person.id) is not None
        _, secret = create_key(session, name="coordinator", role=Role.COORDINATOR)

    before, application.state.settings = application.state.settings, settings
    with serving(application, engine) as client:
        found = get(with_key(client, secret), "/v1/partners")
    application.state.settings = before

    assert found["items"] == []


def test_an_unknown_encoder_stops_the_start(settings: Settings) -> None:
    with pytest.raises(EncoderError, match="choices"):
        create_app(settings.model_copy(update={"encoder": "nonsense"}))


def test_missing_packages_of_sudachi_stop_the_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sudachi, "PACKAGES", ("no-such-package",))
    with pytest.raises(SudachiError, match="pip install"):
        create_app(settings.model_copy(update={"japanese": "sudachi"}))
    assert create_app(settings)
    assert words_id().endswith("-bigrams")


def test_the_engine_follows_the_settings(settings: Settings) -> None:
    engines = make_engines(settings)
    assert engines.database.engine.url.database == make_url(settings.url).database
    assert engines.own.encoder.id.startswith("hashing")


def _count(text: str, handler: str, method: str, status: str) -> float:
    lines = [
        line
        for line in text.splitlines()
        if line.startswith("enmusubi_http_requests_total")
        and f'handler="{handler}"' in line
        and f'method="{method}"' in line
        and f'status="{status}"' in line
    ]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def test_metrics_count_requests(staff: TestClient, anonymous: TestClient) -> None:
    before = staff.get("/metrics").text
    for _ in range(3):
        get(staff, "/v1/needs")
    problem(anonymous.get("/v1/needs"), 401)
    get(anonymous, "/healthz")
    after = staff.get("/metrics").text
    for status, more in (("200", 3), ("401", 1)):
        asked = ("/v1/needs", "GET", status)
        assert _count(after, *asked) - _count(before, *asked) == more
    assert not re.search(r'handler="/(metrics|healthz)"', after)


def test_metrics_hold_no_confidential_text(staff: TestClient, anonymous: TestClient) -> None:
    home = create(staff, "/v1/organisations", organisation(name_en=SECRET))["id"]
    stored = create(
        staff, "/v1/needs", need(organisation_id=home, title_en=SECRET, external_id=SECRET)
    )
    get(staff, f"/v1/needs/{stored['id']}/matches")
    staff.post("/v1/match", json={"text": SECRET})
    staff.get(f"/v1/needs/{SECRET}")
    staff.get(f"/{SECRET}", params={SECRET: SECRET})
    text = anonymous.get("/metrics").text
    assert SECRET not in text
    assert stored["id"] not in text
    assert home not in text


def test_documentation_is_open(anonymous: TestClient) -> None:
    assert anonymous.get("/docs").status_code == 200
    assert get(anonymous, "/openapi.json")["info"]["title"] == "Enmusubi"
