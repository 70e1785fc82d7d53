"""The migrations: numbered, linear, reversible, and equal to the models."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Connection, Engine, func, inspect, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from alembic import command
from app import migrations
from app.access import SCOPES_OF
from app.cli.opening import TERMINAL
from app.db import Database
from app.migrations import configuration, is_current, upgrade
from app.services.names import named, place_by_name, renew_name_keys
from app.services.partners import list_partners
from models import (
    ApiKey,
    Audience,
    Base,
    Capability,
    CapabilityKind,
    CorpusRevision,
    DistinctPartners,
    LicenceStatus,
    Need,
    NeedVersion,
    Organisation,
    Partner,
    Role,
    Unavailability,
    new_id,
    organisation_name_keys,
    partner_name_keys,
)
from tests.factories import (
    make_account,
    make_capability,
    make_introduction,
    make_need,
    make_organisation,
    make_partner,
    make_version,
)

pytestmark = pytest.mark.sqlite("its migrations; those of PostgreSQL are in tests/postgres")


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Database]:
    """A database without tables."""
    database = Database.at(f"sqlite:///{tmp_path / 'empty.db'}")
    yield database
    database.engine.dispose()


def _downgrade(database: Database, revision: str) -> None:
    config = configuration()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


def _schema(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%'")
        )
        return {name: sql for name, sql in rows if sql}


def test_numbered_and_linear() -> None:
    scripts = list(ScriptDirectory.from_config(configuration()).walk_revisions())[::-1]
    assert scripts
    for number, script in enumerate(scripts, 1):
        assert script.revision == f"{number:04}"
        assert script.down_revision == (f"{number - 1:04}" if number > 1 else None)
        assert re.fullmatch(rf"{number:04}_[a-z0-9_]+\.py", Path(script.path).name)
        assert not script.branch_labels
        assert not script.dependencies
    folder = Path(scripts[0].path).parent
    assert len(list(folder.glob("*.py"))) == len(scripts)


def test_upgrade_makes_the_models(empty: Database) -> None:
    assert not is_current(empty)
    upgrade(empty)
    assert is_current(empty)
    with empty.engine.connect() as connection:
        assert _differences(connection) == []


def test_the_comparison_notices(empty: Database) -> None:
    upgrade(empty)
    with empty.engine.begin() as connection:
        connection.execute(text("ALTER TABLE needs ADD COLUMN colour VARCHAR"))
        connection.execute(text("DROP INDEX ix_needs_status"))
    with empty.engine.connect() as connection:
        assert len(_differences(connection)) == 2


def _checks_of(sql: str) -> set[str]:
    return set(re.findall(r"CONSTRAINT (ck_\w+) CHECK", sql))


def test_check_constraints_are_the_models(empty: Database, tmp_path: Path) -> None:
    """`compare_metadata` does not look at check constraints: they are compared by their text."""
    upgrade(empty)
    direct = Database.at(f"sqlite:///{tmp_path / 'direct.db'}")
    Base.metadata.create_all(direct.engine)
    for name, table in Base.metadata.tables.items():
        migrated = {
            c["name"]: c["sqltext"] for c in inspect(empty.engine).get_check_constraints(name)
        }
        modelled = {
            c["name"]: c["sqltext"] for c in inspect(direct.engine).get_check_constraints(name)
        }
        assert migrated == modelled
        assert len(modelled) == sum(isinstance(c, CheckConstraint) for c in table.constraints)
    direct.engine.dispose()


def test_down_to_nothing_and_up_again(empty: Database) -> None:
    upgrade(empty)
    before = _schema(empty.engine)
    _downgrade(empty, "base")
    assert _schema(empty.engine) == {}
    assert not is_current(empty)
    upgrade(empty)
    assert _schema(empty.engine) == before


@pytest.mark.slow
def test_each_step_down_and_up(empty: Database) -> None:
    revisions = [s.revision for s in ScriptDirectory.from_config(configuration()).walk_revisions()]
    for revision in revisions[::-1]:
        upgrade(empty, revision)
        after = _schema(empty.engine)
        _downgrade(empty, "-1")
        upgrade(empty, revision)
        assert _schema(empty.engine) == after


def test_upgrade_twice_changes_nothing(database: Database) -> None:
    with database.writing() as session:
        make_need(session)
    before = _schema(database.engine)
    upgrade(database)
    assert _schema(database.engine) == before
    with database.reading() as session:
        assert session.query(Need).count() == 1


OLD_NAMES = (
    ("partners", "researcher", "髙橋 太郎", "Taro Takahashi"),
    ("partners", "company", None, "Hyuganada Brewing"),
    ("organisations", "university", "日向灘大学", None),
)


def test_names_stored_before_are_found_and_sorted(empty: Database) -> None:
    """Migration 0003 computes what the services keep current afterwards."""
    upgrade(empty, "0002")
    with empty.engine.begin() as connection:
        for number, (table, kind, name_ja, name_en) in enumerate(OLD_NAMES):
            more = {"languages": "[]", "engagement_types": "[]"} if table == "partners" else {}
            values = {"id": f"{number:032x}", "kind": kind, "name_ja": name_ja, "name_en": name_en}
            values |= dict.fromkeys(("created_at", "updated_at"), "2026-01-01") | more
            columns = ", ".join(values)
            marks = ", ".join(f":{column}" for column in values)
            connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({marks})"), values)

    upgrade(empty)

    with empty.writing() as session:
        people = list_partners(session, actor=TERMINAL, cursor=None, limit=9, name="たかはし").items
        assert [partner.name_ja for partner in people] == ["髙橋 太郎"]
        homes = session.scalars(named(select(Organisation), Organisation, "大学")).all()
        assert [home.name_ja for home in homes] == ["日向灘大学"]
        before = _names(session)
        everybody = list(session.scalars(select(Partner)).unique())
        rows: list[Organisation | Partner] = [*everybody, *homes]
        for row in rows:
            row.name_sort, place = "", row.name_sort
            place_by_name(row)
            assert row.name_sort == place != ""
        session.flush()
        renew_name_keys(session, everybody)
        renew_name_keys(session, homes)
        assert _names(session) == before
        assert len(before) > 5


def _names(session: Session) -> set[Any]:
    return {
        tuple(row)
        for table in (partner_name_keys, organisation_name_keys)
        for row in session.execute(select(table))
    }


def test_the_revision_row_is_there(database: Database) -> None:
    with database.reading() as session:
        assert [(r.id, r.value) for r in session.query(CorpusRevision)] == [(1, 0)]


# What the database itself refuses.

ORPHANS = [
    (
        "INSERT INTO needs (id, organisation_id, kind, title_en, engagement_types, confidentiality,"
        " status, posted_on, excluded_organisations, excluded_evidence, created_at, updated_at)"
        " VALUES ('a', 'nobody', 'people', 'x', '[]', 'public', 'open', '2026-01-01', '[]', '[]',"
        " '2026-01-01', '2026-01-01')"
    ),
    "INSERT INTO need_clusters VALUES ('nobody', 'nothing')",
    (
        "INSERT INTO matches (id, run_id, partner_id, rank, score, signals, evidence)"
        " VALUES ('a', 'b', 'c', 1, 1, '[]', '[]')"
    ),
    "INSERT INTO unavailabilities (id, partner_id, start) VALUES ('a', 'b', '2026-01-01')",
]


@pytest.mark.parametrize("statement", ORPHANS)
def test_foreign_keys_are_enforced(database: Database, statement: str) -> None:
    with (
        pytest.raises(IntegrityError, match="FOREIGN KEY"),
        database.engine.begin() as connection,
    ):
        connection.execute(text(statement))


def test_an_organisation_in_use_stays(database: Database) -> None:
    with database.writing() as session:
        owner = make_organisation(session)
        make_need(session, organisation_id=owner.id)
    with pytest.raises(IntegrityError), database.writing() as session:
        session.execute(text("DELETE FROM organisations"))


def test_evidence_goes_with_its_partner(database: Database) -> None:
    with database.writing() as session:
        make_capability(session, make_partner(session))
        session.execute(text("DELETE FROM partners"))
        assert session.query(Capability).count() == 0


def _break(session: Session, table: str, **values: Any) -> None:
    assignments = ", ".join(f'"{name}" = :{name}' for name in values)
    session.execute(text(f"UPDATE {table} SET {assignments}"), values)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("needs", {"kind": "magic"}),
        ("needs", {"status": "lost"}),
        ("needs", {"confidentiality": "secret"}),
        ("needs", {"title_en": None, "brief_en": None}),
        ("needs", {"trl_from": 0}),
        ("needs", {"trl_from": 10}),
        ("needs", {"trl_to": 10}),
        ("needs", {"trl_from": 5, "trl_to": 4}),
        ("needs", {"budget_jpy": -1}),
        ("organisations", {"name_en": None}),
        ("organisations", {"kind": "guild"}),
        ("partners", {"name_en": None}),
        ("partners", {"kind": "wizard"}),
        ("capabilities", {"title_en": None}),
        ("capabilities", {"kind": "rumour"}),
        ("capabilities", {"licence_status": "available"}),
        ("unavailabilities", {"end": "2026-12-31"}),
        ("partner_name_keys", {"kind": "nickname"}),
        ("organisation_name_keys", {"kind": "nickname"}),
        ("distinct_partners", {"second_id": "0"}),
        ("corpus_revision", {"id": 2}),
        ("accounts", {"role": "king"}),
        ("accounts", {"organisation_id": None}),
        ("accounts", {"role": "admin"}),
        ("accounts", {"role": "partner"}),
        ("accounts", {"oidc_subject": "x"}),
        ("introductions", {"state": "declined"}),
        ("introductions", {"state": "closed"}),
        ("introductions", {"outcome": "licence"}),
        ("need_versions", {"title_en": None, "brief_en": None}),
        ("need_versions", {"released_at": None, "withdrawn_at": "2026-11-26"}),
    ],
)
def test_check_constraints_are_enforced(
    database: Database, table: str, values: dict[str, Any]
) -> None:
    with database.writing() as session:
        owner = make_organisation(session)
        need = make_need(session, organisation_id=owner.id)
        who = make_partner(session)
        make_capability(session, who)
        make_version(session, need)
        make_introduction(session, need, who)
        make_account(session, role=Role.COMPANY, organisation_id=owner.id)
        session.add(DistinctPartners(first_id=who.id, second_id=make_partner(session).id))
        session.add(Unavailability(partner_id=who.id, start=who.created_at.date().replace(2027)))
    with pytest.raises(IntegrityError, match="CHECK"), database.writing() as session:
        _break(session, table, **values)


def test_a_patent_may_have_a_licence_status(database: Database) -> None:
    with database.writing() as session:
        make_capability(
            session,
            make_partner(session),
            kind=CapabilityKind.PATENT,
            licence_status=LicenceStatus.AVAILABLE,
        )


@pytest.mark.parametrize("field", ["external_id", "orcid", "researchmap_id"])
def test_identities_of_partners_are_unique(database: Database, field: str) -> None:
    with database.writing() as session:
        make_partner(session, **{field: "x"})
    with pytest.raises(IntegrityError, match="UNIQUE"), database.writing() as session:
        make_partner(session, **{field: "x"})


def test_external_ids_of_organisations_are_unique(database: Database) -> None:
    with database.writing() as session:
        make_organisation(session, external_id="x")
        make_organisation(session)
        make_organisation(session)  # any number may have none
    with pytest.raises(IntegrityError, match="UNIQUE"), database.writing() as session:
        make_organisation(session, external_id="x")


def test_external_ids_of_needs_are_unique_within_an_organisation(database: Database) -> None:
    with database.writing() as session:
        owner = make_organisation(session).id
        make_need(session, external_id="x", organisation_id=owner)
        make_need(session, external_id="x")  # of another organisation
    with pytest.raises(IntegrityError, match="UNIQUE"), database.writing() as session:
        make_need(session, external_id="x", organisation_id=owner)


def test_rebuilding_a_parent_table_keeps_its_children(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite drops the old table on a rebuild: enforced foreign keys would delete the children."""
    with database.writing() as session:
        make_capability(session, make_partner(session))
    head = ScriptDirectory.from_config(configuration()).get_current_head()
    folder = tmp_path / "alembic"
    shutil.copytree(migrations.FOLDER, folder)
    (folder / "versions" / "9999_rebuild.py").write_text(
        f'from alembic import op\n\nrevision = "9999"\ndown_revision = "{head}"\n\n\n'
        "def upgrade() -> None:\n"
        '    with op.batch_alter_table("partners", recreate="always"):\n        pass\n'
    )
    monkeypatch.setattr(migrations, "FOLDER", folder)

    migrations.upgrade(database)

    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Capability)) == 1
        assert session.scalar(text("PRAGMA foreign_keys")) == 1


