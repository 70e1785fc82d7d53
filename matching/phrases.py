"""Phrases: two words in a row, as rarer and more telling terms than the words alone.

A phrase is kept as a 64-bit key and not as a string: a corpus has millions of them, and nothing
but equality is ever asked of one.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, chain
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
    sizes = [len(words) for words in sentences if words]
    keys = np.fromiter(map(word_key, chain.from_iterable(sentences)), np.uint64, sum(sizes))
    found = keys[:-1] * _FIRST + keys[1:]
    inside = np.ones(len(keys), bool)
    ends = np.fromiter(accumulate(sizes), np.int64, len(sizes))
    inside[ends - 1] = False  # the last word of each sentence
    return np.unique(found[inside[:-1]]).tobytes()


def keys_of(phrases: bytes) -> KeyArray:
    """The keys (p,) as an array."""
    return np.frombuffer(phrases, np.uint64)


@lru_cache(maxsize=1 << 18)
def word_key(word: str) -> int:
    """`key_of` a word, remembered."""
    return key_of(word)
