"""Phrases: two words in a row, as rarer and more telling terms than the words alone.

A phrase is kept as a 64-bit key and not as a string: a corpus has millions of them, and nothing
but equality is ever asked of one.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.strings import key_of

KeyArray = NDArray[np.uint64]

_FIRST: Final = np.uint64(0x9E3779B97F4A7C15)
"""An odd number that tells the first word of a phrase from the second (golden ratio, Knuth)."""


def phrase_keys(sentences: Sequence[Sequence[str]]) -> bytes:
    """The distinct keys, ascending, of the neighbouring words in sentences of words.

    As the bytes of a uint64 array: small, and equal where the keys are.
    """
    found = [np.zeros(0, np.uint64)]
    for words in sentences:
        keys = np.fromiter(map(_key, words), np.uint64, len(words))
        found.append(keys[:-1] * _FIRST + keys[1:])
    return np.unique(np.concatenate(found)).tobytes()


def keys_of(phrases: bytes) -> KeyArray:
    """The keys (p,) as an array."""
    return np.frombuffer(phrases, np.uint64)


@lru_cache(maxsize=1 << 18)
def _key(word: str) -> int:
    return key_of(word)
