"""Bulk writing leaves what the ORM would leave, in chunks of any size."""

import json
from collections.abc import Iterator
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.db import Database
from app.jobs import importing
from app.services import bulk_rows, capability_imports, partner_imports
from app.services.audit_verification import verify
from app.services.imports import Imported
from data import importers
from data.importers import ReadResult
from data.records import CapabilityRecord, ClusterRecord, OrganisationRecord, PartnerRecord
from models import AuditEntry, Base, Capability, CorpusRevision, Partner, partner_name_keys

TODAY = date(2026, 11, 1)
CLUSTERS = [ClusterRecord(id=slug, name_en=slug) for slug in ("food", "it")]
HOME = OrganisationRecord.model_validate({"id": "home", "kind": "university", "name_en": "Home"})

TITLES = st.sampled_from(["Citrus peel", "焼酎粕の廃液", "Heat-resistant koji", "冷凍マンゴー"])
PIECES = st.fixed_dictionaries(
    {"title": TITLES, "kind": st.sampled_from(["paper", "equipment", "patent"])},
    optional={"year": st.integers(1990, 2026), "source": st.just("list"), "text": TITLES},
)
PARTNERS = st.fixed_dictionaries(
    {"name": st.sampled_from(["高橋 太郎", "Hanako Mori", "甲斐 明"])},
    optional={
        "kind": st.sampled_from(["researcher", "company"]),
        "affiliation": st.just("home"),
        "clusters": st.lists(st.sampled_from(["food", "it", "none"]), unique=True, max_size=3),
        "languages": st.just(["ja"]),
        "engagement_types": st.just(["consulting"]),
        "unavailable": st.just([{"from": "2027-04-01", "to": "2027-09-30", "reason": "leave"}]),
        "evidence": st.lists(PIECES, max_size=4),
    },
)


def records(found: list[dict[str, Any]], mark: str) -> ReadResult:
    """Partners under ids that start with a mark."""
    partners = []
    for number, values in enumerate(found):
        pieces = [piece | {"id": f"e{i}"} for i, piece in enumerate(values.get("evidence", []))]
        partners.append({**values, "id": f"{mark}{number}", "evidence": pieces})
    return ReadResult(
        clusters=CLUSTERS,
        organisations=[HOME],
        partners=[PartnerRecord.model_validate(partner) for partner in partners],
    )


def stored(database: Database, read: ReadResult) -> Imported:
    return importing.store(database, read, set_name="test", today=TODAY)


def by_orm(session: Session, table: Table, rows: list[dict[str, Any]]) -> None:
    """What `insert_rows` and `insert_new` do, by the ORM where there is a class."""
    mapped = {mapper.local_table: mapper.class_ for mapper in Base.registry.mappers}
    if table in mapped:
        session.add_all([mapped[table](**row) for row in rows])
        session.flush()
    elif rows:
        session.execute(table.insert(), rows)


def rows_of(database: Database, mark: str) -> dict[str, Any]:
    """All that is stored of the partners whose ids start with a mark, but ids and moments."""
    with database.reading(SYSTEM) as session:
        partners = session.scalars(select(Partner).where(Partner.external_id.startswith(mark)))
        found = {}
        for row in partners.unique().all():
            evidence = select(Capability).where(Capability.partner_id == row.id)
            keys = select(partner_name_keys.c.key).where(partner_name_keys.c.partner_id == row.id)
            pieces = session.scalars(evidence).all()
            entries = select(AuditEntry).where(
                AuditEntry.object_id.in_([row.id, *(piece.id for piece in pieces)])
            )
            assert row.created_at.tzinfo is not None
            found[str(row.external_id).removeprefix(mark)] = (
                plain(row),
                [cluster.slug for cluster in row.clusters],
                [(u.start, u.end, u.reason) for u in row.unavailable],
                sorted(session.scalars(keys)),
                sorted((plain(piece) for piece in pieces), key=str),
                sorted(
                    (e.event, e.object_kind, e.role, *e.fields) for e in session.scalars(entries)
                ),
            )
        return found


