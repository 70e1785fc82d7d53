"""Partners as columns: what filters and signals compare, made once per corpus."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.values import Partner, Period

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

UNKNOWN: Final = -1
_OPEN: Final = date.max.toordinal()


@dataclass(frozen=True)
class Labels:
    """One label each of m things, or none."""

    number: dict[str, int]
    """Of each label; they ascend."""
    codes: NDArray[np.int32]
    """(m,) number of each thing's label, `UNKNOWN` where it has none."""

    @classmethod
    def of(cls, labels: Sequence[str | None]) -> "Labels":
        """The column of these labels."""
        distinct = dict.fromkeys(label for label in labels if label is not None)
        number = {label: place for place, label in enumerate(distinct)}
        codes = (UNKNOWN if label is None else number[label] for label in labels)
        return cls(number, np.fromiter(codes, np.int32, len(labels)))

    @classmethod
    def joined(cls, parts: Sequence["Labels"]) -> "Labels":
        """The columns of several, one after the other."""
        number: dict[str, int] = {}
        codes = []
        for part in parts:
            # The last place is that of UNKNOWN.
            renamed = [number.setdefault(label, len(number)) for label in part.number]
            codes.append(np.array([*renamed, UNKNOWN], np.int32)[part.codes])
        return cls(number, np.concatenate(codes))

    def take(self, places: IntArray) -> "Labels":
        """The labels of the things at `places`, in that order."""
        return Labels(self.number, self.codes[places])

    def at(self, place: int) -> str | None:
        """The label of one thing."""
        code = int(self.codes[place])
        return None if code == UNKNOWN else self._names[code]

    @cached_property
    def _names(self) -> list[str]:
        return list(self.number)

    @property
    def known(self) -> BoolArray:
        """Mask (m,) of the things that have a label."""
        return np.asarray(self.codes != UNKNOWN)

    def equal(self, label: str | None) -> BoolArray:
        """Mask (m,) of the things with this label; with None, of those without one."""
        if label is None:
            return ~self.known
        # A label that nothing has must not meet the code of those without one.
        return np.asarray(self.codes == self.number.get(label, UNKNOWN - 1))

    def among(self, labels: Collection[str]) -> BoolArray:
        """Mask (m,) of the things whose label is one of these; False where it is unknown."""
        wanted = np.zeros(len(self.number) + 1, bool)
        wanted[[self.number[label] for label in labels if label in self.number]] = True
        return wanted[self.codes]  # UNKNOWN reads the last place, which no label has


