"""Whether the schema can be spread over machines, as docs/scaling.md says.

A server such as Citus asks that the column by which it spreads a table is in its primary key, in
each unique index, and in the foreign keys between tables that are spread; that no table that lies
whole on each machine refers to one that is spread; and that the column never changes. What is not
so today is named in the document, with what the operator has to do.
"""

import re
from pathlib import Path

from sqlalchemy import ForeignKeyConstraint, PrimaryKeyConstraint, Table, UniqueConstraint

from models import Base

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "scaling.md"

SPREAD = {
    "capabilities": "partner_id",
    "passage_vectors": "partner_id",
    "embeddings": "content_hash",
}
"""The tables that grow with the texts, and the column by which each is spread."""


def _in_the_way() -> set[str]:
    """What such a server would refuse, as "table: constraint"."""
    found: set[str] = set()
    for name, table in Base.metadata.tables.items():
        for key, columns in _unique(table):
            if name in SPREAD and SPREAD[name] not in columns:
                found.add(f"{name}: {key}")
        for constraint in table.foreign_key_constraints:
            if _target(constraint) in SPREAD and not _stays_together(name, constraint):
                found.add(f"{name}: {constraint.name}")
    return found


def _unique(table: Table) -> list[tuple[str, set[str]]]:
    keys = [
        (str(constraint.name), {column.name for column in constraint.columns})
        for constraint in table.constraints
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint)
    ]
    return keys + [
        (str(index.name), {column.name for column in index.columns})
        for index in table.indexes
        if index.unique
    ]


def _target(constraint: ForeignKeyConstraint) -> str:
    return constraint.elements[0].column.table.name


def _stays_together(name: str, constraint: ForeignKeyConstraint) -> bool:
    if name not in SPREAD or constraint.onupdate is not None:
        return False
    pairs = {(each.parent.name, each.column.name) for each in constraint.elements}
    return (SPREAD[name], SPREAD[_target(constraint)]) in pairs


def _documented() -> set[str]:
    """The lines "- `table: constraint`" of the document."""
    lines = re.findall(r"^- `(\w+: \w+)`", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    return set(lines)


def test_the_document_names_each_constraint_that_is_in_the_way() -> None:
    assert _documented() == _in_the_way() != set()


def test_vectors_lie_with_the_partner_they_are_of() -> None:
    """Else a search among a partner's texts would ask every machine."""
    table = Base.metadata.tables["passage_vectors"]
    assert next(iter(table.primary_key.columns)).name == SPREAD["passage_vectors"]
    (key,) = table.foreign_key_constraints
    assert {(each.parent.name, each.column.name) for each in key.elements} == {
        ("partner_id", "partner_id"),
        ("capability_id", "id"),
    }
