"""Postings of phrases, beside those of words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matching.counted import Ragged, ragged
from matching.lexical import KnownTerms, LexicalIndex
from matching.phrases import KeyArray, keys_of
from matching.postings import Postings, narrowed
from matching.strings import Vocabulary

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PhraseIndex:
    """The phrases of n passages; a phrase counts once in a passage."""

    keys: KeyArray
    """(t,) ascending; a phrase's place here is its term id."""
    later: KeyArray
    """Ascending; phrases that came after `keys` and are numbered on from their end."""
    index: LexicalIndex
    """Its vocabulary is empty: phrases are looked up by key."""

    @classmethod
    def build(
        cls, passages: Sequence[bytes] | Ragged, like: "PhraseIndex | None" = None
    ) -> "PhraseIndex":
        """Index of the phrases of passages, as `phrase_keys` gives them.

        With `like`, phrases have the numbers of that index, and new ones those after it.
        """
        if not isinstance(passages, Ragged):
            passages = ragged([keys_of(phrases) for phrases in passages])
        keys, indptr, passage = _turned(passages)
        held, later = None, np.zeros(0, np.uint64)
        if like is not None:
            held = _places(like.keys, keys)
            fresh = held < 0
            later = keys[fresh]
            held[fresh] = len(like.keys) + np.arange(fresh.sum())
            order = np.argsort(held)
            held, keys = held[order], like.keys
            sizes = np.diff(indptr)[order]
            passage = passage[_moved(indptr, order, sizes)]
            indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        part = Postings(narrowed(indptr), passage, None, len(passages), held=held)
        lengths = passages.sizes.astype(np.float64)
        return cls(
            keys, later, LexicalIndex(Vocabulary.of([]), (part,), lengths, len(keys) + len(later))
        )

    def known(self, phrases: bytes) -> KnownTerms:
        """The phrases of a query that some passage holds; each counts once."""
        asked = keys_of(phrases)
        found = _places(self.keys, asked)
        if len(self.later):
            late = _places(self.later, asked)
            found = np.where((found < 0) & (late >= 0), len(self.keys) + late, found)
        found = found[found >= 0]
        return KnownTerms(found, np.ones(len(found)))

    def select(self, passages: IntArray) -> "PhraseIndex":
        """The same phrases over some of the passages, renumbered in the order given."""
        return replace(self, index=self.index.select(passages))

    def with_later(self, more: "PhraseIndex") -> "PhraseIndex":
        """This index and `more` that was built like it, its passages lying behind."""
        return PhraseIndex(self.keys, more.later, self.index.with_later(more.index))


def _places(keys: KeyArray, asked: KeyArray) -> IntArray:
    """(a,) place of each key among ascending ones, -1 where it is none of them."""
    if not len(keys):
        return np.full(len(asked), -1, np.int64)
    place = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    found: IntArray = np.where(keys[place] == asked, place, -1)
    return found


def _turned(passages: Ragged) -> tuple[KeyArray, IntArray, NDArray[np.int32]]:
    """Distinct keys (t,), where each one's passages begin (t + 1,), and the passages."""
    flat = passages.flat
    order = np.argsort(flat)
    ordered = flat[order]
    begins = np.ones(len(flat), bool)
    begins[1:] = ordered[1:] != ordered[:-1]
    keys: KeyArray = ordered[begins].astype(np.uint64, copy=False)
    indptr = np.append(np.flatnonzero(begins), len(flat))
    del ordered
    # That sort, the fastest, leaves equal keys in any order: the passages of each are sorted now,
    # all at once, as the lower half of numbers whose upper half is the key's place.
    place = np.cumsum(begins, dtype=np.uint64) - np.uint64(1)
    rows = np.repeat(np.arange(len(passages), dtype=np.uint64), passages.sizes)
    both = (place << np.uint64(32)) | rows[order]
    both.sort()
    return keys, indptr, (both & np.uint64(0xFFFFFFFF)).astype(np.int32)


def _moved(indptr: IntArray, order: IntArray, sizes: IntArray) -> IntArray:
    """Places of the postings once their terms lie in that order, `sizes` (t,) being in it."""
    before = np.cumsum(sizes) - sizes
    places: IntArray = np.arange(sizes.sum()) + np.repeat(indptr[:-1][order] - before, sizes)
    return places
