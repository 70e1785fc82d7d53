"""The values the engine works on: partners, their evidence, and what is asked.

A `Corpus` is an immutable snapshot with its indexes; a change of the data makes a new one.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from matching.aggregate import rows_between
from matching.columns import Labels, PartnerColumns
from matching.duplicates import originals
from matching.echoes import BareLists
from matching.encoders.protocol import Vectors
from matching.impacts import Impacts
from matching.levels import Levels, Speech
from matching.lexical import LexicalIndex, Statistics, TermCounts
from matching.phrase_index import PhraseIndex
from matching.profiles import PHRASE_GAIN, PHRASES, WORDS, ProfileIndex
from matching.text import languages_of
from matching.vectors import CodeArray, VectorIndex, VectorSearch

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` to `end`, both included; an open end is None."""

    start: date
    end: date | None = None

    def holds(self, day: date) -> bool:
        """True if `day` lies in the period."""
        return self.start <= day and (self.end is None or day <= self.end)


@dataclass(frozen=True, slots=True)
class Partner:
    """Who could meet a need. Names, age and rank are left out: they are never signals."""

    id: str
    kind: str
    organisation: str | None = None
    clusters: frozenset[str] = frozenset()
    prefecture: str | None = None
    city: str | None = None
    engagement_types: frozenset[str] = frozenset()
    """Engagement types accepted; empty if the partner has stated none."""
    unavailable: tuple[Period, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One capability of a partner, as text."""

    id: str
    partner: str
    text: str
    kind: str
    external_id: str | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of the engine: a need, or any text."""

    text: str
    posted_on: date
    """The day as of which the recency of evidence is judged."""
    clusters: frozenset[str] = frozenset()
    prefecture: str | None = None
    city: str | None = None
    engagement_types: frozenset[str] = frozenset()
    organisation: str | None = None
    excluded_organisations: frozenset[str] = frozenset()
    excluded_evidence: frozenset[str] = frozenset()
    """External ids of evidence that must not speak for a partner here."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """The languages of n texts."""

    kinds: tuple[Speech, ...]
    """The sets of languages that occur."""
    codes: CodeArray
    """(n,) place of each text's languages in `kinds`."""

    @property
    def masks(self) -> dict[Speech, NDArray[np.bool_]]:
        """Mask (n,) of the texts of each kind."""
        return {kind: self.codes == place for place, kind in enumerate(self.kinds)}

    def any_of(self, languages: Speech) -> NDArray[np.bool_]:
        """Mask (n,) of the texts that say something in one of these languages."""
        wanted = np.array([bool(kind & languages) for kind in self.kinds], bool)
        return wanted[self.codes]


@dataclass(frozen=True, slots=True)
class Whole:
    """What a whole corpus knows of its texts, for its parts to be judged by."""

    words: Statistics
    phrases: Statistics
    cosines: Levels
    """Of two random pieces of evidence."""


@dataclass(frozen=True)
class Corpus:
    """Partners (m) and their evidence (n), evidence of one partner lying together."""

    partners: tuple[Partner, ...]
    evidence: tuple[Evidence, ...]
    partner_of: IntArray
    """(n,) position of each piece of evidence's partner."""
    vectors: VectorSearch
    """Of the n texts."""
    lexical: LexicalIndex
    phrases: PhraseIndex
    bare_lists: BareLists
    passage_statistics: Statistics
    repeats: tuple[tuple[str, int], ...] = ()
    """Evidence that was left out: its external id, and the row whose text it repeats."""
    pending: int = field(default=0, kw_only=True)
    """Pieces of evidence whose vectors are still to be computed; until then they have none."""
    part_of: Whole | None = field(default=None, kw_only=True)
    """What the whole corpus knows, if this is a part of one."""

    @classmethod
    def build(
        cls,
        partners: Sequence[Partner],
        evidence: Sequence[Evidence],
        vectors: Vectors,
        terms: Sequence[TermCounts],
        *,
        pending: int = 0,
    ) -> "Corpus":
        """A corpus of partners and evidence; `vectors` (n, d) and `terms` (n) belong to the latter.

        Evidence that says the same as another piece of the same partner is left out: it counts
        once. Raises ValueError if the lengths differ, a partner comes twice, or a piece of
        evidence names an unknown partner.
        """
        place = {partner.id: position for position, partner in enumerate(partners)}
        if len(place) < len(partners):
            raise ValueError("A partner comes twice.")
        unknown = {piece.partner for piece in evidence} - place.keys()
        if unknown:
            raise ValueError(f"Evidence of unknown partners: {sorted(unknown)[:5]}")
        if not len(evidence) == len(vectors) == len(terms):
            raise ValueError(
                f"{len(evidence)} pieces of evidence, {len(vectors)} vectors and {len(terms)} "
                "counts of terms: each piece needs one of each."
            )
        owner = np.fromiter((place[piece.partner] for piece in evidence), np.int64, len(evidence))
        together = np.argsort(owner, kind="stable")
        first = originals([terms[i] for i in together], owner[together])
        kept = first == np.arange(len(first))
        row_of = np.cumsum(kept) - 1
        order = together[kept]
        chosen = [terms[i] for i in order]
        lexical = LexicalIndex.build(chosen)
        left_out = (
            (evidence[together[i]].external_id, int(row_of[first[i]]))
            for i in np.flatnonzero(~kept)
        )
        return cls(
            partners=tuple(partners),
            evidence=tuple(evidence[i] for i in order),
            partner_of=owner[order],
            vectors=VectorIndex(vectors[order]),
            lexical=lexical,
            phrases=PhraseIndex.build([counted.phrases for counted in chosen]),
            bare_lists=BareLists.of(chosen),
            passage_statistics=lexical.statistics(np.arange(len(order)), len(order)),
            repeats=tuple((name, row) for name, row in left_out if name is not None),
            pending=pending,
        )

    @cached_property
    def has_vector(self) -> NDArray[np.bool_]:
        """Mask (n,) of the evidence that has a vector."""
        return self.vectors.filled

    @cached_property
    def speech(self) -> Spoken:
        """The languages in which each piece of evidence (n,) says something."""
        found = [languages_of(piece.text) for piece in self.evidence]
        kinds = tuple(sorted(set(found), key=sorted))
        number = {kind: place for place, kind in enumerate(kinds)}
        codes = np.fromiter((number[kind] for kind in found), np.uint8, len(found))
        return Spoken(kinds, codes)

    @cached_property
    def years(self) -> NDArray[np.float64]:
        """(n,) year of each piece of evidence, NaN where unknown."""
        return np.array([np.nan if e.year is None else e.year for e in self.evidence], np.float64)

    @cached_property
    def position(self) -> dict[str, int]:
        """Position of each partner by id."""
        return {partner.id: position for position, partner in enumerate(self.partners)}

    @cached_property
    def columns(self) -> PartnerColumns:
        """The partners' fields as columns, for filters and signals."""
        return PartnerColumns.of(self.partners)

    @cached_property
    def id_order(self) -> IntArray:
        """(m,) place of each partner among all in the order of their ids, which settles ties."""
        ids = [partner.id for partner in self.partners]
        order = np.array(sorted(range(len(ids)), key=ids.__getitem__), np.int64)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return place

    @cached_property
    def kinds(self) -> Labels:
        """The kind of each piece of evidence (n,)."""
        return Labels.of([piece.kind for piece in self.evidence])

    @cached_property
    def rows_named(self) -> dict[str, list[int]]:
        """Rows of the evidence by its external id; pieces without one are in none.

        The id of a piece that was left out names the row that it repeats: who may not be judged
        by the one may not be judged by its copy.
        """
        found: dict[str, list[int]] = defaultdict(list)
        for name, row in self.repeats:
            found[name].append(row)
        for row, piece in enumerate(self.evidence):
            if piece.external_id is not None:
                found[piece.external_id].append(row)
        return dict(found)

    @cached_property
    def passage_impacts(self) -> Impacts:
        """BM25 of the single pieces of evidence, worked out ahead."""
        return Impacts.build(
            self.lexical,
            group=np.arange(len(self.evidence)),
            lengths=self.lexical.lengths,
            statistics=self.passage_statistics,
        )

    @cached_property
    def joined_statistics(self) -> Statistics:
        """Of the partners' evidence, concatenated: for the BM25 baseline."""
        return self.lexical.statistics(self.partner_of, len(self.partners))

    @cached_property
    def profile_words(self) -> ProfileIndex:
        """The partners' whole profiles by their words."""
        return ProfileIndex.build(
            self.lexical,
            self.passage_impacts.impact,
            partner_of=self.partner_of,
            partners=len(self.partners),
            shape=WORDS,
            statistics=None if self.part_of is None else self.part_of.words,
        )

    @cached_property
    def profile_phrases(self) -> ProfileIndex:
        """The partners' whole profiles by their phrases."""
        held = self.phrases.index
        return ProfileIndex.build(
            held,
            np.full(len(held.passage), PHRASE_GAIN),
            partner_of=self.partner_of,
            partners=len(self.partners),
            shape=PHRASES,
            statistics=None if self.part_of is None else self.part_of.phrases,
        )

    @cached_property
    def whole(self) -> Whole:
        """What this corpus, or the one of which it is a part, knows of its texts."""
        return self.part_of or Whole(
            self.profile_words.statistics,
            self.profile_phrases.statistics,
            Levels.of(self.vectors.at(np.arange(len(self.evidence))), self.speech.masks),
        )

    @cached_property
    def bounds(self) -> IntArray:
        """(m + 1,): the evidence of partner p lies at `bounds[p]:bounds[p + 1]`."""
        return np.searchsorted(self.partner_of, np.arange(len(self.partners) + 1))

    def rows_of(self, partner: int) -> slice:
        """Where the evidence of the partner at that position lies."""
        return slice(int(self.bounds[partner]), int(self.bounds[partner + 1]))

    def only(self, ids: Collection[str]) -> "Corpus":
        """The part with these partners, judged by the statistics of the whole.

        A need and a partner therefore get the same score whichever of the two asks.
        """
        found = sorted(self.position[i] for i in set(ids) if i in self.position)
        wanted = np.array(found, np.int64)
        rows = rows_between(self.bounds[wanted], self.bounds[wanted + 1])
        place = {int(row): at for at, row in enumerate(rows)}
        return Corpus(
            partners=tuple(self.partners[p] for p in wanted),
            evidence=tuple(self.evidence[row] for row in rows),
            partner_of=np.searchsorted(wanted, self.partner_of[rows]).astype(np.int64),
            vectors=self.vectors.select(rows),
            lexical=self.lexical.select(rows),
            phrases=self.phrases.select(rows),
            bare_lists=self.bare_lists.select(rows),
            passage_statistics=self.passage_statistics,
            repeats=tuple((name, place[row]) for name, row in self.repeats if row in place),
            pending=self.pending,
            part_of=self.whole,
        )