@dataclass(frozen=True, slots=True)
class LabelSets:
    """A set of labels each of m things."""

    number: dict[str, int]
    holds: BoolArray
    """(labels, m)."""

    @classmethod
    def of(cls, sets: Sequence[frozenset[str]]) -> "LabelSets":
        """The column of these sets."""
        distinct = dict.fromkeys(label for some in sets for label in sorted(some))
        number = {label: place for place, label in enumerate(distinct)}
        holds = np.zeros((len(number), len(sets)), bool)
        for position, some in enumerate(sets):
            for label in some:
                holds[number[label], position] = True
        return cls(number, holds)

    @classmethod
    def joined(cls, parts: Sequence["LabelSets"]) -> "LabelSets":
        """The columns of several, one after the other."""
        number: dict[str, int] = {}
        for part in parts:
            for label in part.number:
                number.setdefault(label, len(number))
        holds = np.zeros((len(number), sum(part.holds.shape[1] for part in parts)), bool)
        first = 0
        for part in parts:
            last = first + part.holds.shape[1]
            for label, row in part.number.items():
                holds[number[label], first:last] = part.holds[row]
            first = last
        return cls(number, holds)

    def take(self, places: IntArray) -> "LabelSets":
        """The sets of the things at `places`, in that order."""
        return LabelSets(self.number, self.holds[:, places])

    def at(self, place: int) -> frozenset[str]:
        """The set of one thing."""
        return frozenset(label for label, row in self.number.items() if self.holds[row, place])

    @property
    def stated(self) -> BoolArray:
        """Mask (m,) of the things with at least one label."""
        return np.asarray(self.holds.any(axis=0))

    def shared(self, labels: Collection[str]) -> IntArray:
        """Number (m,) of these labels that each thing has."""
        rows = [self.number[label] for label in labels if label in self.number]
        return np.asarray(self.holds[rows].sum(axis=0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Absences:
    """Periods (p,) in which things are not available, as ordinals of days, ends included."""

    owner: IntArray
    """Ascending."""
    start: IntArray
    end: IntArray
    things: int

    @classmethod
    def of(cls, partners: Sequence[Partner]) -> "Absences":
        """The periods that the partners have stated."""
        found = [
            (position, period.start.toordinal(), (period.end or date.max).toordinal())
            for position, partner in enumerate(partners)
            for period in partner.unavailable
        ]
        owner, start, end = np.array(found, np.int64).reshape(-1, 3).T.copy()
        return cls(owner, start, end, len(partners))

    @classmethod
    def joined(cls, parts: Sequence["Absences"]) -> "Absences":
        """The periods of several, one after the other."""
        first = np.cumsum([0] + [part.things for part in parts[:-1]])
        return cls(
            np.concatenate([p.owner + at for p, at in zip(parts, first, strict=True)]),
            np.concatenate([part.start for part in parts]),
            np.concatenate([part.end for part in parts]),
            sum(part.things for part in parts),
        )

    def take(self, places: IntArray) -> "Absences":
        """The periods of the things at `places`, distinct ones, in that order."""
        new = np.full(self.things, -1, np.int64)
        new[places] = np.arange(len(places))
        kept = np.flatnonzero(new[self.owner] >= 0)
        kept = kept[np.argsort(new[self.owner[kept]], kind="stable")]
        return Absences(new[self.owner[kept]], self.start[kept], self.end[kept], len(places))

    def at(self, place: int) -> tuple[Period, ...]:
        """The periods of one thing, in the order in which they were given."""
        first, last = np.searchsorted(self.owner, [place, place + 1])
        days = zip(self.start[first:last].tolist(), self.end[first:last].tolist(), strict=True)
        return tuple(
            Period(date.fromordinal(start), None if end == _OPEN else date.fromordinal(end))
            for start, end in days
        )

    def on(self, day: date) -> BoolArray:
        """Mask (m,) of the things not available on the day."""
        away = np.zeros(self.things, bool)
        today = day.toordinal()
        away[self.owner[(self.start <= today) & (today <= self.end)]] = True
        return away


@dataclass(frozen=True, slots=True)
class PartnerColumns:
    """The fields of m partners, each (m,); an empty place is an unknown one."""

    organisation: Labels
    kind: Labels
    prefecture: Labels
    city: Labels
    clusters: LabelSets
    engagement_types: LabelSets
    unavailable: Absences

    @classmethod
    def of(cls, partners: Sequence[Partner]) -> "PartnerColumns":
        """The columns of these partners, in their order."""
        return cls(
            organisation=Labels.of([partner.organisation for partner in partners]),
            kind=Labels.of([partner.kind for partner in partners]),
            prefecture=Labels.of([partner.prefecture or None for partner in partners]),
            city=Labels.of([partner.city or None for partner in partners]),
            clusters=LabelSets.of([partner.clusters for partner in partners]),
            engagement_types=LabelSets.of([partner.engagement_types for partner in partners]),
            unavailable=Absences.of(partners),
        )

    @classmethod
    def joined(cls, parts: Sequence["PartnerColumns"]) -> "PartnerColumns":
        """The columns of several, one after the other."""
        return cls(
            organisation=Labels.joined([part.organisation for part in parts]),
            kind=Labels.joined([part.kind for part in parts]),
            prefecture=Labels.joined([part.prefecture for part in parts]),
            city=Labels.joined([part.city for part in parts]),
            clusters=LabelSets.joined([part.clusters for part in parts]),
            engagement_types=LabelSets.joined([part.engagement_types for part in parts]),
            unavailable=Absences.joined([part.unavailable for part in parts]),
        )

    def take(self, places: IntArray) -> "PartnerColumns":
        """The columns of the partners at `places`, distinct ones, in that order."""
        return PartnerColumns(
            organisation=self.organisation.take(places),
            kind=self.kind.take(places),
            prefecture=self.prefecture.take(places),
            city=self.city.take(places),
            clusters=self.clusters.take(places),
            engagement_types=self.engagement_types.take(places),
            unavailable=self.unavailable.take(places),
        )

    def at(self, place: int, name: str) -> Partner:
        """The partner at a place, whose id is `name`."""
        return Partner(
            id=name,
            kind=self.kind.at(place) or "",
            organisation=self.organisation.at(place),
            clusters=self.clusters.at(place),
            prefecture=self.prefecture.at(place),
            city=self.city.at(place),
            engagement_types=self.engagement_types.at(place),
            unavailable=self.unavailable.at(place),
        )

    def __len__(self) -> int:
        return len(self.kind.codes)
