"""Search by meaning in PostgreSQL: HNSW by pgvector, and what is near the edge in float32.

The rows lie in `passage_vectors` (16 bits a dimension) and `embeddings` (32). This process holds of
them the ids alone.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import BoundedSemaphore
from typing import Any, Final, Literal

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import Connection, sql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.contexts import SYSTEM
from app.db import Database
from app.services.embeddings import key_of, load_vectors
from app.services.passage_vectors import are_kept, speech_code
from app.services.vector_index_pg import are_indexed, column
from app.services.vector_keys import Keys, fetch
from matching.corpus import Evidence
from matching.encoders import Encoder, Vectors
from matching.text import languages_of
from matching.vectors import (
    Among,
    Asked,
    BoolArray,
    FloatArray,
    IntArray,
    VectorIndex,
    VectorSearch,
    highest,
)

Choice = Literal["auto", "memory", "pgvector"]
"""Of `ENMUSUBI_VECTORS`."""

AUTO_FROM: Final = 2_000_000
"""Texts from which on `auto` leaves vectors to the database: up to there each process has the
memory for them and answers sooner itself (decision 0030)."""

AT_ONCE: Final = 8
"""Searches of this process that may hold a connection beside that of their request.

None waits for a request that waits for it: fewer requests are let in than there are connections
(`app.admission`), and a search that has its own wants no other. The bound leaves some of the rest
to the night's run and to following changes."""

EDGE: Final = 2.0**-10
"""No cosine of rounded vectors differs by more from the true one: each of the two is off by half a
unit of its eleventh binary digit, relatively, and both are of unit norm."""

FIRST_FETCH: Final = 400
WIDTH: Final = 800
"""`hnsw.ef_search`: of how many candidates the index keeps account before the search goes on."""

FURTHER_EACH: Final = 50_000
FURTHEST: Final = 10
"""A walk through an index goes on, after enough was found, for as many times as far as there are
so many texts in it: the graph passes over some of the nearest at first and meets them later.
Without that, 5 of the nearest 50 partners in a hundred were missed among a million texts."""

STEP: Final = 10
"""What it costs to find one more partner by a walk through an index, where a plain comparison of
one more text by its partner's id costs 1 (measured: decision 0030)."""

NAMED: Final = 20_000
"""Most partners whose ids are sent to be compared: 0.7 MB."""

TRUE_EACH: Final = 3
"""Of each partner so many cosines are put right in float32, the highest ones."""

READ_AT_ONCE: Final = 20_000
"""Vectors in one answer of the database: 31 MB at 384 dimensions."""

MANY: Final = 1000
"""Texts that are not all read into this process to be searched."""

_FREE: Final = BoundedSemaphore(AT_ONCE)

# The index of an encoder can only be used by a plan for this encoder: no plan for any.
_SETTINGS: Final = (
    "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),"
    f" set_config('hnsw.ef_search', '{WIDTH}', true),"
    " set_config('hnsw.max_scan_tuples', '200000', true),"
    " set_config('hnsw.scan_mem_multiplier', '32', true),"
    " set_config('plan_cache_mode', 'force_custom_plan', true),"
    " set_config('enable_seqscan', 'off', true)"
)


@dataclass(frozen=True, slots=True)
class Text:
    """What the database calls a text of a corpus."""

    id: str
    """Of the capability."""
    partner_id: str
    content_hash: str
    speech: int
    """`passage_vectors.speech_code` of its languages."""


def texts_of(evidence: Sequence[Evidence], hashes: Sequence[str]) -> list[Text]:
    """The texts (n) of pieces of evidence with these content hashes."""
    return [
        Text(piece.id, piece.partner, content_hash, speech_code(languages_of(piece.text)))
        for piece, content_hash in zip(evidence, hashes, strict=True)
    ]


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
        if inside.any():
            with self._connection() as driver:
                search.go(driver, inside)
        return highest(search.best, wanted)

    def cosines(self, vector: Vectors, rows: IntArray) -> NDArray[np.float32]:
        """As `VectorSearch` says; in float32 the `TRUE_EACH` highest of each partner.

        The others come from stored vectors that were rounded to 16 bits: they are off by some
        1e-5, and by `EDGE` / 2 at most.
        """
        with self._connection() as driver:
            found = self._rounded(driver, vector, rows)
            best = self.keys.best_of_each(rows, found, TRUE_EACH)
            found[best] = self.read(driver, rows[best]) @ vector
        return found

    def _rounded(
        self, driver: "Connection[Any]", vector: Vectors, rows: IntArray
    ) -> NDArray[np.float32]:
        cosines = np.zeros(len(self.filled), np.float32)
        statement = sql.SQL(
            "SELECT capability_id, -(vector::vector({size}) <#> {asked}::vector({size}))"
            " FROM passage_vectors WHERE encoder_id = {encoder}"
            " AND partner_id = ANY({partners}::uuid[])"
        ).format(
            size=sql.Literal(self.dimension),
            asked=literal(vector),
            encoder=sql.Literal(self.encoder_id),
            partners=self.keys.partner_literal(self.keys.first_of_each(rows)),
        )
        answer = fetch(driver, statement, [("cosine", ">f8", 1)])
        found = self.keys.rows(answer["id"])
        cosines[found[found >= 0]] = answer["cosine"][found >= 0]
        return cosines[rows]

    def at(self, rows: IntArray) -> Vectors:
        """As `VectorSearch` says, in float32."""
        with self._connection() as driver:
            return self.read(driver, rows)

    def select(self, rows: IntArray) -> VectorSearch:
        """As `VectorSearch` says: many stay in the database, few come into this process."""
        if len(rows) < MANY or len(np.unique(rows)) < len(rows):
            return VectorIndex(self.at(rows))
        left = np.flatnonzero(np.isin(rows, self.rest))
        return replace(
            self,
            keys=self.keys.select(rows),
            filled=self.filled[rows],
            rest=left,
            rest_index=VectorIndex(self.read_rest(rows[left])),
        )

    def read_rest(self, rows: IntArray) -> Vectors:
        """The vectors (r, d) at `rows`, which are among `rest`."""
        return self.rest_index.vectors[np.searchsorted(self.rest, rows)]

    def read(self, driver: "Connection[Any]", rows: IntArray) -> Vectors:
        """The vectors (r, d) at `rows`, by a connection."""
        vectors = np.zeros((len(rows), self.dimension), np.float32)
        here = np.isin(rows, self.rest)
        vectors[here] = self.read_rest(rows[here])
        wanted = np.flatnonzero(~here)
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
            try:
                yield _driver(session)
            except psycopg.Error as error:
                # As SQLAlchemy would raise it, so that a lost server is answered 503 here as well.
                raise DBAPIError.instance(
                    "search of vectors",
                    None,
                    error,
                    psycopg.Error,
                    hide_parameters=True,
                    dialect=session.get_bind().dialect,
                ) from error


