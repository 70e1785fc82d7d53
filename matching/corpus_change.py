"""A corpus is changed: what came, changed or went since it was built lies behind its columns."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from matching.columns import Labels
from matching.corpus_build import Columns
from matching.counted import Counted
from matching.encoders.protocol import Vectors
from matching.tables import EvidenceRows, RowsNamed
from matching.values import Evidence, Partner
from matching.vectors import JoinedVectors

if TYPE_CHECKING:
    from matching.corpus import Corpus


@dataclass(frozen=True, slots=True)
class Changed:
    """Partners that came or were changed since a corpus was built, with all their evidence."""

    partners: tuple[Partner, ...]
    evidence: tuple[Evidence, ...]
    vectors: Vectors
    counted: Counted
    gone: frozenset[str]
    """Partners of the corpus as it was built that are no more, or that are among these."""

    def followed_by(self, fresh: "Changed") -> "Changed":
        """These changes and later ones, which take the place of those of the same partners."""
        kept = self.without(fresh.gone)
        return Changed(
            kept.partners + fresh.partners,
            kept.evidence + fresh.evidence,
            np.concatenate([kept.vectors, fresh.vectors]),
            Counted.joined([kept.counted, fresh.counted]),
            kept.gone | fresh.gone,
        )

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


def later_columns(base: "Corpus", more: Columns, gone: Collection[str]) -> Columns | None:
    """Those of `base` without the partners in `gone`, and of `more`, built like it.

    None if there is nobody left.
    """
    dead = base.partners.position.places(gone)
    left = np.ones(len(base.partners), bool)
    left[dead] = False
    staying = np.flatnonzero(left)
    if not len(staying) + len(more["partners"]):
        return None
    target = np.where(left, np.cumsum(left) - 1, -1)
    n, m = len(base.partner_of), len(staying) + len(more["partners"])
    statistics = replace(
        base.passage_statistics,
        later=more["lexical"].parts[0].frequency_from(len(base.passage_statistics.frequency)),
    )
    # Rows that are no more lie with the partner before them, or with the first one.
    owner = np.maximum(np.cumsum(left) - 1, 0)[base.partner_of]
    return Columns(
        partners=base.partners.take(staying).with_later(more["partners"]),
        evidence=EvidenceRows(base.evidence.tables + more["evidence"].tables),
        partner_of=np.append(owner, len(staying) + more["partner_of"]),
        alive=np.append(left[base.partner_of], more["alive"]),
        vectors=JoinedVectors((base.vectors, more["vectors"])),
        lexical=base.lexical.with_later(more["lexical"]),
        phrases=base.phrases.with_later(more["phrases"]),
        bare_lists=base.bare_lists.with_later(more["bare_lists"], n),
        passage_statistics=statistics,
        passage_impacts=base.passage_impacts.with_later(
            more["passage_impacts"], statistics, target=None, documents=n + len(more["partner_of"])
        ),
        profile_words=base.profile_words.with_later(more["profile_words"], target, m),
        profile_phrases=base.profile_phrases.with_later(more["profile_phrases"], target, m),
        speech=base.speech.with_later(more["speech"]),
        years=np.append(base.years, more["years"]),
        kinds=Labels.joined([base.kinds, more["kinds"]]),
        rows_named=RowsNamed((*base.rows_named.parts, (more["rows_named"].parts[0][0], n))),
        cosines=base.cosines,
    )