def plain(row: Base) -> dict[str, Any]:
    apart = {"id", "partner_id", "created_at", "updated_at"}
    values = {c.name: getattr(row, c.name) for c in row.__table__.columns if c.name not in apart}
    if isinstance(row, Partner):
        values.pop("external_id")
    return values


@pytest.fixture
def marks() -> Iterator[int]:
    return count()


@pytest.mark.slow
@settings(
    max_examples=12,
    phases=[Phase.generate],  # a failure here is readable as it is, and a try takes a while
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(found=st.lists(PARTNERS, max_size=5))
def test_bulk_rows_are_those_of_the_orm(
    database: Database, marks: Iterator[int], found: list[dict[str, Any]]
) -> None:
    number = next(marks)
    bulk, orm = f"bulk{number}-", f"orm{number}-"
    done = stored(database, records(found, bulk))
    with pytest.MonkeyPatch.context() as patch:
        for module in (bulk_rows, partner_imports, capability_imports):
            if hasattr(module, "insert_rows"):
                patch.setattr(module, "insert_rows", by_orm)
            patch.setattr(module, "insert_new", lambda s, m, rows: by_orm(s, m.__table__, rows))
        other = stored(database, records(found, orm))

    assert rows_of(database, bulk) == rows_of(database, orm)
    assert [p.replace(bulk, "") for p in done.problems] == [
        p.replace(orm, "") for p in other.problems
    ]
    again = stored(database, records(found, bulk))
    assert (again.created, again.changed) == (0, 0)
    with database.reading(SYSTEM) as session:
        assert verify(session).fault is None


def test_new_rows_raise_the_revision_and_have_entries(database: Database) -> None:
    piece = {"title": "Citrus"}
    with database.reading(SYSTEM) as session:
        before = session.scalar(select(CorpusRevision.value)) or 0
    stored(database, records([{"name": "Mori", "evidence": [piece, piece]}], "p"))
    with database.reading(SYSTEM) as session:
        assert (session.scalar(select(CorpusRevision.value)) or 0) > before
        kinds = [e.object_kind for e in session.scalars(select(AuditEntry)) if e.event == "create"]
    assert sorted(kinds) == ["capability"] * 2 + ["cluster"] * 2 + ["organisation", "partner"]


def test_evidence_in_rows_of_its_own_comes_in_chunks(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "PIECES", 7)
    (tmp_path / "capabilities.csv").write_text(
        "id,partner,title\n" + "".join(f"c{i},p{i % 9},Work {i}\n" for i in range(40))
    )
    (tmp_path / "people.jsonl").write_text("".join(f'{{"id": "p{i}"}}\n' for i in range(8)))
    steps: list[int] = []
    for created in (8 + 36, 0):
        stream = importers.stream(tmp_path)
        done = importing.store(database, stream, set_name="x", today=TODAY, progress=steps.append)
        assert (done.created, done.changed) == (created, 0)
        assert len(done.problems) == 4  # those of p8
        assert stream.problems == []
    assert sum(steps) == 2 * 48


def test_a_changed_title_changes_one_piece(database: Database) -> None:
    stored(database, records([{"name": "Mori", "evidence": [{"title": "A"}, {"title": "B"}]}], "p"))
    loose = [("p0", CapabilityRecord.model_validate({"id": "e1", "title": "C"}))]
    done = stored(database, ReadResult(loose_capabilities=loose))
    assert (done.created, done.changed) == (0, 1)
    with database.reading(SYSTEM) as session:
        assert sorted(map(str, session.scalars(select(Capability.title_en)))) == ["A", "C"]
        (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.event == "change"))
        assert entry.fields == ["title_en"]


def write_people(path: Path, partners: int, pieces: int, words: int = 200) -> None:
    """A file of partners whose texts are all different."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(partners):
            evidence = [
                {"id": f"{i}", "title": f"Work {number} {i}", "abstract": f"{number} {i} " * words}
                for i in range(pieces)
            ]
            file.write(json.dumps({"id": f"p{number}", "evidence": evidence}) + "\n")
