"""In which languages texts say something, as columns."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.levels import Speech
from matching.text import languages_of
from matching.vectors import CodeArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Spoken:
    """The languages of n texts."""

    kinds: tuple[Speech, ...]
    """The sets of languages that occur."""
    codes: CodeArray
    """(n,) place of each text's languages in `kinds`."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Spoken":
        """The languages of these texts."""
        found = [languages_of(text) for text in texts]
        kinds = tuple(sorted(set(found), key=sorted))
        number = {kind: place for place, kind in enumerate(kinds)}
        return cls(kinds, np.fromiter((number[kind] for kind in found), np.uint8, len(found)))

    def with_later(self, more: "Spoken") -> "Spoken":
        """These texts and others behind them."""
        kinds = (*self.kinds, *(kind for kind in more.kinds if kind not in self.kinds))
        renamed = np.array([kinds.index(kind) for kind in more.kinds], np.uint8)
        return Spoken(kinds, np.append(self.codes, renamed[more.codes]))

    def select(self, rows: IntArray) -> "Spoken":
        """Some of the texts, in the order given."""
        return Spoken(self.kinds, self.codes[rows])

    @property
    def masks(self) -> dict[Speech, NDArray[np.bool_]]:
        """Mask (n,) of the texts of each kind."""
        return {kind: self.codes == place for place, kind in enumerate(self.kinds)}

    def any_of(self, languages: Speech) -> NDArray[np.bool_]:
        """Mask (n,) of the texts that say something in one of these languages."""
        wanted = np.array([bool(kind & languages) for kind in self.kinds], bool)
        return wanted[self.codes]
