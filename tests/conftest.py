"""Fixtures shared by all tests: a migrated database, the engine, the HTTP application."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import UUID

import hypothesis
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import URL
from sqlalchemy.orm import Session

from app import admission, main, shedding
from app.contexts import SYSTEM
from app.db import Database
from app.main import create_app
from app.migrations import upgrade
from app.routes import health
from app.services import passwords
from app.services.corpus import Engine
from app.services.encoders import Offered, Recipe
from app.services.engines import Engines, Limits
from app.services.keys import create_key
from app.settings import Settings, get_settings
from matching.encoders import make_encoder
from models import Role
from tests.factories import make_organisation, make_partner
from tests.servers import SystemDatabase, a_server, new_database, plain
from tests.statements import compiled_once
from tests.tiny_encoder import train_tiny

# The same examples each time, however long one takes: nothing fails by chance or by load.
hypothesis.settings.register_profile(
    "ours",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=50,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("ours")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Let each of the processes compute in one thread: there is one for each core.

    With more, the threads of all of them wait for each other and keep the cores busy with it.
    """
    for library in ("OMP", "OPENBLAS"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--database postgresql` runs every test on a real server that does not name a reason."""
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="what the tests' databases are; those of tests/postgres are PostgreSQL in any case",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest tests, so that no process is left alone with one at the end."""
    items.sort(key=lambda item: "ten_thousand" not in item.name)
    if config.getoption("database") != "postgresql":
        return
    for item in items:
        if marker := item.get_closest_marker("sqlite"):
            item.add_marker(pytest.mark.skip(f"about SQLite: {marker.args[0]}"))


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """No request of a test is sent away because the machine has other things to do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shedding, "PATIENCE", 120.0)
        patch.setattr(admission, "WAIT_SECONDS", 120.0)
        patch.setattr(health, "WAIT_SECONDS", 120.0)
        yield


@pytest.fixture(scope="session", autouse=True)
def statements() -> Iterator[None]:
    """The tests' engines share what they compile."""
    with compiled_once():
        yield


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file made by the real migrations, copied for each test."""
    file = tmp_path_factory.mktemp("migrated") / "template.db"
    database = Database.at(f"sqlite:///{file}")
    upgrade(database)
    database.engine.dispose()
    return file


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    """The address of a real PostgreSQL server, by a superuser."""
    with a_server() as url:
        yield url


@pytest.fixture(scope="session")
def migrated(server: URL) -> Iterator[URL]:
    """A database of the server made by the real migrations, copied for each test."""
    with new_database(server) as url:
        database = Database.at(plain(url))
        upgrade(database)
        database.engine.dispose()
        yield url


Fresh = Callable[[Path], AbstractContextManager[str]]
"""Makes a migrated database for a while, in this folder if it is a file; says its URL."""


def on_server(server: URL, migrated: URL) -> Fresh:
    """Databases of a PostgreSQL server."""

    @contextmanager
    def fresh(_: Path) -> Iterator[str]:
        with new_database(server, str(migrated.database)) as url:
            yield plain(url)

    return fresh


def in_files(migrated_file: Path) -> Fresh:
    """Databases of SQLite."""

    @contextmanager
    def fresh(folder: Path) -> Iterator[str]:
        shutil.copy(migrated_file, folder / "enmusubi.db")
        yield f"sqlite:///{folder / 'enmusubi.db'}"

    return fresh


@pytest.fixture(scope="session")
def fresh(request: pytest.FixtureRequest) -> Fresh:
    """As `--database` says."""
    if request.config.getoption("database") == "postgresql":
        return on_server(request.getfixturevalue("server"), request.getfixturevalue("migrated"))
    return in_files(request.getfixturevalue("migrated_file"))


@pytest.fixture(scope="session")
def tiny_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a static encoder trained on made pairs with the hashing encoder as its teacher."""
    return train_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def settings(tmp_path: Path, fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of a fresh, migrated database in a folder of its own, with the hashing encoder."""
    with fresh(tmp_path) as url:
        if not url.startswith("sqlite"):  # that file is the default
            monkeypatch.setenv("ENMUSUBI_DATABASE_URL", url)
        monkeypatch.setenv("ENMUSUBI_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("ENMUSUBI_ENCODER", "hashing")
        monkeypatch.setenv("ENMUSUBI_RATE_LIMITS", "false")  # a test that wants them asks for them
        monkeypatch.chdir(tmp_path)  # no .env of the developer's
        get_settings.cache_clear()
        yield get_settings()
        get_settings.cache_clear()


@pytest.fixture
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """argon2id with the least work, for tests that are not about its strength."""
    least = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "HASHER", least)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """The test's database, for factories and checks.

    On PostgreSQL the application has another, that shows nothing unasked.
    """
    kind = Database if settings.url.startswith("sqlite") else SystemDatabase
    database = kind.at(settings.url)
    yield database
    database.engine.dispose()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A session of the program itself, which commits at the end of the test."""
    with database.writing(SYSTEM) as session:
        yield session


@pytest.fixture
def engine(settings: Settings, database: Database) -> Iterator[Engine]:
    """The ranking engine, on a database as the application opens it."""
    own = Database.at(settings.url) if isinstance(database, SystemDatabase) else database
    yield Engine.make(
        own,
        make_encoder("hashing"),
        inline=settings.inline_embeddings,
        sentence_cache=1000,
    )
    own.engine.dispose()


@pytest.fixture(scope="session")
def application(migrated_file: Path) -> FastAPI:
    """The real application, built once since that takes a while; `serving` gives it an engine."""
    settings = Settings(
        _env_file=None,
        data_dir=migrated_file.parent,
        encoder="hashing",
        rate_limits=False,
    )
    with pytest.MonkeyPatch.context() as patch:
        # Nobody waits for a place: those who do wake each other in one event loop, and a test
        # client has a loop for each of its threads.
        patch.setattr(main, "Places", lambda _, waiting: shedding.Places(1000, waiting))
        return create_app(settings)


def engines_of(engine: Engine) -> Engines:
    """As the service holds them, with this one as its own; others are made by their names."""
    engines = Engines(
        engine.database,
        Offered(Recipe("hashing"), engine.encoder),
        make=lambda recipe: make_encoder(recipe.name),
        model_of=lambda _: engine.model,
        limits=Limits(inline=32, sentence_cache=1000),
    )
    engines.offer(engine)
    return engines


@contextmanager
def serving(application: FastAPI, engine: Engine) -> Iterator[TestClient]:
    """The application started on an engine, without a key; unexpected errors answer 500."""
    application.state.engines = engines_of(engine)
    with TestClient(application, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def anonymous(application: FastAPI, engine: Engine) -> Iterator[TestClient]:
    """The real application, called without a key."""
    with serving(application, engine) as client:
        yield client


def with_key(client: TestClient, secret: str) -> TestClient:
    """The same application, in the same event loop, called with a key."""
    keyed = TestClient(
        client.app,
        headers={"Authorization": f"Bearer {secret}"},
        raise_server_exceptions=False,
    )
    keyed.portal = client.portal
    return keyed


@pytest.fixture
def staff(anonymous: TestClient, database: Database) -> TestClient:
    """Called by a coordinator."""
    with database.writing() as session:
        _, secret = create_key(session, name="coordinator", role=Role.COORDINATOR)
    return with_key(anonymous, secret)


@pytest.fixture
def company_id(database: Database) -> str:
    """Id of the organisation that `company` speaks for."""
    with database.writing() as session:
        return str(make_organisation(session, name_en="Hyuganada Brewing").id)


@pytest.fixture
def company(anonymous: TestClient, database: Database, company_id: str) -> TestClient:
    """Called by a company."""
    with database.writing() as session:
        _, secret = create_key(
            session, name="company", role=Role.COMPANY, organisation_id=UUID(company_id)
        )
    return with_key(anonymous, secret)


@pytest.fixture
def partner_id(database: Database) -> str:
    """Id of the partner that `partner_client` speaks for."""
    with database.writing() as session:
        return str(make_partner(session, name_en="Haruka Kuroki").id)


@pytest.fixture
def partner_client(anonymous: TestClient, database: Database, partner_id: str) -> TestClient:
    """Called by a partner's self-service."""
    with database.writing() as session:
        _, secret = create_key(
            session, name="partner", role=Role.PARTNER, partner_id=UUID(partner_id)
        )
    return with_key(anonymous, secret)
