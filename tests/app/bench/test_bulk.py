"""`bench bulk`: the real commands, killed; and it says so if a row is missing at the end."""

import csv
from pathlib import Path

import pytest
from sqlalchemy import delete
from typer.testing import CliRunner

from app.bench.bulk import bulk, require_empty, require_whole, write_files
from app.bench.timing import Measured
from app.cli import app
from app.contexts import SYSTEM
from app.db import Database
from app.errors import Problem
from matching.text import content_hash
from models import Capability, CapabilityKind, Embedding, Partner

SIZE = 3000
"""More than one commit of an import."""


@pytest.mark.slow
@pytest.mark.sqlite("each command opens the SQLite file that the bench has made")
def test_a_killed_import_and_embedding_lose_nothing(tmp_path: Path) -> None:
    write_files(tmp_path, SIZE, texts=None, seed=1)
    url = f"sqlite:///{tmp_path / 'enmusubi.db'}"
    rows = [row for row in bulk(tmp_path, SIZE, url=url, workers=0) if isinstance(row, Measured)]
    assert {row.task for row in rows} == {"bulk import", "bulk embed"}
    assert all(row.p50 > 0 and (row.megabytes or 0) > 50 for row in rows)

    database = Database.at(url)
    require_whole(database, SIZE)
    with pytest.raises(Problem, match="database that holds none"):
        require_empty(database)
    with database.writing(SYSTEM) as session:
        session.execute(delete(Embedding).where(Embedding.content_hash < "1"))
    with pytest.raises(Problem, match=f"vectors instead of {SIZE}"):
        require_whole(database, SIZE)
    database.dispose()


def test_what_is_lost_or_double_is_told(database: Database) -> None:
    with database.writing(SYSTEM) as session:
        partner = Partner(name_en="Partner 0", kind="researcher")
        session.add(partner)
        session.flush()
        for source in ("one file", "another"):
            made = Capability(
                partner_id=partner.id, source=source, title_en="Koji", external_id="c0"
            )
            made.kind, made.content_hash = CapabilityKind.PAPER, content_hash("Koji")
            session.add(made)
    with pytest.raises(Problem, match="1 ids of capabilities instead of 2, 0 vectors instead of 2"):
        require_whole(database, 2)


def test_the_files_hold_what_was_asked_for(tmp_path: Path) -> None:
    write_files(tmp_path, 25, texts=None, seed=1)
    with (tmp_path / "capabilities.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["text"] for row in rows}) == 25
    assert {row["partner"] for row in rows} == {"p0", "p1", "p2"}


def test_workers_need_a_server() -> None:
    done = CliRunner().invoke(app, ["bench", "bulk", "--size", "1000", "--workers", "2"])
    assert isinstance(done.exception, Problem)
    assert "PostgreSQL" in str(done.exception)
