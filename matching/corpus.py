"""The corpus the engine works on: partners and their evidence, as columns, with their indexes.

A `Corpus` is an immutable value; a change of the data makes a new one, which shares with the old
one all that did not change.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from matching.aggregate import rows_between
from matching.chance import Chance
from matching.columns import Absences, Labels, LabelSets, PartnerColumns
from matching.counted import Counted
from matching.duplicates import originals
from matching.echoes import BareLists
from matching.encoders.protocol import Vectors
from matching.impacts import Impacts
from matching.levels import Levels, Speech
from matching.lexical import LexicalIndex, Statistics, TermCounts, statistics_of
from matching.phrase_index import PhraseIndex
from matching.postings import Postings
from matching.profiles import (
    PHRASES,
    WORDS,
    ProfileIndex,
    ProfileShape,
    gains_of,
    gains_of_phrases,
)
from matching.snapshot import check, load, save
from matching.strings import Places, Positions, Texts, Vocabulary
from matching.tables import EvidenceRows, EvidenceTable, NamedRows, PartnerTable, RowsNamed
from matching.text import languages_of, words_id
from matching.values import Evidence, Partner, Period, Query
from matching.vectors import CodeArray, JoinedVectors, VectorIndex, VectorSearch

__all__ = ["Corpus", "Evidence", "Partner", "Period", "Query", "Spoken", "Whole"]

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


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


@dataclass(frozen=True, slots=True)
class Whole:
    """What a whole corpus knows of its texts, for its parts to be judged by."""

    words: Statistics
    phrases: Statistics
    cosines: Levels
    """Of two random pieces of evidence."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Partners that came or were changed since a corpus was built, with all their evidence."""

    partners: tuple[Partner, ...]
    evidence: tuple[Evidence, ...]
    vectors: Vectors
    counted: Counted
    gone: frozenset[str]
    """Partners of the corpus as it was built that are no more, or that are among these."""

    def without(self, ids: Collection[str]) -> "Changed":
        """The same but for some partners."""
        rows = np.array([i for i, e in enumerate(self.evidence) if e.partner not in ids], np.int64)
        return Changed(
            tuple(partner for partner in self.partners if partner.id not in ids),
            tuple(self.evidence[row] for row in rows),
            self.vectors[rows],
            self.counted.take(rows),
            self.gone,
        )


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
        return built_like(partners, evidence, vectors, terms, pending=pending, like=None)

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
            raise ValueError(_LENGTHS.format(len(evidence), len(vectors), len(terms)))
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
            kept = self.changes.without(fresh.gone)
            fresh = Changed(
                kept.partners + fresh.partners,
                kept.evidence + fresh.evidence,
                np.concatenate([kept.vectors, fresh.vectors]),
                Counted.joined([kept.counted, fresh.counted]),
                kept.gone | fresh.gone,
            )
        more = built_like(
            fresh.partners, fresh.evidence, fresh.vectors, fresh.counted, pending=0, like=base
        )
        return replace(_later(base, more, fresh.gone), pending=pending, base=base, changes=fresh)

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

LEVELLED: Final = 100_000
"""Pieces whose vectors tell what the cosine of two random ones is; of more, these are drawn."""
_LENGTHS: Final = (
    "{} pieces of evidence, {} vectors and {} counts of terms: each piece needs one of each."
)


def built_like(
    partners: Sequence[Partner],
    evidence: Sequence[Evidence],
    vectors: Vectors | VectorSearch,
    terms: Sequence[TermCounts] | Counted,
    *,
    pending: int,
    like: Corpus | None,
) -> Corpus:
    """As `Corpus.build`; judged by the statistics of `like` and in its numbers, if given."""
    table = PartnerTable.of(partners)
    place = {partner.id: position for position, partner in enumerate(partners)}
    unknown = {piece.partner for piece in evidence} - place.keys()
    if unknown:
        raise ValueError(f"Evidence of unknown partners: {sorted(unknown)[:5]}")
    size = len(vectors.filled) if not isinstance(vectors, np.ndarray) else len(vectors)
    if not len(evidence) == size == len(terms):
        raise ValueError(_LENGTHS.format(len(evidence), size, len(terms)))
    counted = terms if isinstance(terms, Counted) else Counted.of(terms)
    owner = np.fromiter((place[piece.partner] for piece in evidence), np.int64, len(evidence))
    together = np.argsort(owner, kind="stable")
    lying = counted.take(together)
    first = originals(lying, owner[together])
    kept = first == np.arange(len(first))
    row_of = np.cumsum(kept) - 1
    order = together[kept]
    copies = [
        (name, int(row_of[first[i]]))
        for i in np.flatnonzero(~kept)
        if (name := evidence[together[i]].external_id) is not None
    ]
    chosen = lying.take(np.flatnonzero(kept))
    partner_of = owner[order]
    rows = EvidenceTable.of([evidence[i] for i in order], partner_of.astype(np.int32), table.ids)
    if isinstance(vectors, np.ndarray):
        in_order = np.array_equal(order, np.arange(size))
        search: VectorSearch = VectorIndex.build(vectors if in_order else vectors[order])
    else:
        search = vectors.select(order)
    speech = Spoken.of(evidence[i].text for i in order)
    indexes = _indexes(chosen, partner_of, len(partners), like)
    return Corpus(
        partners=table,
        evidence=EvidenceRows((rows,)),
        partner_of=partner_of,
        alive=np.ones(len(order), bool),
        vectors=search,
        speech=speech,
        years=rows.years,
        kinds=rows.kinds,
        rows_named=RowsNamed(((NamedRows.of(rows, copies), 0),)),
        cosines=_levels(search, speech, len(order)) if like is None else like.cosines,
        pending=pending,
        **indexes,
    )


