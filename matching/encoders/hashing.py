"""A small encoder without a model: hashed words. For quick tests, not for finding partners."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from matching.encoders.protocol import Progress, Role, Vectors, ignore_progress
from matching.text import TEXT_PREPARATION_VERSION, tokens, words_id

DIMENSION: Final = 256


class HashingEncoder:
    """Each word adds ±√count to one of 256 places (feature hashing, Weinberger et al. 2009)."""

    @property
    def id(self) -> str:
        return f"hashing:{DIMENSION}:v{TEXT_PREPARATION_VERSION}:{words_id()}"

    @property
    def dimension(self) -> int:
        return DIMENSION

    def encode(
        self,
        texts: Sequence[str],
        *,
        role: Role = "passage",
        progress: Progress | None = None,
    ) -> Vectors:
        del role  # queries and passages are read alike
        vectors = np.zeros((len(texts), DIMENSION), np.float32)
        for row, text in enumerate(texts):
            for word, count in Counter(tokens(text)).items():
                digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
                place = int.from_bytes(digest[:4], "little") % DIMENSION
                vectors[row, place] += (1 if digest[4] & 1 else -1) * count**0.5
            (progress or ignore_progress)(1)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
        return unit
