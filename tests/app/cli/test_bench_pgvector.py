"""`bench pgvector` on the command line; what it measures is tested in tests/postgres."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.errors import Problem


@pytest.mark.sqlite("PostgreSQL is what is missing here")
@pytest.mark.usefixtures("database", "settings")
def test_it_says_that_it_needs_postgresql(tmp_path: Path) -> None:
    people = {"id": "p1", "name": "p1", "evidence": [{"id": "e1", "title": "Koji"}]}
    (tmp_path / "people.jsonl").write_text(json.dumps(people), "utf-8")
    queries = [json.dumps({"id": f"q{n}", "text": f"Who ferments koji {n}?"}) for n in range(2)]
    (tmp_path / "queries.jsonl").write_text("\n".join(queries), "utf-8")
    done = CliRunner().invoke(app, ["bench", "pgvector", "--texts", str(tmp_path)])
    assert isinstance(done.exception, Problem)
    assert "needs PostgreSQL with pgvector" in str(done.exception)
