"""The fifty nearest texts by pgvector on a server of yours, as a peer of the search in memory."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg import sql

from app.bench.timing import Measured, Missing, Rows, in_turn, percentiles, timed
from matching.encoders import Vectors

ENGINE: Final = "pgvector HNSW"
TABLE: Final = sql.Identifier("enmusubi_bench")
RECALL: Final = 0.98
WIDTHS: Final = (40, 80, 160, 320, 640, 1000)
"""`hnsw.ef_search`, the least of which that reaches `RECALL` is taken."""
LIMIT: Final = 200_000
"""Vectors beyond which making the index takes too long for a bench."""


def pgvector(
    vectors: Vectors, questions: Vectors, *, task: str, nearest: int, url: str | None
) -> Rows:
    """The nearest texts of the second half of the questions (q, d); the first half sets the width.

    A temporary table of halfvec with an HNSW index, which nobody else sees.
    """
    if url is None:
        return [Missing(task, ENGINE, "needs a server: give --postgres URL")]
    if len(vectors) > LIMIT:
        return [Missing(task, ENGINE, f"makes its index too long beyond {LIMIT}")]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        register_vector(connection)
        seconds, _ = timed(lambda: _fill(connection, vectors))
        ask = _asker(connection, nearest)
        tuning, timed_ones = np.array_split(questions, 2)
        _set_width(connection, ask, vectors, tuning, nearest)
        times, answers = in_turn({ENGINE: ask}, list(timed_ones))
        recall = _recall(answers[ENGINE], vectors, timed_ones, nearest)
        size = connection.execute(
            "SELECT pg_total_relation_size('enmusubi_bench')::float8"
        ).fetchone()
    return [
        Measured(
            task,
            ENGINE,
            len(vectors),
            "ms",
            *percentiles(times[ENGINE]),
            recall=recall,
            build_seconds=seconds,
            megabytes=size[0] / 1e6 if size else None,
        )
    ]


def _fill(connection: "psycopg.Connection[Any]", vectors: Vectors) -> None:
    width = sql.Literal(vectors.shape[1])
    make = sql.SQL("CREATE TEMP TABLE {} (id int, vector halfvec({}))").format(TABLE, width)
    connection.execute(make)
    statement = sql.SQL("COPY {} FROM STDIN WITH (FORMAT BINARY)").format(TABLE)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(["int4", "halfvec"])
        for number, vector in enumerate(vectors):
            copy.write_row((number, HalfVector(vector)))
    connection.execute("SET maintenance_work_mem = '1GB'")
    index = sql.SQL("CREATE INDEX ON {} USING hnsw (vector halfvec_ip_ops)").format(TABLE)
    connection.execute(index)
    connection.execute("SET hnsw.iterative_scan = 'relaxed_order'")


def _asker(connection: "psycopg.Connection[Any]", nearest: int) -> Callable[[Vectors], np.ndarray]:
    statement = sql.SQL("SELECT id FROM {} ORDER BY vector <#> %s LIMIT {}").format(
        TABLE, sql.Literal(nearest)
    )

    def ask(question: Vectors) -> np.ndarray:
        found = connection.execute(statement, (HalfVector(question),)).fetchall()
        return np.array([row[0] for row in found], np.int64)

    return ask


def _set_width(
    connection: "psycopg.Connection[Any]",
    ask: Callable[[Vectors], np.ndarray],
    vectors: Vectors,
    tuning: Vectors,
    nearest: int,
) -> None:
    for width in WIDTHS:
        connection.execute(sql.SQL("SET hnsw.ef_search = {}").format(sql.Literal(width)))
        found = [ask(question) for question in tuning]
        if _recall(found, vectors, tuning, nearest) >= RECALL:
            return


def _recall(found: list[np.ndarray], vectors: Vectors, questions: Vectors, nearest: int) -> float:
    shares = []
    for question, answer in zip(questions, found, strict=True):
        exact = np.argpartition(-(vectors @ question), nearest)[:nearest]
        shares.append(len(np.intersect1d(exact, answer)) / nearest)
    return float(np.mean(shares))