def further(texts: int) -> float:
    """How many times as far as was enough a walk goes through an index of so many texts."""
    return min(max(texts / FURTHER_EACH, 1.0), FURTHEST)


def literal(vector: Vectors) -> sql.Literal:
    """A vector (d,) as pgvector writes it."""
    return sql.Literal(f"[{','.join(map(repr, vector.tolist()))}]")


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

    def go(self, driver: "Connection[Any]", inside: BoolArray) -> None:
        """Search the texts `inside` (n,), by their partners if those are few."""
        rows = np.flatnonzero(inside)
        partners = rows[np.diff(self.among.partner_of[rows], prepend=-1) > 0]
        filled = int(np.count_nonzero(self.vectors.filled))
        # A walk meets one that may speak at each (filled / rows)th step.
        walk = STEP * self.wanted * further(filled) * filled / len(rows)
        if len(rows) < walk and len(partners) <= NAMED:
            named = self.vectors.keys.partner_literal(partners)
            self._compare(driver, sql.SQL("partner_id = ANY({}::uuid[])").format(named), inside)
        else:
            self.walk(driver, inside)
        self.settle_edge(driver)

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
        end: int | None = None
        with driver.cursor(name="nearest") as cursor:
            cursor.execute(self._ordered(speech), binary=True)
            while batch := cursor.fetchmany(size):
                given += len(batch)
                cosines = np.array([row[1] for row in batch], np.float32)
                ids = np.frombuffer(b"".join(row[0].bytes for row in batch), "S16")
                self._note(ids, cosines, inside)
                # None that comes later counts more than this; the order is nearly that of cosines.
                enough = slope * (float(cosines.min()) + EDGE) + shift < self.least
                if enough and end is None:
                    end = int(given * further(held))
                if end is not None and given >= end:
                    return True
                size = min(2 * size, 4 * FIRST_FETCH)
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
        size = sql.Literal(self.vectors.dimension)
        return sql.SQL("{}::halfvec({})").format(literal(self.asked.vector), size)

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
        margin = 2 * EDGE * float(self.asked.slope.max())
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
    session: Session, database: Database, encoder: Encoder, texts: Sequence[Text]
) -> tuple[PgVectors, tuple[int, ...]] | None:
    """The vectors of n texts as the session sees them, for searches of the database.

    Returns them, and the rows whose texts have no stored vector yet. Stored vectors of which there
    is no copy yet are read into this process. None if there are no copies at all, or an index is
    missing or unfinished: then search in memory.
    """
    key = key_of(encoder, "passage")
    if not are_kept(session) or not are_indexed(session, key):
        return None
    keys = Keys.of(
        [text.id for text in texts],
        [text.partner_id for text in texts],
        np.array([text.speech for text in texts], np.uint8),
    )
    statement = sql.SQL(
        "SELECT capability_id, speech FROM passage_vectors WHERE encoder_id = {}"
    ).format(sql.Literal(key))
    found = keys.rows(fetch(_driver(session), statement, [("speech", ">i2", 1)])["id"])
    filled = np.zeros(len(texts), bool)
    filled[found[found >= 0]] = True
    without: list[int] = np.flatnonzero(~filled).tolist()
    stored = load_vectors(session, {texts[row].content_hash for row in without}, encoder, "passage")
    rest = [row for row in without if texts[row].content_hash in stored]
    missing = tuple(row for row in without if texts[row].content_hash not in stored)
    vectors = np.zeros((len(rest), encoder.dimension), np.float32)
    for place, row in enumerate(rest):
        vectors[place] = stored[texts[row].content_hash]
    filled[rest] = vectors.any(axis=1)
    kept = np.array(rest, np.int64)
    search = PgVectors(database, key, encoder.dimension, keys, filled, kept, VectorIndex(vectors))
    return search, missing


def is_chosen(choice: Choice, texts: int) -> bool:
    """Whether so many texts are to be searched by the database, if it can (`ENMUSUBI_VECTORS`)."""
    return choice == "pgvector" or (choice == "auto" and texts >= AUTO_FROM)
