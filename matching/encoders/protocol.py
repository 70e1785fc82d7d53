"""What every encoder promises; `tests/matching/encoders/test_contract.py` holds each to it."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Role = Literal["query", "passage"]
Progress = Callable[[int], None]
"""Called with the number of texts just finished."""


class EncoderError(Exception):
    """The encoder cannot be used; the message says what to do."""


class Encoder(Protocol):
    """Turns texts into unit vectors whose dot product is their likeness."""

    @property
    def id(self) -> str:
        """Names weights and text preparation: vectors with different ids never meet."""

    @property
    def dimension(self) -> int:
        """Length of each vector."""

    def encode(
        self,
        texts: Sequence[str],
        *,
        role: Role = "passage",
        progress: Progress | None = None,
    ) -> Vectors:
        """Vectors (n, dimension) float32 in the order of `texts`, each of length 1.

        A text in which the encoder finds nothing to read has no vector: its row is all zeros.
        """


def has_vector(vectors: Vectors) -> NDArray[np.bool_]:
    """Mask (n,) of the rows that are vectors at all."""
    return np.asarray(vectors.any(axis=1))


def ignore_progress(_: int) -> None:
    """A progress callback for callers that show none."""
