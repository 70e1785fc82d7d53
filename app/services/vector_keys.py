"""The ids by which a process names its texts to PostgreSQL, and answers as arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, sql

from matching.vectors import BoolArray, IntArray

HEAD: Final = 19
"""Bytes before the first row in the binary form of COPY: signature, flags, length of nothing."""
TAIL: Final = 2

Ids = NDArray[np.bytes_]
"""(n,) of dtype S16: UUIDs by their bytes."""


@dataclass(frozen=True)
class Keys:
    """Capability and partner ids of n texts, and the languages they speak."""

    ids: Ids
    partner_ids: Ids
    order: IntArray
    """(n,) rows in the order of their ids."""
    speech: NDArray[np.uint8]
    """(n,) `passage_vectors.speech_code` of each text."""

    @classmethod
    def of(
        cls, ids: Sequence[str], partner_ids: Sequence[str], speech: NDArray[np.uint8]
    ) -> "Keys":
        """Of ids written as UUIDs are."""
        own = ids_of(ids)
        return cls(own, ids_of(partner_ids), np.argsort(own, kind="stable"), speech)

    def select(self, rows: IntArray) -> "Keys":
        """Those of some texts, in the order given."""
        ids = self.ids[rows]
        return Keys(ids, self.partner_ids[rows], np.argsort(ids, kind="stable"), self.speech[rows])

    def rows(self, ids: Ids) -> IntArray:
        """The row of each id (k,); -1 for those that are none of these."""
        if not len(self.ids):
            return np.full(len(ids), -1, np.int64)
        place = np.searchsorted(self.ids, ids, sorter=self.order)
        row = self.order[np.minimum(place, len(self.ids) - 1)]
        return np.where(self.ids[row] == ids, row, -1)

    def speeches(self, kinds: NDArray[np.uint8], kind: int, among: BoolArray) -> list[int]:
        """The speech codes of the texts of a kind."""
        return [int(code) for code in np.unique(self.speech[among & (kinds == kind)])]

    def first_of_each(self, rows: IntArray) -> IntArray:
        """One row of each partner that has some of these rows (r,)."""
        _, first = np.unique(self.partner_ids[rows], return_index=True)
        return rows[first]

    def best_of_each(self, rows: IntArray, values: NDArray[np.float32], number: int) -> IntArray:
        """Places in `rows` (r,) of the `number` highest values (r,) of each partner."""
        _, owner = np.unique(self.partner_ids[rows], return_inverse=True)
        order = np.lexsort((-values, owner))
        counts = np.bincount(owner)
        rank = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        return order[rank < number]

    def id_literal(self, rows: IntArray) -> sql.Literal:
        """The ids at these rows as an array's text."""
        return _literal(self.ids[rows])

    def partner_literal(self, rows: IntArray) -> sql.Literal:
        """The ids of the partners at these rows as an array's text."""
        return _literal(self.partner_ids[rows])


def ids_of(names: Iterable[str]) -> Ids:
    """UUIDs, as they are written, by their bytes."""
    return np.frombuffer(bytes.fromhex("".join(names).replace("-", "")), "S16")


def _literal(ids: Ids) -> sql.Literal:
    digits = np.ascontiguousarray(ids).tobytes().hex()
    return sql.Literal(
        "{" + ",".join(digits[at : at + 32] for at in range(0, len(digits), 32)) + "}"
    )


def fetch(
    driver: "Connection[Any]", statement: sql.Composed, fields: Sequence[tuple[str, str, int]]
) -> NDArray[Any]:
    """What a query of a UUID (`id`) and of fields of fixed width answers, none of them NULL.

    A field is a name, NumPy's type of one item, and how many there are. Rows come as they are
    sent, in binary, and become no objects of Python.
    """
    layout: list[Any] = [("columns", ">i2"), ("id_size", ">i4"), ("id", "S16")]
    for name, kind, number in fields:
        layout.append((f"{name}_size", ">i4"))
        layout.append((name, kind, (number,)) if number > 1 else (name, kind))
    row = np.dtype(layout)
    copying = sql.SQL("COPY ({}) TO STDOUT (FORMAT BINARY)").format(statement)
    with driver.cursor() as cursor, cursor.copy(copying) as copy:
        answer = b"".join(copy)
    if (len(answer) - HEAD - TAIL) % row.itemsize:
        raise ValueError("The database's answer has rows of another width.")
    return np.frombuffer(answer, row, (len(answer) - HEAD - TAIL) // row.itemsize, HEAD)
