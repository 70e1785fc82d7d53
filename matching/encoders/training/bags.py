"""Many texts as bags of tokens, in two flat arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from matching.encoders.static_table import UNKNOWN
from matching.encoders.training.steps import Advance, no_advance

MAXIMUM_TOKENS: Final = 128
"""Training reads a text up to here."""
CHUNK: Final = 20_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Some texts: `tokens[starts[i]:starts[i + 1]]` are those of the i-th."""

    tokens: NDArray[np.int64]
    starts: NDArray[np.int64]
    """(n,)"""
    lengths: NDArray[np.int64]
    """(n,)"""


@dataclass(frozen=True, slots=True)
class Bags:
    """All texts: those of text i are `tokens[bounds[i]:bounds[i + 1]]`, unknown ones left out."""

    tokens: NDArray[np.int32]
    bounds: NDArray[np.int64]
    """(n + 1,)"""

    @classmethod
    def of(cls, tokenizer: Tokenizer, texts: Sequence[str], advance: Advance = no_advance) -> Self:
        """Read prepared texts with a tokenizer; `advance` is told how many are done."""
        rows: list[NDArray[np.int32]] = []
        for start in range(0, len(texts), CHUNK):
            some = list(texts[start : start + CHUNK])
            for encoding in tokenizer.encode_batch_fast(some):
                tokens = np.asarray(encoding.ids, np.int32)
                rows.append(tokens[tokens != UNKNOWN][:MAXIMUM_TOKENS])
            advance(len(some))
        bounds = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
        return cls(np.concatenate(rows) if rows else np.zeros(0, np.int32), bounds)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of tokens of each text (n,)."""
        return np.diff(self.bounds)

    def batch(
        self,
        rows: NDArray[np.int64],
        *,
        drop: float = 0.0,
        random: np.random.Generator | None = None,
    ) -> Batch:
        """The texts of these rows; each token is left out with probability `drop`.

        The first token of a text of one or two stays.
        """
        starts, lengths = self.bounds[rows], self.bounds[rows + 1] - self.bounds[rows]
        first = np.cumsum([0, *lengths[:-1]])
        tokens = self.tokens[np.repeat(starts - first, lengths) + np.arange(lengths.sum())]
        if drop and random is not None:
            kept = random.random(len(tokens)) >= drop
            kept[first[(lengths > 0) & (lengths <= 2)]] = True
            text = np.repeat(np.arange(len(rows)), lengths)[kept]
            tokens, lengths = tokens[kept], np.bincount(text, minlength=len(rows))
            first = np.cumsum([0, *lengths[:-1]])
        return Batch(tokens.astype(np.int64), first, lengths)
