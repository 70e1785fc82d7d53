"""Reads on a real streaming replica: never less than what was committed, whatever happens to it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, create_engine, text

from app import replicas
from app.access import Actor
from app.contexts import AUTHENTICATION, NOBODY, SYSTEM
from app.db import Database
from app.replicas import READS, ReplicaState
from app.settings import Settings
from models import Role, new_id
from tests.app.asking import create, eventually, get, ids, need, organisation, problem
from tests.conftest import with_key
from tests.faults.server.clusters import Server
from tests.servers import plain, run

pytestmark = pytest.mark.slow

PATIENCE = 60
COMPANY = Actor(new_id(), Role.COMPANY, new_id())


@pytest.fixture
def served(
    settings: Settings, replica: Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """The application's database, with the replica."""
    monkeypatch.setattr(replicas, "RETRY_SECONDS", 0.2)
    url = settings.database_url.get_secret_value()
    database = Database.at(url, replica=url.replace(_port(url), f":{replica.port}/"))
    yield database
    database.dispose()


def _port(url: str) -> str:
    return ":" + url.rpartition(":")[2].partition("/")[0] + "/"


def on_replica(database: Database) -> bool:
    """Whether a reader is there now."""
    with database.reading(NOBODY) as session:
        return bool(session.scalar(text("SELECT pg_is_in_recovery()")))


def served_by_it() -> float:
    """Reads so far."""
    return float(READS.labels("up")._value.get())


@pytest.fixture
def paused(replica: Server, served: Database) -> Iterator[Connection]:
    """The replica receives, but shows nothing new."""
    eventually(lambda: on_replica(served), PATIENCE)
    engine = create_engine(
        plain(replica.url.set(drivername="postgresql+psycopg")), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_wal_replay_pause()")
        state = "SELECT pg_get_wal_replay_pause_state()"
        eventually(lambda: connection.exec_driver_sql(state).scalar() == "paused", PATIENCE)
        yield connection
        connection.exec_driver_sql("SELECT pg_wal_replay_resume()")
    engine.dispose()


def test_reads_are_served_by_the_replica(
    served: Database, staff: TestClient, company: TestClient, company_id: str
) -> None:
    other = create(staff, "/v1/organisations", organisation(name_en="Somebody else"))["id"]
    mine = create(company, "/v1/needs", need(organisation_id=company_id))
    create(staff, "/v1/needs", need(organisation_id=other))
    eventually(lambda: on_replica(served), PATIENCE)

    with served.reading(COMPANY) as session:
        asked = "SELECT pg_is_in_recovery(), current_user, current_setting({})"
        found = session.execute(text(asked.format("'transaction_isolation'"))).one()
        assert tuple(found) == (True, "enmusubi_app", "repeatable read")
    for context in (AUTHENTICATION, SYSTEM):
        with served.reading(context) as session:
            assert not session.scalar(text("SELECT pg_is_in_recovery()"))
    before = served_by_it()
    assert ids(get(company, "/v1/needs")["items"]) == [mine["id"]], "row security holds there"
    get(company, f"/v1/needs/{mine['id']}/matches")
    assert served_by_it() >= before + 2
    assert get(company, "/readyz")["read_replica"] == "up"


def test_a_replica_that_lags_is_not_read(
    served: Database, staff: TestClient, database: Database, company_id: str, paused: Connection
) -> None:
    stored = create(staff, "/v1/needs", need(organisation_id=company_id))
    assert get(staff, f"/v1/needs/{stored['id']}")["title_en"] == stored["title_en"]
    assert ids(get(staff, "/v1/needs")["items"]) == [stored["id"]]
    assert get(staff, "/readyz")["read_replica"] == "behind"
    paused.exec_driver_sql("SELECT pg_wal_replay_resume()")
    eventually(lambda: on_replica(served), PATIENCE)
    assert ids(get(staff, "/v1/needs")["items"]) == [stored["id"]]


def test_what_was_written_is_seen_at_once(
    served: Database, staff: TestClient, company_id: str
) -> None:
    """Whoever serves the read; the writer goes on as fast as it can."""
    eventually(lambda: on_replica(served), PATIENCE)
    before = served_by_it()

    def work(client: TestClient) -> None:
        for _ in range(8):
            stored = create(client, "/v1/organisations", organisation())
            assert get(client, f"/v1/organisations/{stored['id']}") == stored

    with ThreadPoolExecutor(4) as pool:
        secret = staff.headers["Authorization"].removeprefix("Bearer ")
        for done in [pool.submit(work, with_key(staff, secret)) for _ in range(4)]:
            done.result()
    eventually(lambda: on_replica(served), PATIENCE)
    assert served_by_it() > before


def test_reads_go_on_when_the_replica_is_killed(
    served: Database, staff: TestClient, replica: Server
) -> None:
    stored = create(staff, "/v1/organisations", organisation())
    eventually(lambda: on_replica(served), PATIENCE)
    stop, answers = Event(), []

    def read(client: TestClient) -> None:
        while not stop.is_set():
            answers.append(client.get(f"/v1/organisations/{stored['id']}"))

    with ThreadPoolExecutor(4) as pool:
        secret = staff.headers["Authorization"].removeprefix("Bearer ")
        readers = [pool.submit(read, with_key(staff, secret)) for _ in range(4)]
        eventually(lambda: len(answers) >= 20, PATIENCE)
        replica.kill()
        done = len(answers)
        eventually(lambda: len(answers) >= done + 40, PATIENCE)
        stop.set()
        for reader in readers:
            reader.result()
    for answer in answers:
        if answer.status_code != 200:
            problem(answer, 503)
            assert answer.headers["Retry-After"]
    failed = sum(answer.status_code != 200 for answer in answers)
    assert failed <= len(readers), "once for each at most: those in the middle of a read"
    assert all(answer.status_code == 200 for answer in answers[-20:])
    assert get(staff, "/readyz")["read_replica"] == "down"

    replica.start()
    eventually(lambda: on_replica(served), PATIENCE)
    assert get(staff, "/readyz")["read_replica"] == "up"


def test_a_server_that_is_no_replica_is_not_read(settings: Settings) -> None:
    """It was promoted, say: nobody writes to it what is written here."""
    url = settings.database_url.get_secret_value()
    database = Database.at(url, replica=url)
    assert database.replica is not None
    assert not on_replica(database)
    assert database.replica.state is ReplicaState.BEHIND
    database.dispose()


def test_without_the_primary_nothing_is_read(
    served: Database, staff: TestClient, server: Server
) -> None:
    """The replica cannot know by itself whether it has everything."""
    eventually(lambda: on_replica(served), PATIENCE)
    server.stop()
    try:
        answer = staff.get("/v1/organisations")
        problem(answer, 503)
        assert answer.headers["Retry-After"]
    finally:
        server.start()
    eventually(lambda: staff.get("/v1/organisations").status_code == 200, PATIENCE)
    run(server.url, "CHECKPOINT")
    eventually(lambda: on_replica(served), PATIENCE)
