"""Where each id of an import was first given.

Kept in a temporary file that SQLite removes by itself: a million ids would take hundreds of
megabytes as objects. It holds ids and places only, no name and no text.
"""

import sqlite3
from typing import Final

from data.importers.kinds import RecordKind

Place = tuple[str, int]
"""File name and line."""

IN_ROW: Final = 0
"""Stands for the line of evidence that is in the row of its partner."""
_CACHE_KIB: Final = 16 * 1024


class Places:
    """Remembers the first place of each record; memory stays bounded."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_CACHE_KIB}"):
            self._rows.execute(f"PRAGMA {pragma}")
        self._rows.execute(
            "CREATE TABLE places (kind, owner, id, file, line, PRIMARY KEY (kind, owner, id))"
            " WITHOUT ROWID"
        )
        self._rows.execute("BEGIN")

    def first(self, kind: RecordKind, record_id: str, place: Place, *, owner: str = "") -> Place:
        """Where that record was given first; `place` itself if it was not before."""
        key = kind.value, owner, record_id
        added = self._rows.execute(
            "INSERT INTO places VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", (*key, *place)
        )
        return place if added.rowcount else self._place(key)

    def move(self, kind: RecordKind, record_id: str, place: Place, *, owner: str = "") -> None:
        """From now on that place is the first."""
        self._rows.execute(
            "UPDATE places SET file = ?, line = ? WHERE kind = ? AND owner = ? AND id = ?",
            (*place, kind.value, owner, record_id),
        )

    def _place(self, key: tuple[str, str, str]) -> Place:
        found = self._rows.execute(
            "SELECT file, line FROM places WHERE kind = ? AND owner = ? AND id = ?", key
        ).fetchone()
        return str(found[0]), int(found[1])
