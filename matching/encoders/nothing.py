"""An encoder that reads nothing: with it, lists are ranked by words alone."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from matching.encoders.protocol import Progress, Role, Vectors, ignore_progress

WORDS_ONLY: Final = "words-only"


class NoEncoder:
    """Gives no text a vector. Stands in where the encoder of stored vectors cannot be made."""

    @property
    def id(self) -> str:
        return WORDS_ONLY

    @property
    def dimension(self) -> int:
        return 1

    def encode(
        self,
        texts: Sequence[str],
        *,
        role: Role = "passage",
        progress: Progress | None = None,
    ) -> Vectors:
        del role
        (progress or ignore_progress)(len(texts))
        return np.zeros((len(texts), self.dimension), np.float32)
