"""Retrieval of translations: does a text's vector find the translation among all the others?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.encoders.protocol import Vectors, has_vector

IntArray = NDArray[np.int64]

LEVEL: Final = 1e-6
"""Two cosines that differ by no more are level: single precision tells no more."""
BLOCK: Final = 1024
"""Rows of the matrix of cosines that are in memory at a time."""
NOT_FOUND: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Shares of texts whose translation is the nearest, or among the ten nearest."""

    pairs: int
    ja_en_at_1: float
    ja_en_at_10: float
    en_ja_at_1: float
    en_ja_at_10: float
    ja_unread: int
    """Japanese texts without a vector: they count as not found, in both directions."""
    en_unread: int


def measure_retrieval(
    japanese: Vectors,
    english: Vectors,
    *,
    japanese_texts: Sequence[str],
    english_texts: Sequence[str],
) -> Retrieval:
    """Accuracy in both directions; row i of `japanese` (n, d) and of `english` (n, d) belong
    together.
    """
    ja_en = places(japanese, english, english_texts)
    en_ja = places(english, japanese, japanese_texts)
    return Retrieval(
        pairs=len(japanese),
        ja_en_at_1=_share(ja_en, 1),
        ja_en_at_10=_share(ja_en, 10),
        en_ja_at_1=_share(en_ja, 1),
        en_ja_at_10=_share(en_ja, 10),
        ja_unread=int((~has_vector(japanese)).sum()),
        en_unread=int((~has_vector(english)).sum()),
    )


def places(queries: Vectors, answers: Vectors, texts: Sequence[str]) -> IntArray:
    """(n,) the place of each query's own answer by cosine, from 1; `NOT_FOUND` without a vector.

    The worst case holds at a tie: every other answer that is level goes before, so that an encoder
    that gives all texts one vector finds nothing. An answer with the very same text (`texts` (n,)
    are those of the answers) is right as well and goes before nobody. An answer without a vector
    is in no list.
    """
    _, keys = np.unique(np.array(texts, dtype=str), return_inverse=True)
    asked, readable = has_vector(queries), has_vector(answers)
    found = np.full(len(queries), NOT_FOUND, np.int64)
    for start in range(0, len(queries), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(queries)))
        cosines = queries[rows] @ answers.T
        own = cosines[np.arange(len(rows)), rows]
        before = (cosines >= own[:, None] - LEVEL) & readable & (keys != keys[rows, None])
        found[rows] = 1 + before.sum(axis=1)
    found[~(asked & readable)] = NOT_FOUND
    return found


def _share(found: IntArray, cutoff: int) -> float:
    return float((found <= cutoff).mean()) if len(found) else 0.0
