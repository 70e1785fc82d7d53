"""`bench pgvector` compares the search of the service with the exact one, in a filled database."""

import numpy as np
import pytest

from app.bench.server_search import MEMORY, SERVER, server_search
from app.bench.timing import Measured
from app.db import Database
from app.errors import Problem
from tests.postgres.searching import ENCODER, add_texts, made

PARTNERS = 250


def test_recall_is_held_against_the_exact_search(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_texts(database, partners=PARTNERS, each=4)
    found = server_search(database, ENCODER, made(4, seed=9), seed=1)
    rows = {(row.task, row.engine): row for row in found if isinstance(row, Measured)}
    shares = {task for task, _ in rows if task.startswith("dense")}
    assert shares == {"dense, 200 partners of " + s for s in ("100.0%", "10.0%", "0.2%")}
    assert {rows[task, MEMORY].recall for task in shares} == {1.0}
    assert all((rows[task, SERVER].recall or 0) > 0.95 for task in shares)

    # A search that finds others is seen to.
    monkeypatch.setattr(
        "app.bench.server_search.PgVectors.nearest", lambda *_: np.arange(PARTNERS - 5, PARTNERS)
    )
    again = server_search(database, ENCODER, made(4, seed=9), seed=1)
    recalls = [r.recall for r in again if isinstance(r, Measured) and r.engine == SERVER]
    assert (recalls[0] or 0) < 0.2


def test_without_texts_or_vectors_it_says_what_to_do(database: Database) -> None:
    with pytest.raises(Problem, match="enmusubi embed"):
        server_search(database, ENCODER, made(2, seed=9), seed=1)
