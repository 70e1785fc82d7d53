"""The search by pgvector in a database as it is, beside the exact search in memory."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from app.bench.timing import Measured, Rows, in_turn, percentiles, timed
from app.contexts import SYSTEM
from app.db import Database
from app.errors import conflict
from app.jobs.vector_index import bring_up
from app.services.corpus_rows import read_all
from app.services.vector_search_pg import PgVectors, open_vectors, texts_of
from matching.encoders import Encoder, Vectors
from matching.ranker import CANDIDATES
from matching.vectors import Among, Asked, IntArray, VectorIndex

NEAREST: Final = 50
SHARES: Final = (1.0, 0.1, 0.002)
"""Of the partners, drawn at random, who are allowed."""
SERVER: Final = "pgvector, as the service asks it"
MEMORY: Final = "exact, in memory, one thread"


def server_search(database: Database, encoder: Encoder, questions: Vectors, *, seed: int) -> Rows:
    """Both searches for `CANDIDATES` partners, question (q, d) by question in turn.

    The recall is that of the `NEAREST` nearest partners among them. Makes the index first if it is
    missing. Problem 409 where the database cannot search vectors or has no vectors.
    """
    seconds, can = timed(lambda: bring_up(database, encoder.id, encoder.dimension))
    if not can:
        raise conflict("this needs PostgreSQL with pgvector 0.8 or newer: see docs/scaling.md")
    stored, partner_of = _opened(database, encoder)
    memory = VectorIndex.build(stored.at(np.arange(len(partner_of))))
    number = int(partner_of[-1]) + 1
    random = np.random.default_rng(seed)
    kinds = int(stored.keys.speech.max()) + 1
    rows: Rows = []
    for share in SHARES:
        allowed = random.random(number) < share
        among = Among(stored.keys.speech, partner_of, number, allowed[partner_of])
        rows += _beside(stored, memory, among, [_asked(each, kinds) for each in questions], share)
    return [*rows, Measured("making the indexes", SERVER, len(partner_of), "seconds", seconds)]


def _opened(database: Database, encoder: Encoder) -> tuple[PgVectors, IntArray]:
    """All texts of the database, and the place of each one's partner (n,)."""
    with database.reading(SYSTEM) as session:
        found = read_all(session)
        texts = texts_of(found.evidence, found.hashes)
        opened = open_vectors(session, database, encoder, texts)
    if opened is None or not texts or opened[1]:
        raise conflict("there are texts without vectors: run `enmusubi embed` first")
    _, partner_of = np.unique([text.partner_id for text in texts], return_inverse=True)
    return opened[0], partner_of.astype(np.int64)


def _asked(vector: Vectors, kinds: int) -> Asked:
    return Asked(vector, np.ones(kinds), np.zeros(kinds))


def _beside(
    stored: PgVectors, memory: VectorIndex, among: Among, asked: Sequence[Asked], share: float
) -> Rows:
    engines = {
        SERVER: lambda question: stored.nearest(question, among, CANDIDATES),
        MEMORY: lambda question: memory.nearest(question, among, CANDIDATES),
    }
    times, answers = in_turn(engines, asked)
    nearest = [memory.nearest(question, among, NEAREST) for question in asked]
    task = f"dense, {CANDIDATES} partners of {share:.1%}"
    return [
        Measured(
            task,
            name,
            len(among.partner_of),
            "ms",
            *percentiles(milliseconds),
            recall=float(np.mean(found := _recalls(answers[name], nearest))),
            note=f"the worst of {len(asked)} questions by {name} {min(found):.2f}",
        )
        for name, milliseconds in times.items()
    ]


def _recalls(found: Sequence[IntArray], nearest: Sequence[IntArray]) -> list[float]:
    return [
        len(np.intersect1d(some, best)) / len(best) if len(best) else 1.0
        for some, best in zip(found, nearest, strict=True)
    ]
