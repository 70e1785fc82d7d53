"""Postings of phrases, beside those of words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matching.lexical import KnownTerms, LexicalIndex, indptr_of
from matching.phrases import KeyArray, keys_of

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PhraseIndex:
    """The phrases of n passages; a phrase counts once in a passage."""

    keys: KeyArray
    """(t,) ascending; a phrase's place here is its term id."""
    index: LexicalIndex
    """Its vocabulary is empty: phrases are looked up by key."""

    @classmethod
    def build(cls, passages: Sequence[bytes]) -> "PhraseIndex":
        """Index of the phrases of passages, as `phrase_keys` gives them."""
        held = [keys_of(phrases) for phrases in passages]
        sizes = np.fromiter(map(len, held), np.int64, len(held))
        keys, term = np.unique(np.concatenate([np.zeros(0, np.uint64), *held]), return_inverse=True)
        rows = np.repeat(np.arange(len(held), dtype=np.int64), sizes)
        # The rows ascend already, so a stable sort leaves each term's in order.
        order = np.argsort(term, kind="stable")
        index = LexicalIndex(
            vocabulary={},
            indptr=indptr_of(term, len(keys)),
            passage=rows[order],
            count=np.ones(len(rows)),
            lengths=sizes.astype(np.float64),
        )
        return cls(keys, index)

    def known(self, phrases: bytes) -> KnownTerms:
        """The phrases of a query that some passage holds; each counts once."""
        asked = keys_of(phrases)
        place = np.searchsorted(self.keys, asked)
        inside = place < len(self.keys)
        place = place[inside][self.keys[place[inside]] == asked[inside]]
        return KnownTerms(place.astype(np.int64), np.ones(len(place)))

    def select(self, passages: IntArray) -> "PhraseIndex":
        """The same phrases over some of the passages, renumbered in the order given."""
        return replace(self, index=self.index.select(passages))
