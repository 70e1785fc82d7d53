"""Search by meaning in PostgreSQL: HNSW by pgvector, and what is near the edge in float32.

The rows lie in `passage_vectors` (16 bits a dimension) and `embeddings` (32). This process holds of
them the ids alone.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, sql
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.db import Database
from app.services.passage_vectors import are_kept
from app.services.vector_keys import Keys, fetch
from app.services.vector_index_pg import are_indexed, column
from matching.encoders import Vectors
from matching.vectors import Among, Asked, BoolArray, FloatArray, IntArray, VectorIndex, highest
from models import Embedding

AT_ONCE: Final = 8
"""Searches that may hold a connection beside that of their request: with those of the 40 threads
that answer requests they fit into the pool, so that none waits for one that waits for it."""

EDGE: Final = 2.0**-10
"""No cosine of rounded vectors differs by more from the true one: each of the two is off by half a
unit of its eleventh binary digit, relatively, and both are of unit norm."""

FIRST_FETCH: Final = 400
WIDTH: Final = 400
"""`hnsw.ef_search`: of how many candidates the index keeps account before the search goes on."""

FEW: Final = 0.05
"""If a smaller share of the texts is allowed, all of those are compared: no walk through the index
that meets one of them now and then."""

_FREE: Final = BoundedSemaphore(AT_ONCE)

# The index of an encoder can only be used by a plan for this encoder: no plan for any.
_SETTINGS: Final = (
    "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),"
    f" set_config('hnsw.ef_search', '{WIDTH}', true),"
    " set_config('hnsw.max_scan_tuples', '200000', true),"
    " set_config('hnsw.scan_mem_multiplier', '32', true),"
    " set_config('plan_cache_mode', 'force_custom_plan', true)"
)


@dataclass(frozen=True)
class PgVectors:
    """The vectors of n texts in PostgreSQL, as `VectorSearch` says.

    Made by `open_vectors`. What is stored later is not found, and what was deleted since has no
    vector any more.
    """

    database: Database
    encoder_id: str
    dimension: int
    keys: Keys
    """Of the n texts."""
    filled: BoolArray
    """(n,) which texts have a vector."""
    rest: IntArray
    """(r,) rows, ascending, whose vectors are not in the database yet."""
    rest_index: VectorIndex
    """(r, d) those vectors."""

    def nearest(self, asked: Asked, among: Among, wanted: int) -> IntArray:
        """As `VectorSearch` says, except that the index may miss one in a hundred."""
        if wanted <= 0:
            return np.zeros(0, np.int64)
        search = _Search(self, asked, among, wanted)
        if self.rest.size:
            search.take(self.rest, self.rest_index.vectors @ asked.vector, exact=True)
        inside = among.allowed & self.filled
        inside[self.rest] = False
        number = int(np.count_nonzero(inside))
        if number:
            with self._connection() as driver:
                if number < FEW * max(np.count_nonzero(self.filled), 1):
                    search.take_all(driver, inside)
                else:
                    search.walk(driver, inside)
                search.settle_edge(driver)
        return highest(search.best, wanted)

    def cosines(self, vector: Vectors, rows: IntArray) -> NDArray[np.float32]:
        """As `VectorSearch` says, from the vectors in float32."""
        found: NDArray[np.float32] = self.at(rows) @ vector
        return found

    def at(self, rows: IntArray) -> Vectors:
        """As `VectorSearch` says, in float32."""
        with self._connection() as driver:
            return self.read(driver, rows)

    def select(self, rows: IntArray) -> VectorIndex:
        """As `VectorSearch` says: in the memory of this process, since it is for a few."""
        return VectorIndex(self.at(rows))

    def read(self, driver: "Connection[Any]", rows: IntArray) -> Vectors:
        """The vectors (r, d) at `rows`, by a connection."""
        vectors = np.zeros((len(rows), self.dimension), np.float32)
        place = np.searchsorted(self.rest, rows)
        if self.rest.size:
            here = self.rest[np.minimum(place, len(self.rest) - 1)] == rows
            vectors[here] = self.rest_index.vectors[place[here]]
            wanted = np.flatnonzero(~here)
        else:
            wanted = np.arange(len(rows))
        for start in range(0, len(wanted), READ_AT_ONCE):
            some = wanted[start : start + READ_AT_ONCE]
            found = fetch(driver, self._originals(rows[some]), [("vector", "<f4", self.dimension)])
            number = self.keys.rows(found["id"])
            # A row may be asked for twice: each place gets the vector of its row.
            order = np.argsort(number)
            at = np.searchsorted(number[order], rows[some])
            at = np.minimum(at, max(len(order) - 1, 0))
            if len(order):
                hit = number[order][at] == rows[some]
                vectors[some[hit]] = found["vector"][order[at[hit]]]
        return vectors

    def _originals(self, rows: IntArray) -> sql.Composed:
        return sql.SQL(
            "SELECT v.capability_id, e.vector FROM"
            " unnest({partners}::uuid[], {ids}::uuid[]) AS asked (partner_id, capability_id)"
            " JOIN passage_vectors v USING (partner_id, capability_id)"
            " JOIN embeddings e USING (content_hash, encoder_id)"
            " WHERE v.encoder_id = {encoder} AND octet_length(e.vector) = {size}"
        ).format(
            partners=self.keys.partner_literal(rows),
            ids=self.keys.id_literal(rows),
            encoder=sql.Literal(self.encoder_id),
            size=sql.Literal(4 * self.dimension),
        )

    @contextmanager
    def _connection(self) -> Iterator["Connection[Any]"]:
        with _FREE, self.database.reading(SYSTEM) as session:
            session.connection().exec_driver_sql(_SETTINGS)
            yield _driver(session)


READ_AT_ONCE: Final = 20_000
"""Vectors in one answer of the database: 31 MB at 384 dimensions."""


def _driver(session: Session) -> Any:
    return session.connection().connection.driver_connection


class _Search:
    """One search on its way: what the nearest text of each partner counts, as far as is known."""

    def __init__(self, vectors: PgVectors, asked: Asked, among: Among, wanted: int) -> None:
        self.vectors, self.asked, self.among, self.wanted = vectors, asked, among, wanted
        self.best: FloatArray = np.full(among.partners, -np.inf)
        self.least = -np.inf
        """What the last of the `wanted` partners counts so far."""
        self._seen: list[tuple[IntArray, FloatArray]] = []

    def take(self, rows: IntArray, cosines: NDArray[np.float32], *, exact: bool = False) -> None:
        """Note texts with their cosines; those that may not speak are passed over."""
        may = self.among.allowed[rows]
        rows, cosines = rows[may], cosines[may]
        level = self.asked.level(cosines, self.among.kind[rows])
        np.maximum.at(self.best, self.among.partner_of[rows], level)
        if not exact:
            self._seen.append((rows, level))
        if np.count_nonzero(self.best > -np.inf) >= self.wanted:
            self.least = float(np.partition(self.best, -self.wanted)[-self.wanted])

    def take_all(self, driver: "Connection[Any]", inside: BoolArray) -> None:
        """Compare all texts `inside` (n,), which are few."""
        rows = np.flatnonzero(inside)
        owners = self.among.partner_of[rows]
        firsts = rows[np.concatenate(([True], owners[1:] != owners[:-1]))]
        where = sql.SQL("partner_id = ANY({}::uuid[])").format(
            self.vectors.keys.partner_literal(firsts)
        )
        self._compare(driver, where, inside)

    def _compare(self, driver: "Connection[Any]", where: sql.Composable, inside: BoolArray) -> None:
        statement = sql.SQL(
            "SELECT capability_id, -({column} <#> {asked}) FROM passage_vectors"
            " WHERE encoder_id = {encoder} AND {where}"
        ).format(
            column=column(self.vectors.dimension),
            asked=self._literal(),
            encoder=sql.Literal(self.vectors.encoder_id),
            where=where,
        )
        found = fetch(driver, statement, [("cosine", ">f8", 1)])
        self._note(found["id"], found["cosine"], inside)

    def walk(self, driver: "Connection[Any]", inside: BoolArray) -> None:
        """Go through the index of each kind of languages, the nearest first, as far as it takes."""
        number = np.bincount(self.among.kind[inside], minlength=len(self.asked.slope))
        for kind in np.argsort(-number, kind="stable")[: np.count_nonzero(number)]:
            for speech in self.vectors.keys.speeches(self.among.kind, int(kind), inside):
                if not self._walk_kind(driver, int(kind), speech, inside):
                    # The index gave up before enough was found.
                    where = sql.SQL("speech = {}").format(sql.Literal(speech))
                    self._compare(driver, where, inside)

    def _walk_kind(
        self, driver: "Connection[Any]", kind: int, speech: int, inside: BoolArray
    ) -> bool:
        """False if the index ended although it holds more than it gave."""
        slope, shift = self.asked.slope[kind], self.asked.shift[kind]
        held = int(np.count_nonzero(self.vectors.keys.speech[self.vectors.filled] == speech))
        given, size = 0, FIRST_FETCH
        with driver.cursor(name="nearest") as cursor:
            cursor.execute(self._ordered(speech), binary=True)
            while batch := cursor.fetchmany(size):
                given += len(batch)
                cosines = np.array([row[1] for row in batch], np.float32)
                ids = np.frombuffer(b"".join(row[0].bytes for row in batch), "S16")
                self._note(ids, cosines, inside)
                # None that comes later counts more than this; the order is nearly that of cosines.
                if slope * (float(cosines.min()) + EDGE) + shift < self.least:
                    return True
                size = min(2 * size, 20 * FIRST_FETCH)
        return given >= held

    def _ordered(self, speech: int) -> sql.Composed:
        return sql.SQL(
            "SELECT capability_id, -({column} <#> {asked}) FROM passage_vectors"
            " WHERE encoder_id = {encoder} AND speech = {speech} ORDER BY {column} <#> {asked}"
        ).format(
            column=column(self.vectors.dimension),
            asked=self._literal(),
            encoder=sql.Literal(self.vectors.encoder_id),
            speech=sql.Literal(speech),
        )

    def _literal(self) -> sql.Composed:
        numbers = ",".join(map(repr, self.asked.vector.tolist()))
        return sql.SQL("{}::halfvec({})").format(
            sql.Literal(f"[{numbers}]"), sql.Literal(self.vectors.dimension)
        )

    def _note(self, ids: NDArray[Any], cosines: NDArray[Any], inside: BoolArray) -> None:
        rows = self.vectors.keys.rows(ids)
        known = rows >= 0
        known[known] = inside[rows[known]]
        self.take(rows[known], cosines[known].astype(np.float32))

    def settle_edge(self, driver: "Connection[Any]") -> None:
        """Put the true cosines where the rounding might decide who is among the wanted."""
        if not self._seen or self.least == -np.inf:
            return
        rows = np.concatenate([rows for rows, _ in self._seen])
        level = np.concatenate([level for _, level in self._seen])
        rows, first = np.unique(rows, return_index=True)
        level = level[first]
        margin = 2 * EDGE * self.asked.slope[self.among.kind[rows]]
        best = self.best[self.among.partner_of[rows]]
        # Partners at the edge, and of each the texts that may be its nearest.
        doubtful = (np.abs(best - self.least) <= margin) & (best - level <= margin)
        rows = rows[doubtful]
        if rows.size:
            self.best[np.unique(self.among.partner_of[rows])] = -np.inf
            true = self.vectors.read(driver, rows) @ self.asked.vector
            self.take(rows, true, exact=True)
            self._again_exact()

    def _again_exact(self) -> None:
        """What the rest said of partners that were just settled still holds."""
        rest = self.vectors.rest
        if rest.size:
            self.take(rest, self.vectors.rest_index.vectors @ self.asked.vector, exact=True)


def open_vectors(
    session: Session,
    database: Database,
    encoder_id: str,
    *,
    ids: Sequence[str],
    partner_ids: Sequence[str],
    speech: NDArray[np.uint8],
    rest: dict[int, Vectors],
) -> PgVectors | None:
    """The vectors of texts by their capability and partner ids (n,), as the session sees them.

    `speech` (n,) is `passage_vectors.speech_code` of each text; `rest` holds, by row, vectors of
    which the caller knows; they are left out where the database has a copy. None if there is no
    copy at all or an index is missing or unfinished: then search in memory.
    """
    if not are_kept(session) or not are_indexed(session, encoder_id):
        return None
    size = session.scalar(
        select(Embedding.vector)
        .where(Embedding.encoder_id == encoder_id, Embedding.vector.is_not(None))
        .limit(1)
    )
    if size is None:
        return None
    keys = Keys.of(ids, partner_ids, speech)
    statement = sql.SQL(
        "SELECT capability_id, speech FROM passage_vectors WHERE encoder_id = {}"
    ).format(sql.Literal(encoder_id))
    found = fetch(_driver(session), statement, [("speech", ">i2", 1)])
    rows = keys.rows(found["id"])
    filled = np.zeros(len(ids), bool)
    filled[rows[rows >= 0]] = True
    left = np.array(sorted(row for row in rest if not filled[row]), np.int64)
    dimension = len(size) // 4
    vectors = np.stack([rest[int(row)] for row in left]) if left.size else np.zeros((0, dimension))
    vectors = vectors.astype(np.float32)
    filled[left] = vectors.any(axis=1)
    return PgVectors(database, encoder_id, dimension, keys, filled, left, VectorIndex(vectors))
