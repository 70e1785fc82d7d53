"""Partners and evidence as columns; the objects are made when one is asked for."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import overload

import numpy as np
from numpy.typing import NDArray

from matching.columns import Labels, PartnerColumns
from matching.strings import KeyArray, Places, Positions, Texts, keys_of_all
from matching.values import Evidence, Partner

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PartnerTable(Sequence[Partner]):
    """m partners."""

    ids: Texts
    keys: KeyArray
    """(m,) of the ids."""
    columns: PartnerColumns
    id_order: IntArray
    """(m,) place of each partner among all in the order of their ids."""

    @classmethod
    def of(cls, partners: Sequence[Partner]) -> "PartnerTable":
        """These partners, in their order. Raises ValueError if one comes twice."""
        names = [partner.id for partner in partners]
        if len(set(names)) < len(names):
            raise ValueError("A partner comes twice.")
        order = np.array(sorted(range(len(names)), key=names.__getitem__), np.int64)
        return cls(
            Texts.of(names),
            keys_of_all(names, len(names)),
            PartnerColumns.of(partners),
            _inverse(order),
        )

    @cached_property
    def position(self) -> Positions:
        """Position of each partner by id."""
        return Positions(self.ids, self.keys)

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, place: int) -> Partner: ...
    @overload
    def __getitem__(self, place: slice) -> list[Partner]: ...
    def __getitem__(self, place: int | slice) -> Partner | list[Partner]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        name = self.ids[place]
        return self.columns.at(int(place) % len(self), name)

    def __iter__(self) -> Iterator[Partner]:
        return (self.columns.at(place, name) for place, name in enumerate(self.ids))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # equal to any sequence of equal partners

    def take(self, places: IntArray) -> "PartnerTable":
        """The partners at `places`, distinct ones, in that order."""
        return PartnerTable(
            self.ids.take(places),
            self.keys[places],
            self.columns.take(places),
            _inverse(np.argsort(self.id_order[places])),
        )

    def with_later(self, more: "PartnerTable") -> "PartnerTable":
        """These partners and others behind them."""
        order = _merged(self, more)
        return PartnerTable(
            Texts.joined([self.ids, more.ids]),
            np.append(self.keys, more.keys),
            PartnerColumns.joined([self.columns, more.columns]),
            _inverse(order),
        )

    def supposing(self, others: Mapping[int, Partner]) -> "PartnerTable":
        """The same with other values for the partners at some places, whose ids stay."""
        joined = PartnerColumns.joined([self.columns, PartnerColumns.of(list(others.values()))])
        places = np.arange(len(self))
        places[list(others)] = len(self) + np.arange(len(others))
        return replace(self, columns=joined.take(places))


def _inverse(order: IntArray) -> IntArray:
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return place


def _merged(kept: PartnerTable, more: PartnerTable) -> IntArray:
    """(m,) all partners of two tables in the order of their ids."""
    order = np.argsort(kept.id_order)
    later = np.argsort(more.id_order)
    at = [
        bisect_left(range(len(order)), more.ids[int(i)], key=lambda k: kept.ids[int(order[k])])
        for i in later
    ]
    return np.insert(order, np.array(at, np.int64), len(kept) + later)


@dataclass(frozen=True, eq=False)
class EvidenceTable:
    """n pieces of evidence of the partners (m) of a table."""

    ids: Texts
    texts: Texts
    external_ids: Texts
    """Empty where there is none."""
    has_external_id: NDArray[np.bool_]
    kinds: Labels
    years: NDArray[np.float64]
    """(n,), NaN where unknown."""
    partner_of: NDArray[np.int32]
    """(n,) position in `partner_ids`."""
    partner_ids: Texts

    @classmethod
    def of(
        cls, evidence: Sequence[Evidence], partner_of: NDArray[np.int32], partner_ids: Texts
    ) -> "EvidenceTable":
        """These pieces, in their order."""
        known = (piece.external_id is not None for piece in evidence)
        years = (np.nan if piece.year is None else piece.year for piece in evidence)
        return cls(
            ids=Texts.of(piece.id for piece in evidence),
            texts=Texts.of(piece.text for piece in evidence),
            external_ids=Texts.of(piece.external_id or "" for piece in evidence),
            has_external_id=np.fromiter(known, bool, len(evidence)),
            kinds=Labels.of([piece.kind for piece in evidence]),
            years=np.fromiter(years, np.float64, len(evidence)),
            partner_of=partner_of,
            partner_ids=partner_ids,
        )

    def __len__(self) -> int:
        return len(self.years)

    def at(self, row: int) -> Evidence:
        """The piece at a row."""
        year = self.years[row]
        return Evidence(
            id=self.ids[row],
            partner=self.partner_ids[int(self.partner_of[row])],
            text=self.texts[row],
            kind=self.kinds.at(row) or "",
            external_id=self.external_ids[row] if self.has_external_id[row] else None,
            year=None if np.isnan(year) else int(year),
        )


@dataclass(frozen=True, eq=False)
class EvidenceRows(Sequence[Evidence]):
    """The evidence of a corpus, out of one or more tables."""

    tables: tuple[EvidenceTable, ...]
    chosen: IntArray | None = None
    """Rows of the tables, as if they were one, in the order in which they lie here; None: all."""

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((len(table) for table in self.tables), initial=0))

    def __len__(self) -> int:
        return self._starts[-1] if self.chosen is None else len(self.chosen)

    @overload
    def __getitem__(self, row: int) -> Evidence: ...
    @overload
    def __getitem__(self, row: slice) -> list[Evidence]: ...
    def __getitem__(self, row: int | slice) -> Evidence | list[Evidence]:
        if isinstance(row, slice):
            return [self[i] for i in range(*row.indices(len(self)))]
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        row = int(row) % len(self)
        if self.chosen is not None:
            row = int(self.chosen[row])
        table = bisect_right(self._starts, row) - 1
        return self.tables[table].at(row - self._starts[table])

    def __iter__(self) -> Iterator[Evidence]:
        return (self[row] for row in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # equal to any sequence of equal pieces

    def select(self, rows: IntArray) -> "EvidenceRows":
        """Some of the pieces, in the order given."""
        return EvidenceRows(self.tables, rows if self.chosen is None else self.chosen[rows])


@dataclass(frozen=True, eq=False)
class NamedRows:
    """Rows by the external ids of evidence, those of left out copies included."""

    names: Places
    rows: NDArray[np.int32]
    """(k,) row that each name stands for, in the order of the names."""

    @classmethod
    def of(cls, table: EvidenceTable, copies: Sequence[tuple[str, int]]) -> "NamedRows":
        """`copies` are pieces that were left out: their external ids and the rows they repeat."""
        own = np.flatnonzero(table.has_external_id)
        names = Texts.of([name for name, _ in copies] + [table.external_ids[int(i)] for i in own])
        repeated = np.fromiter((row for _, row in copies), np.int64, len(copies))
        return cls(Places.of(names), np.append(repeated, own).astype(np.int32))


@dataclass(frozen=True, eq=False)
class RowsNamed:
    """Rows by external id, out of the parts of a corpus.

    The id of a piece that was left out names the row that it repeats: who may not be judged by the
    one may not be judged by its copy.
    """

    parts: tuple[tuple[NamedRows, int], ...]
    """Each with the first of its rows in the whole."""
    chosen: IntArray | None = None
    """Ascending rows of the whole that are left, renumbered in this order; None: all."""

    def get(self, name: str, default: list[int]) -> list[int]:
        """The rows of that name, or the default if there is none."""
        found = [
            first + int(row)
            for named, first in self.parts
            for row in named.rows[named.names.find(name)]
        ]
        if self.chosen is not None:
            place = np.searchsorted(self.chosen, found).tolist()
            found = [
                at
                for at, row in zip(place, found, strict=True)
                if at < len(self.chosen) and self.chosen[at] == row
            ]
        return found or default

    def select(self, rows: IntArray) -> "RowsNamed":
        """Of some of the rows, ascending."""
        return replace(self, chosen=rows if self.chosen is None else self.chosen[rows])