class _Indexes(TypedDict):
    lexical: LexicalIndex
    phrases: PhraseIndex
    bare_lists: BareLists
    passage_statistics: Statistics
    passage_impacts: Impacts
    profile_words: ProfileIndex
    profile_phrases: ProfileIndex


def _indexes(
    counted: Counted, partner_of: IntArray, partners: int, like: Corpus | None
) -> _Indexes:
    """All that is made of the words of the passages (n) of so many partners."""
    lexical = LexicalIndex.build(counted, None if like is None else like.lexical.vocabulary)
    phrases = PhraseIndex.build(counted.phrases, None if like is None else like.phrases)
    (part,) = lexical.parts
    statistics = (
        statistics_of(np.diff(part.indptr).astype(np.int32), lexical.lengths)
        if like is None
        else like.passage_statistics
    )
    impacts = Impacts.build(
        lexical,
        group=np.arange(len(counted)),
        lengths=lexical.lengths,
        statistics=statistics,
    )
    return _Indexes(
        lexical=lexical,
        phrases=phrases,
        bare_lists=BareLists.of(counted, None if like is None else like.bare_lists),
        passage_statistics=statistics,
        passage_impacts=impacts,
        profile_words=ProfileIndex.build(
            gains_of(lexical, impacts),
            partner_of=partner_of,
            partners=partners,
            shape=WORDS,
            statistics=None if like is None else like.profile_words.statistics,
        ),
        profile_phrases=ProfileIndex.build(
            gains_of_phrases(phrases.index),
            partner_of=partner_of,
            partners=partners,
            shape=PHRASES,
            statistics=None if like is None else like.profile_phrases.statistics,
        ),
    )


def _levels(vectors: VectorSearch, speech: Spoken, pieces: int) -> Levels:
    """Of all pieces, or of so many drawn ones that mean and spread are known to a thousandth."""
    rows = np.arange(pieces)
    if pieces > LEVELLED:
        rows = np.sort(np.random.default_rng(0).choice(pieces, LEVELLED, replace=False))
    return Levels.of(vectors.at(rows), {kind: m[rows] for kind, m in speech.masks.items()})


def _later(base: Corpus, more: Corpus, gone: Collection[str]) -> Corpus:
    """The corpus of `base` without the partners in `gone`, and of `more`, built like it."""
    dead = base.partners.position.places(gone)
    left = np.ones(len(base.partners), bool)
    left[dead] = False
    staying = np.flatnonzero(left)
    if not len(staying) + len(more.partners):
        return base.only([])
    target = np.where(left, np.cumsum(left) - 1, -1)
    n, m = len(base.partner_of), len(staying) + len(more.partners)
    statistics = replace(
        base.passage_statistics,
        later=more.lexical.parts[0].frequency_from(len(base.passage_statistics.frequency)),
    )
    # Rows that are no more lie with the partner before them, or with the first one.
    owner = np.maximum(np.cumsum(left) - 1, 0)[base.partner_of]
    return Corpus(
        partners=base.partners.take(staying).with_later(more.partners),
        evidence=EvidenceRows(base.evidence.tables + more.evidence.tables),
        partner_of=np.append(owner, len(staying) + more.partner_of),
        alive=np.append(left[base.partner_of], more.alive),
        vectors=JoinedVectors((base.vectors, more.vectors)),
        lexical=base.lexical.with_later(more.lexical),
        phrases=base.phrases.with_later(more.phrases),
        bare_lists=base.bare_lists.with_later(more.bare_lists, n),
        passage_statistics=statistics,
        passage_impacts=base.passage_impacts.with_later(
            more.passage_impacts, statistics, target=None, documents=n + len(more.partner_of)
        ),
        profile_words=base.profile_words.with_later(more.profile_words, target, m),
        profile_phrases=base.profile_phrases.with_later(more.profile_phrases, target, m),
        speech=base.speech.with_later(more.speech),
        years=np.append(base.years, more.years),
        kinds=Labels.joined([base.kinds, more.kinds]),
        rows_named=RowsNamed((*base.rows_named.parts, (more.rows_named.parts[0][0], n))),
        cosines=base.cosines,
    )
