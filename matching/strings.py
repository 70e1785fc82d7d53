"""Many strings as a few arrays, which can be mapped from a file, and what finds one of them.

A million Python strings and a dict of them take a second to make and hundreds of bytes each. Here
they are one blob of UTF-8 with offsets, and are found by sorted 64-bit keys; a key only proposes,
the string itself decides.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from matching.aggregate import rows_between

IntArray = NDArray[np.int64]
KeyArray = NDArray[np.uint64]

ERRORS: Final = "surrogatepass"
"""Half a surrogate pair is no text, but what was put in comes out."""


def key_of(text: str) -> int:
    """64 bits of a string, the same on every machine and in every process."""
    return int.from_bytes(blake2b(text.encode("utf-8", ERRORS), digest_size=8).digest(), "little")


def keys_of_all(texts: Iterable[str], number: int) -> KeyArray:
    """(number,) keys of so many strings."""
    return np.fromiter(map(key_of, texts), np.uint64, number)


@dataclass(frozen=True, slots=True, eq=False)
class Texts(Sequence[str]):
    """n strings in one blob, made on demand."""

    blob: NDArray[np.uint8]
    ends: IntArray
    """(n + 1,): string i lies at `ends[i]:ends[i + 1]`."""

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Texts":
        """These strings, in their order."""
        encoded = [text.encode("utf-8", ERRORS) for text in texts]
        ends = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=ends[1:])
        return cls(np.frombuffer(b"".join(encoded), np.uint8), ends)

    @classmethod
    def joined(cls, parts: Sequence["Texts"]) -> "Texts":
        """The strings of several, one after the other."""
        first = np.cumsum([0] + [len(part.blob) for part in parts[:-1]])
        ends = [part.ends[:-1] + start for part, start in zip(parts, first, strict=True)]
        total = np.array([sum(len(part.blob) for part in parts)], np.int64)
        return cls(np.concatenate([part.blob for part in parts]), np.concatenate([*ends, total]))

    def __len__(self) -> int:
        return len(self.ends) - 1

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        return self.raw(int(place) % len(self)).decode("utf-8", ERRORS)

    def __iter__(self) -> Iterator[str]:
        return (self.raw(i).decode("utf-8", ERRORS) for i in range(len(self)))

    def equals(self, other: "Texts") -> bool:
        """True if it is the same strings in the same order."""
        return np.array_equal(self.ends, other.ends) and np.array_equal(self.blob, other.blob)

    def raw(self, place: int) -> bytes:
        """The bytes of the string at a place."""
        return self.blob[self.ends[place] : self.ends[place + 1]].tobytes()

    def take(self, places: IntArray) -> "Texts":
        """Those at `places`, in that order."""
        starts, ends = self.ends[places], self.ends[places + 1]
        taken = np.zeros(len(places) + 1, np.int64)
        np.cumsum(ends - starts, out=taken[1:])
        return Texts(self.blob[rows_between(starts, ends)], taken)


@dataclass(frozen=True, eq=False)
class Places:
    """Where each of n strings lies, found by its key; equal strings lie at several places."""

    texts: Texts
    keys: KeyArray
    """(n,) ascending."""
    place: NDArray[np.int32]
    """(n,) of the string with each key; ascending among equals."""

    @classmethod
    def of(cls, texts: Texts, keys: KeyArray | None = None) -> "Places":
        """Of these strings; `keys` (n,) are theirs, if they are known already."""
        if keys is None:
            keys = keys_of_all(texts, len(texts))
        order = np.argsort(keys, kind="stable")
        return cls(texts, keys[order], order.astype(np.int32))

    def find(self, text: str) -> list[int]:
        """All places of the string, ascending."""
        key = np.uint64(key_of(text))
        start = int(np.searchsorted(self.keys, key))
        encoded, found = text.encode("utf-8", ERRORS), []
        while start < len(self.keys) and self.keys[start] == key:
            place = int(self.place[start])
            if self.texts.raw(place) == encoded:
                found.append(place)
            start += 1
        return found

    def first(self, texts: Sequence[str], keys: KeyArray | None = None) -> IntArray:
        """(t,) the first place of each of these strings, -1 where it is none of them."""
        if keys is None:
            keys = keys_of_all(texts, len(texts))
        found = np.full(len(texts), -1, np.int64)
        if not len(self.keys):
            return found
        start = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        asked = np.flatnonzero(self.keys[start] == keys)
        proposed = self.place[start[asked]].astype(np.int64)
        wanted = Texts.of(texts[i] for i in asked.tolist())
        if wanted.equals(self.texts.take(proposed)):
            found[asked] = proposed
            return found
        for i, place in zip(asked.tolist(), proposed.tolist(), strict=True):
            if self.texts.raw(place) == texts[i].encode("utf-8", ERRORS):
                found[i] = place
            else:  # another string with the same 64 bits lies before it
                found[i] = next(iter(self.find(texts[i])), -1)
        return found


@dataclass(frozen=True, eq=False)
class Vocabulary(Mapping[str, int]):
    """Words by their numbers: v that are kept in arrays, and some that came later."""

    kept: Places
    later: Mapping[str, int]
    """Words that the arrays lack; numbered from v on."""

    @classmethod
    def of(cls, words: Iterable[str]) -> "Vocabulary":
        """Distinct words, numbered in their order."""
        return cls(Places.of(Texts.of(words)), {})

    @classmethod
    def numbered(cls, words: Sequence[str], keys: KeyArray) -> "Vocabulary":
        """As `of`, where the words' keys are known already."""
        return cls(Places.of(Texts.of(words), keys), {})

    def __len__(self) -> int:
        return len(self.kept.texts) + len(self.later)

    def __iter__(self) -> Iterator[str]:
        yield from self.kept.texts
        yield from self.later

    def __getitem__(self, word: str) -> int:
        found = self.find([word])[0]
        if found < 0:
            raise KeyError(word)
        return int(found)

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and bool(self.find([word])[0] >= 0)

    def find(self, words: Sequence[str], keys: KeyArray | None = None) -> IntArray:
        """(t,) numbers of words, -1 where one is unknown; `keys` (t,) are theirs, if known."""
        found = self.kept.first(words, keys)
        if self.later:
            for i in np.flatnonzero(found < 0).tolist():
                found[i] = self.later.get(words[i], -1)
        return found

    def with_later(self, words: Sequence[str], keys: KeyArray | None = None) -> "Vocabulary":
        """The same arrays, and those of the words that they lack; what came later is forgotten."""
        lacking = np.flatnonzero(self.kept.first(words, keys) < 0).tolist()
        first = len(self.kept.texts)
        return Vocabulary(self.kept, {words[i]: first + k for k, i in enumerate(lacking)})


@dataclass(frozen=True, eq=False)
class Positions(Mapping[str, int]):
    """The place of each of n distinct strings."""

    texts: Texts
    hashes: KeyArray
    """(n,) keys of the strings, in their order."""

    @cached_property
    def _places(self) -> Places:
        return Places.of(self.texts, self.hashes)

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __getitem__(self, text: str) -> int:
        found = self._places.find(text)
        if not found:
            raise KeyError(text)
        return found[0]

    def __contains__(self, text: Any) -> bool:
        return isinstance(text, str) and bool(self._places.find(text))

    def places(self, texts: Iterable[str]) -> IntArray:
        """The places, ascending, of those of some strings that are among these."""
        found = self._places.first(list(texts))
        return np.sort(found[found >= 0])
