"""pgvector as a peer in the bench: on a real server, with the recall it is set to."""

import numpy as np
from sqlalchemy import URL

from app.bench.pgvector import ENGINE, RECALL, pgvector
from app.bench.timing import Measured, Missing


def test_it_finds_what_it_is_set_to_find(server: URL) -> None:
    draw = np.random.default_rng(5)
    vectors = draw.standard_normal((1200, 24), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    (row,) = pgvector(
        vectors,
        vectors[:12],
        task="dense",
        nearest=10,
        url=server.set(drivername="postgresql").render_as_string(hide_password=False),
    )
    assert isinstance(row, Measured)
    assert (row.engine, row.size) == (ENGINE, 1200)
    assert row.recall is not None
    assert row.recall > RECALL - 0.1
    assert row.build_seconds
    assert row.megabytes


def test_without_a_server_it_is_named_as_missing() -> None:
    none = np.zeros((2, 2), np.float32)
    (row,) = pgvector(none, none, task="t", nearest=1, url=None)
    assert isinstance(row, Missing)
    assert "--postgres" in row.reason
