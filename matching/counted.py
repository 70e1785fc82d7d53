"""The counted words of many passages as arrays: what indexes are built from."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.aggregate import rows_between
from matching.phrases import KeyArray, keys_of, word_key
from matching.term_counts import TermCounts

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """n lists of numbers: list i lies at `ends[i]:ends[i + 1]` of `flat`."""

    flat: NDArray[np.generic]
    ends: IntArray

    def __len__(self) -> int:
        return len(self.ends) - 1

    @property
    def sizes(self) -> IntArray:
        """(n,) of the lists."""
        return np.diff(self.ends)

    def take(self, rows: IntArray) -> "Ragged":
        """The lists at `rows`, in that order."""
        starts, ends = self.ends[rows], self.ends[rows + 1]
        return Ragged(self.flat[rows_between(starts, ends)], _ends(ends - starts))

    @classmethod
    def joined(cls, parts: Sequence["Ragged"]) -> "Ragged":
        """The lists of several, one after the other."""
        sizes = np.concatenate([part.sizes for part in parts])
        return cls(np.concatenate([part.flat for part in parts]), _ends(sizes))


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """The words of n passages: what `TermCounts` says of each, in a tenth of the memory."""

    words: list[str]
    """Distinct ones; a word's place is its number here."""
    word_keys: KeyArray
    """Of `words`, as `matching.strings` makes them."""
    term: Ragged
    """(n,) the numbers of each passage's words, int32."""
    count: NDArray[np.uint32]
    """How often each of `term.flat` occurs."""
    phrases: Ragged
    """(n,) keys of each passage's phrases, ascending."""
    listed: Ragged
    """(n,) keys of the distinct words of each passage's bare lists."""

    @classmethod
    def of(cls, passages: Sequence[TermCounts]) -> "Counted":
        """Of passages counted one by one."""
        numbering: dict[str, int] = {}
        terms = itertools.chain.from_iterable(p.terms for p in passages)
        sizes = np.fromiter((len(p.terms) for p in passages), np.int64, len(passages))
        number = (numbering.setdefault(term, len(numbering)) for term in terms)
        term = np.fromiter(number, np.int32, sizes.sum())
        counts = itertools.chain.from_iterable(p.counts for p in passages)
        words = list(numbering)
        phrases = [keys_of(p.phrases) for p in passages]
        nothing = np.zeros(0, np.uint64)
        listed = [
            np.fromiter(map(word_key, p.listed), np.uint64) if p.listed else nothing
            for p in passages
        ]
        return cls(
            words=words,
            word_keys=np.fromiter(map(word_key, words), np.uint64, len(words)),
            term=Ragged(term, _ends(sizes)),
            count=np.fromiter(counts, np.uint32, sizes.sum()),
            phrases=ragged(phrases),
            listed=ragged(listed),
        )

    def __len__(self) -> int:
        return len(self.term)

    @property
    def lengths(self) -> NDArray[np.float64]:
        """(n,) in words, repeats counted."""
        total = np.concatenate([np.zeros(1), np.cumsum(self.count, dtype=np.float64)])
        lengths: NDArray[np.float64] = total[self.term.ends[1:]] - total[self.term.ends[:-1]]
        return lengths

    def take(self, rows: IntArray) -> "Counted":
        """The passages at `rows`, in that order; all words stay, also those now unused."""
        if np.array_equal(rows, np.arange(len(self))):
            return self
        starts, ends = self.term.ends[rows], self.term.ends[rows + 1]
        return Counted(
            words=self.words,
            word_keys=self.word_keys,
            term=self.term.take(rows),
            count=self.count[rows_between(starts, ends)],
            phrases=self.phrases.take(rows),
            listed=self.listed.take(rows),
        )

    @classmethod
    def joined(cls, parts: Sequence["Counted"]) -> "Counted":
        """The passages of several (at least one), one after the other; unused words are dropped."""
        numbering: dict[str, int] = {}
        keys: list[KeyArray] = []
        terms = []
        for part in parts:
            used = np.unique(part.term.flat)
            number = np.zeros(len(part.words), np.int32)
            fresh = []
            for at in used.tolist():
                word = part.words[at]
                if word not in numbering:
                    numbering[word] = len(numbering)
                    fresh.append(at)
                number[at] = numbering[word]
            keys.append(part.word_keys[fresh])
            terms.append(Ragged(number[part.term.flat], part.term.ends))
        return cls(
            words=list(numbering),
            word_keys=np.concatenate(keys),
            term=Ragged.joined(terms),
            count=np.concatenate([part.count for part in parts]),
            phrases=Ragged.joined([part.phrases for part in parts]),
            listed=Ragged.joined([part.listed for part in parts]),
        )


def _ends(sizes: IntArray) -> IntArray:
    ends = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=ends[1:])
    return ends


def ragged(lists: Sequence[KeyArray]) -> Ragged:
    """These lists of keys."""
    sizes = np.fromiter(map(len, lists), np.int64, len(lists))
    return Ragged(np.concatenate([np.zeros(0, np.uint64), *lists]), _ends(sizes))