def test_keys_get_accounts_and_needs_their_first_version(empty: Database) -> None:
    """What was stored before 0005 and 0006 lives on."""
    upgrade(empty, "0004")
    owner, need = new_id().hex, new_id().hex
    with empty.engine.begin() as connection:
        now = "2026-11-01 00:00:00"
        connection.execute(
            text(
                "INSERT INTO organisations (id, kind, name_en, name_sort, created_at, updated_at) "
                f"VALUES ('{owner}', 'company', 'Brewery', '', '{now}', '{now}')"
            )
        )
        for name, role, bound in (("a", "coordinator", None), ("b", "company", owner)):
            connection.execute(
                text(
                    "INSERT INTO api_keys (id, name, prefix, sha256, role, organisation_id, "
                    "created_at, updated_at) VALUES (:id, :name, :name, :name, :role, :bound, "
                    ":now, :now)"
                ),
                {"id": new_id().hex, "name": name, "role": role, "bound": bound, "now": now},
            )
        connection.execute(
            text(
                "INSERT INTO needs (id, organisation_id, kind, title_en, engagement_types, "
                "confidentiality, status, posted_on, excluded_organisations, excluded_evidence, "
                f"created_at, updated_at) VALUES ('{need}', '{owner}', 'technology', 'Juice', "
                f"'[]', 'staff_only', 'open', '2026-11-01', '[]', '[]', '{now}', '{now}')"
            )
        )
    upgrade(empty)
    with empty.reading() as session:
        keys = {key.name: key for key in session.scalars(select(ApiKey))}
        assert keys["a"].account.role is Role.COORDINATOR
        assert keys["b"].account.organisation_id == UUID(owner)
        assert set(keys["b"].scopes) == SCOPES_OF[Role.COMPANY]
        assert set(keys["a"].scopes) == SCOPES_OF[Role.COORDINATOR]
        version = session.scalars(select(NeedVersion)).one()
        assert (version.need_id, version.audience, version.title_en) == (
            UUID(need),
            Audience.FULL,
            "Juice",
        )
    _downgrade(empty, "0004")
    with empty.engine.connect() as connection:
        rows = connection.execute(text("SELECT name, role, organisation_id FROM api_keys"))
        assert set(rows) == {("a", "coordinator", None), ("b", "company", owner)}
