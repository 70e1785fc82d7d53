"""The data map names every column, and docs/data-map.md is what it says."""

from pathlib import Path

import pytest

from app.privacy import TABLES, DataTable, markdown
from app.services.person_export import covered_tables
from models import Base

ROOT = Path(__file__).resolve().parents[2]
BY_NAME = {table.name: table for table in TABLES}


def columns(table: DataTable) -> list[str]:
    """All that the map names of a table."""
    return [*table.personal, *table.withheld, *table.mentions, *table.none]


def unmapped(tables: dict[str, set[str]]) -> set[str]:
    """What the map does not name, or names twice, of these tables, or names and is not there."""
    wrong = {f"{name}.{c}" for name in BY_NAME if name not in tables for c in ("*",)}
    for name, found in tables.items():
        mapped = columns(BY_NAME[name]) if name in BY_NAME else []
        wrong |= {f"{name}.{column}" for column in found ^ set(mapped)}
        wrong |= {f"{name}.{column}" for column in mapped if mapped.count(column) > 1}
    return wrong


def schema() -> dict[str, set[str]]:
    """The columns of the database."""
    return {name: set(table.columns.keys()) for name, table in Base.metadata.tables.items()}


def test_every_column_is_mapped_once() -> None:
    assert unmapped(schema()) == set()


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"partners": {*schema()["partners"], "telephone"}}, {"partners.telephone"}),
        ({"outbox": {"address"}}, {"outbox.address"}),
        ({"partners": schema()["partners"] - {"orcid"}}, {"partners.orcid"}),
    ],
)
def test_the_guard_notices(change: dict[str, set[str]], wrong: set[str]) -> None:
    assert unmapped(schema() | change) == wrong


def test_whatever_is_personal_says_how_it_is_handled() -> None:
    for table in TABLES:
        said = (table.whose, table.purpose, table.exported, table.erased, table.kept)
        assert all(said) if table.personal or table.withheld else not any(said), table.name


def test_the_export_covers_every_table_with_columns_for_it() -> None:
    assert covered_tables() == sorted(table.name for table in TABLES if table.personal)


def test_vectors_and_secrets_are_in_no_export() -> None:
    for table, column in (
        ("embeddings", "vector"),
        ("accounts", "password_hash"),
        ("api_keys", "sha256"),
        ("sign_in_sessions", "sha256"),
    ):
        assert column in BY_NAME[table].withheld


def test_the_document_is_what_the_program_prints() -> None:
    written = (ROOT / "docs" / "data-map.md").read_text(encoding="utf-8")
    assert written == markdown(), "run `enmusubi person data-map > docs/data-map.md`"
