"""Import and embedding are killed at each of their checkpoints: nothing is lost or doubled."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from app.contexts import SYSTEM
from app.db import Database
from app.jobs import checkpoints, embedding, importing
from app.jobs.embedding import embed_pending, pending_texts
from app.services.audit_verification import verify
from data import importers
from matching.encoders import Progress, Role, Vectors
from matching.encoders.hashing import HashingEncoder
from models import (
    AuditEntry,
    Capability,
    Embedding,
    Organisation,
    Partner,
    partner_clusters,
    partner_name_keys,
)
from tests.app.jobs.killing import kills, work_until
from tests.factories import make_capability, make_partner

pytestmark = pytest.mark.slow

PARTNERS, PIECES = 5, 3


class Import:
    """A folder with organisations, partners with evidence, and evidence of its own."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        folder.mkdir()
        (folder / "clusters.csv").write_text("id,name\nfood,Food\n")
        (folder / "organisations.csv").write_text("id,kind,name\no,university,Home\n")
        (folder / "people.jsonl").write_text(
            "".join(
                f'{{"id": "p{i}", "name": "Mori {i}", "affiliation": "o", "clusters": ["food"],'
                f' "evidence": [{{"id": "a", "title": "Work {i}"}}]}}\n'
                for i in range(PARTNERS)
            )
        )
        rows = (f"{key},p{i},Title {key} {i}\n" for i in range(PARTNERS) for key in "bc")
        (folder / "capabilities.csv").write_text("id,partner,title\n" + "".join(rows))

    def anew(self) -> None:
        """As if nothing had been imported; the log stays."""
        with self.database.writing(SYSTEM) as session:
            session.execute(delete(Partner))
            session.execute(delete(Organisation))

    def work(self, database: Database) -> None:
        """The import, as the command does it."""
        stream = importers.stream(self.folder)
        done = importing.store(database, stream, set_name="x", today=date(2026, 11, 1))
        assert not done.problems

    def check(self) -> None:
        """Everything is there once."""
        with self.database.reading(SYSTEM) as session:

            def number(what: Any) -> int:
                return session.scalar(select(func.count()).select_from(what)) or 0

            assert number(Organisation) == 1
            assert number(Partner) == PARTNERS
            assert number(Capability) == PARTNERS * PIECES
            assert number(partner_clusters) == PARTNERS
            assert len(set(session.scalars(select(partner_name_keys.c.partner_id)))) == PARTNERS
            made = select(AuditEntry.object_id).where(AuditEntry.event == "create")
            entries = Counter(session.scalars(made))
            for row in (Capability, Partner):
                assert {entries[key] for key in session.scalars(select(row.id))} == {1}
            assert verify(session).fault is None


def test_an_import_killed_at_every_checkpoint(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "PARTNERS", 2)
    monkeypatch.setattr(importing, "PIECES", 4)
    job = Import(database, tmp_path / "folder")
    job.work(database)
    where: Counter[str] = Counter()
    for name in kills(database, job.work, anew=job.anew):
        where[name] += 1
        job.work(database)
        job.check()
    assert set(where) == set(checkpoints.IMPORT)
    assert sum(where.values()) >= 14


class Counting(HashingEncoder):
    """Writes down how often each text was read, across processes and kills."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Progress | None = None
    ) -> Vectors:
        with self._file.open("a") as file:
            file.writelines(f"{text}\n" for text in texts)
        return super().encode(texts, role=role, progress=progress)

    @property
    def counts(self) -> Counter[str]:
        """By text."""
        return Counter(self._file.read_text().splitlines() if self._file.exists() else ())

    def anew(self) -> None:
        """Forget the counts."""
        self._file.unlink(missing_ok=True)


def make_texts(database: Database, number: int) -> None:
    """So many different texts of one partner."""
    with database.writing(SYSTEM) as session:
        partner = make_partner(session)
        for i in range(number):
            make_capability(session, partner, title_en=f"Text {i:03}", text_en=None)


def vectors(database: Database) -> int:
    """How many are stored."""
    with database.reading(SYSTEM) as session:
        return session.scalar(select(func.count()).select_from(Embedding)) or 0


def test_an_embedding_killed_at_every_checkpoint(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "CHUNK", 4)
    make_texts(database, 10)
    encoder = Counting(tmp_path / "counts")

    def anew() -> None:
        encoder.anew()
        with database.writing(SYSTEM) as session:
            session.execute(delete(Embedding))

    def work(database: Database) -> None:
        embed_pending(database, encoder, pending_texts(database, encoder))

    work(database)
    where: Counter[str] = Counter()
    for name in kills(database, work, anew=anew):
        where[name] += 1
        assert work_until(database, None, work) is None
        assert vectors(database) == len(encoder.counts) == 10
        twice = [text for text, number in encoder.counts.items() if number > 1]
        assert len(twice) <= (0 if name == "embedding.stored" else 4), name
        assert max(encoder.counts.values()) <= 2
    assert where == dict.fromkeys(checkpoints.EMBEDDING, 3)
