"""A corpus is built: the columns and indexes of partners and their evidence."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from matching.columns import Labels
from matching.counted import Counted
from matching.duplicates import originals
from matching.echoes import BareLists
from matching.encoders.protocol import Vectors
from matching.impacts import Impacts
from matching.levels import Levels
from matching.lexical import LexicalIndex, Statistics, TermCounts, statistics_of
from matching.phrase_index import PhraseIndex
from matching.profiles import PHRASES, WORDS, ProfileIndex, gains_of, gains_of_phrases
from matching.spoken import Spoken
from matching.tables import EvidenceRows, EvidenceTable, NamedRows, PartnerTable, RowsNamed
from matching.values import Evidence, Partner
from matching.vectors import VectorIndex, VectorSearch

if TYPE_CHECKING:
    from matching.corpus import Corpus

IntArray = NDArray[np.int64]

LEVELLED: Final = 100_000
"""Pieces whose vectors tell what the cosine of two random ones is; of more, these are drawn."""
LENGTHS: Final = (
    "{} pieces of evidence, {} vectors and {} counts of terms: each piece needs one of each."
)


class _Indexes(TypedDict):
    lexical: LexicalIndex
    phrases: PhraseIndex
    bare_lists: BareLists
    passage_statistics: Statistics
    passage_impacts: Impacts
    profile_words: ProfileIndex
    profile_phrases: ProfileIndex


class Columns(_Indexes):
    """All that a corpus holds of its partners and their evidence; `Corpus` says what each is."""

    partners: PartnerTable
    evidence: EvidenceRows
    partner_of: IntArray
    alive: NDArray[np.bool_]
    vectors: VectorSearch
    speech: Spoken
    years: NDArray[np.float64]
    kinds: Labels
    rows_named: RowsNamed
    cosines: Levels


def columns_of(
    partners: Sequence[Partner],
    evidence: Sequence[Evidence],
    vectors: Vectors | VectorSearch,
    terms: Sequence[TermCounts] | Counted,
    *,
    like: "Corpus | None",
) -> Columns:
    """What `Corpus.build` is given; judged by the statistics of `like` and in its numbers, if any.

    Raises ValueError as it does.
    """
    table = PartnerTable.of(partners)
    place = {partner.id: position for position, partner in enumerate(partners)}
    unknown = {piece.partner for piece in evidence} - place.keys()
    if unknown:
        raise ValueError(f"Evidence of unknown partners: {sorted(unknown)[:5]}")
    size = len(vectors.filled) if not isinstance(vectors, np.ndarray) else len(vectors)
    if not len(evidence) == size == len(terms):
        raise ValueError(LENGTHS.format(len(evidence), size, len(terms)))
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
    return Columns(
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
        **indexes,
    )


def _indexes(
    counted: Counted, partner_of: IntArray, partners: int, like: "Corpus | None"
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
