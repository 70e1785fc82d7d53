"""README's configuration table and the settings say the same."""

import re
from pathlib import Path

import pytest

from app.secret_files import secret_fields
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"\bENMUSUBI_[A-Z0-9_]*[A-Z0-9]\b")
FIELDS = {f"ENMUSUBI_{field.upper()}": info for field, info in Settings.model_fields.items()}
FILES = {f"ENMUSUBI_{field.upper()}_FILE" for field in secret_fields(Settings)}
"""Secrets may come from files."""


@pytest.fixture
def readme() -> str:
    return (ROOT / "README.md").read_text()


def rows(text: str) -> dict[str, list[str]]:
    """Table rows whose first cell names a setting, by that name."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        named = NAME.search(cells[0])
        if line.lstrip().startswith("|") and named:
            found[named.group()] = cells
    return found


def test_every_setting_is_in_the_table(readme: str) -> None:
    assert FIELDS.keys() - rows(readme).keys() == set()


def test_every_row_says_something(readme: str) -> None:
    assert [name for name, cells in rows(readme).items() if not all(cells[-1:])] == []


def test_defaults_in_the_table_are_true(readme: str) -> None:
    for name, cells in rows(readme).items():
        default = str(FIELDS[name].default)
        plain = " ".join(cells[1:]).replace(",", "").replace("_", "").replace("`", "")
        if default:
            assert default.replace("_", "") in plain, name


def test_every_name_in_the_documents_exists(readme: str) -> None:
    texts = [readme, *(p.read_text() for p in (ROOT / "docs").rglob("*.md"))]
    named = {name for text in texts for name in NAME.findall(text)}
    assert named - FIELDS.keys() - FILES == set()


def test_the_guard_notices() -> None:
    table = "| Name | Default |\n|---|---|\n| `ENMUSUBI_PORT` | 8000 |\nENMUSUBI_HOST is text"
    assert rows(table).keys() == {"ENMUSUBI_PORT"}
    assert NAME.findall("`ENMUSUBI_NOPE=1` and ENMUSUBI_*") == ["ENMUSUBI_NOPE"]
