"""The corpus the engine works on: partners and their evidence, as columns, with their indexes.

A `Corpus` is an immutable value; a change of the data makes a new one, which shares with the old
one all that did not change.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.aggregate import rows_between
from matching.chance import Chance
from matching.columns import Absences, Labels, LabelSets, PartnerColumns
from matching.corpus_build import LENGTHS, columns_of
from matching.corpus_change import Changed, later_columns
from matching.counted import Counted
from matching.echoes import BareLists
from matching.encoders.protocol import Vectors
from matching.impacts import Impacts
from matching.levels import Levels
from matching.lexical import LexicalIndex, Statistics, TermCounts
from matching.phrase_index import PhraseIndex
from matching.postings import Postings
from matching.profiles import ProfileIndex, ProfileShape
from matching.snapshot import check, load, save
from matching.spoken import Spoken
from matching.strings import Places, Positions, Texts, Vocabulary
from matching.tables import EvidenceRows, EvidenceTable, NamedRows, PartnerTable, RowsNamed
from matching.text import words_id
from matching.values import Evidence, Partner, Period, Query
from matching.vectors import VectorIndex, VectorSearch

__all__ = ["Corpus", "Evidence", "Partner", "Period", "Query", "Spoken", "Whole"]

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Whole:
    """What a whole corpus knows of its texts, for its parts to be judged by."""

    words: Statistics
    phrases: Statistics
    cosines: Levels
    """Of two random pieces of evidence."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """Partners (m) and their evidence (n), evidence of one partner lying together.

    Rows of evidence whose partner was changed or is gone stay where they are, but may not speak
    (`alive`): they lie with those of the partner before them.
    """

    partners: PartnerTable
    evidence: EvidenceRows
    partner_of: IntArray
    """(n,) position of each piece of evidence's partner."""
    alive: BoolArray
    """(n,) which rows hold evidence, and not what was evidence once."""
    vectors: VectorSearch
    """Of the n texts."""
    lexical: LexicalIndex
    phrases: PhraseIndex
    bare_lists: BareLists
    passage_statistics: Statistics
    passage_impacts: Impacts
    """BM25 of the single pieces of evidence, worked out ahead."""
    profile_words: ProfileIndex
    """The partners' whole profiles by their words."""
    profile_phrases: ProfileIndex
    """The partners' whole profiles by their phrases."""
    speech: Spoken
    """The languages in which each piece of evidence (n,) says something."""
    years: NDArray[np.float64]
    """(n,) year of each piece of evidence, NaN where unknown."""
    kinds: Labels
    """The kind of each piece of evidence (n,)."""
    rows_named: RowsNamed
    """Rows of the evidence by its external id."""
    cosines: Levels
    """Of two random pieces of evidence, in the whole of which this may be a part."""
    pending: int = field(default=0, kw_only=True)
    """Pieces of evidence whose vectors are still to be computed; until then they have none."""
    base: "Corpus | None" = field(default=None, kw_only=True)
    """The corpus as it was built, if this is a later state of it."""
    changes: Changed | None = field(default=None, kw_only=True)
    """What is otherwise than in `base`."""

    @classmethod
    def build(
        cls,
        partners: Sequence[Partner],
        evidence: Sequence[Evidence],
        vectors: Vectors | VectorSearch,
        terms: Sequence[TermCounts] | Counted,
        *,
        pending: int = 0,
    ) -> "Corpus":
        """A corpus of partners and evidence; `vectors` (n, d) and `terms` (n) belong to the latter.

        Evidence that says the same as another piece of the same partner is left out: it counts
        once. Raises ValueError if the lengths differ, a partner comes twice, or a piece of
        evidence names an unknown partner.
        """
        return cls(**columns_of(partners, evidence, vectors, terms, like=None), pending=pending)

    def changed(
        self,
        partners: Sequence[Partner],
        evidence: Sequence[Evidence],
        vectors: Vectors,
        terms: Sequence[TermCounts],
        *,
        gone: Collection[str] = (),
        pending: int = 0,
    ) -> "Corpus":
        """The corpus with these partners, each with all its evidence, and without those in `gone`.

        Partners replace those of the same id. The other arguments are those of `build`, which also
        says what raises ValueError. What it costs depends on the partners changed since the corpus
        was built, and hardly on the others. Words and cosines are judged by what the corpus knew
        of its texts when it was built; a word that is new since is as frequent as it is among the
        changed partners.
        """
        if not len(evidence) == len(vectors) == len(terms):
            raise ValueError(LENGTHS.format(len(evidence), len(vectors), len(terms)))
        base = self.base or self
        touched = {partner.id for partner in partners}
        fresh = Changed(
            tuple(partners),
            tuple(evidence),
            vectors,
            Counted.of(terms),
            frozenset(touched).union(gone),
        )
        if self.changes is not None:
            fresh = self.changes.followed_by(fresh)
        more = columns_of(fresh.partners, fresh.evidence, fresh.vectors, fresh.counted, like=base)
        later = later_columns(base, more, fresh.gone)
        corpus = base.only([]) if later is None else Corpus(**later)
        return replace(corpus, pending=pending, base=base, changes=fresh)

    def save(self, folder: Path) -> None:
        """Write the corpus as it was built into a new folder; changes since then are not saved.

        Raises FileExistsError if the folder is there, and TypeError if the vectors are kept
        elsewhere than in this process.
        """
        save(folder, self.base or self, _SAVED, marks={"words": words_id()})

    @classmethod
    def open(cls, folder: Path, *, verify: bool = True) -> "Corpus":
        """A saved corpus, its arrays mapped and not read.

        Raises SnapshotError if it is missing, cut, damaged, or of another version or other words.
        Without `verify` the arrays are believed: `check` reads them.
        """
        found: Corpus = load(folder, _SAVED, marks={"words": words_id()}, verify=verify)
        return found

    @staticmethod
    def check(folder: Path) -> None:
        """Read all of a saved corpus. Raises SnapshotError if a byte is not as it was saved."""
        check(folder)

    @property
    def drift(self) -> float:
        """Share in [0, 1] of the rows that are no more, or came after the corpus was built."""
        if self.base is None or not len(self.alive):
            return 0.0
        later = len(self.alive) - len(self.base.alive)
        return float((~self.alive[: len(self.base.alive)]).sum() + later) / len(self.alive)

    @cached_property
    def has_vector(self) -> BoolArray:
        """Mask (n,) of the evidence that has a vector."""
        return self.vectors.filled

    @property
    def position(self) -> Positions:
        """Position of each partner by id."""
        return self.partners.position

    @property
    def columns(self) -> PartnerColumns:
        """The partners' fields as columns, for filters and signals."""
        return self.partners.columns

    @property
    def id_order(self) -> IntArray:
        """(m,) place of each partner among all in the order of their ids, which settles ties."""
        return self.partners.id_order

    @cached_property
    def joined_statistics(self) -> Statistics:
        """Of the partners' evidence, concatenated: for the BM25 baseline."""
        return self.lexical.statistics(self.partner_of, len(self.partners))

    @property
    def whole(self) -> Whole:
        """What this corpus, or the one of which it is a part, knows of its texts."""
        return Whole(self.profile_words.statistics, self.profile_phrases.statistics, self.cosines)

    @cached_property
    def bounds(self) -> IntArray:
        """(m + 1,): the evidence of partner p lies at `bounds[p]:bounds[p + 1]`, with rows that
        are not `alive`."""
        return np.searchsorted(self.partner_of, np.arange(len(self.partners) + 1))

    @cached_property
    def pieces(self) -> IntArray:
        """(m,) how many pieces of evidence each partner has."""
        return np.bincount(self.partner_of[self.alive], minlength=len(self.partners))

    @cached_property
    def living(self) -> IntArray:
        """(l,) the rows that hold evidence, ascending."""
        return np.flatnonzero(self.alive)

    def rows_of(self, partner: int) -> slice:
        """Where the evidence of the partner at that position lies, as `bounds` says."""
        return slice(int(self.bounds[partner]), int(self.bounds[partner + 1]))

    def supposing(
        self, partners: Mapping[int, Partner], undated: Sequence[slice], year: int
    ) -> "Corpus":
        """The corpus if the partners at some positions were others of the same ids, and the
        `undated` rows without a year were of that year."""
        years = self.years
        if undated:
            years = years.copy()
            for rows in undated:
                years[rows] = np.where(np.isnan(years[rows]), year, years[rows])
        return replace(self, partners=self.partners.supposing(partners), years=years)

    def only(self, ids: Collection[str]) -> "Corpus":
        """The part with these partners, judged by the statistics of the whole.

        A need and a partner therefore get the same score whichever of the two asks. Nothing large
        is copied: it looks into the postings of the whole.
        """
        found = sorted(self.position[i] for i in set(ids) if i in self.position)
        wanted = np.array(found, np.int64)
        rows = rows_between(self.bounds[wanted], self.bounds[wanted + 1])
        rows = rows[self.alive[rows]]
        return Corpus(
            partners=self.partners.take(wanted),
            evidence=self.evidence.select(rows),
            partner_of=np.searchsorted(wanted, self.partner_of[rows]).astype(np.int64),
            alive=np.ones(len(rows), bool),
            vectors=self.vectors.select(rows),
            lexical=self.lexical.select(rows),
            phrases=self.phrases.select(rows),
            bare_lists=self.bare_lists.select(rows),
            passage_statistics=self.passage_statistics,
            passage_impacts=self.passage_impacts.select(rows),
            profile_words=self.profile_words.select(wanted, rows),
            profile_phrases=self.profile_phrases.select(wanted, rows),
            speech=self.speech.select(rows),
            years=self.years[rows],
            kinds=self.kinds.take(rows),
            rows_named=self.rows_named.select(rows),
            cosines=self.cosines,
            pending=self.pending,
        )


_SAVED: Final[Mapping[str, type]] = {
    kind.__name__: kind
    for kind in (
        *(Corpus, PartnerTable, PartnerColumns, Labels, LabelSets, Absences, Texts, Places),
        *(EvidenceRows, EvidenceTable, NamedRows, RowsNamed, Spoken, Levels, Chance, VectorIndex),
        *(LexicalIndex, Vocabulary, Postings, PhraseIndex, BareLists, Statistics, Impacts),
        *(ProfileIndex, ProfileShape),
    )
}
"""What a saved corpus is made of."""
