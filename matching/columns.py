"""Partners as columns: what filters and signals compare, made once per corpus."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the corpus holds its columns
    from matching.corpus import Partner

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True)
class Labels:
    """One label each of m things, or none."""

    number: dict[str, int]
    codes: IntArray
    """(m,) number of each thing's label, `UNKNOWN` where it has none."""

    @classmethod
    def of(cls, labels: Sequence[str | None]) -> "Labels":
        """The column of these labels."""
        distinct = dict.fromkeys(label for label in labels if label is not None)
        number = {label: place for place, label in enumerate(distinct)}
        codes = (UNKNOWN if label is None else number[label] for label in labels)
        return cls(number, np.fromiter(codes, np.int64, len(labels)))

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
    start: IntArray
    end: IntArray
    things: int

    @classmethod
    def of(cls, partners: Sequence["Partner"]) -> "Absences":
        """The periods that the partners have stated."""
        found = [
            (position, period.start.toordinal(), (period.end or date.max).toordinal())
            for position, partner in enumerate(partners)
            for period in partner.unavailable
        ]
        owner, start, end = np.array(found, np.int64).reshape(-1, 3).T
        return cls(owner, start, end, len(partners))

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
    def of(cls, partners: Sequence["Partner"]) -> "PartnerColumns":
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

    def __len__(self) -> int:
        return len(self.kind.codes)
