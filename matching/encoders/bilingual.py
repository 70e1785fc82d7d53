"""Two encoders of one vector space as one: Japanese by the one, English by the other.

Each language has a mean of its own, towards which all its vectors lean: without a correction,
Japanese texts would be nearer to each other than to any English one whatever they say. So each
vector is taken relative to the mean of its language.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matching.encoders import exact
from matching.encoders.protocol import Encoder, Progress, Role, Vectors, has_vector, ignore_progress
from matching.encoders.spans import split_by_language
from matching.text import normalise, sentences

SPANS_VERSION: Final = 1
"""Part of the encoder id: bump it when spans are cut or weighted in another way."""
WHOLE: Final = 0.6
"""Share of the whole in a query of several sentences; the rest are its sentences."""


class BilingualEncoder:
    """Reads the Japanese and the English spans of a text apart and adds their vectors."""

    def __init__(
        self,
        japanese: Encoder,
        english: Encoder,
        *,
        japanese_mean: Vectors,
        english_mean: Vectors,
    ) -> None:
        """`japanese_mean` and `english_mean` (d,): mean unit vector of many texts by each encoder.

        Both encoders must give vectors of one space, with d dimensions.
        """
        self._japanese = japanese
        self._english = english
        self._means = japanese_mean.astype(np.float64), english_mean.astype(np.float64)

    @property
    def id(self) -> str:
        return f"bilingual{SPANS_VERSION}:{self._japanese.id}+{self._english.id}"

    @property
    def dimension(self) -> int:
        return len(self._means[0])

    def encode(
        self,
        texts: Sequence[str],
        *,
        role: Role = "passage",
        progress: Progress | None = None,
    ) -> Vectors:
        if role == "query":
            return self._by_sentences(texts, progress or ignore_progress)
        return self._read(texts, role, progress).astype(np.float32)

    def _by_sentences(self, texts: Sequence[str], progress: Progress) -> Vectors:
        """Queries as the mean of the whole and of its sentences.

        A need of several sentences asks for several things; a transformer's vector of the whole
        hears the first of them, the sum of a table all of them alike. Read by sentences too, the
        two sides come nearer to each other.
        """
        whole = self._read(texts, "query", progress)
        pieces = [sentences(normalise(text)) for text in texts]
        read = has_vector(whole.astype(np.float32))
        several = [row for row, some in enumerate(pieces) if len(some) > 1 and read[row]]
        flat = [piece.text for row in several for piece in pieces[row]]
        if not flat:
            return whole.astype(np.float32)
        weights = np.sqrt([len(text) for text in flat])[:, None]
        starts = np.cumsum([0, *(len(pieces[row]) for row in several[:-1])])
        sums = np.add.reduceat(weights * self._read(flat, "query", None), starts, axis=0)
        means = sums / np.add.reduceat(weights, starts, axis=0)
        mixed = WHOLE * whole[several] + (1 - WHOLE) * exact.unit(means)
        whole[several] = exact.unit(mixed)
        return whole.astype(np.float32)

    def _read(
        self, texts: Sequence[str], role: Role, progress: Progress | None
    ) -> NDArray[np.float64]:
        """Unit vectors (n, d) of texts, each as a whole."""
        spans = [split_by_language(text) for text in texts]
        # The Japanese side takes no time beside a transformer, so the English one tells how far
        # it is.
        japanese = self._japanese.encode([span.japanese for span in spans], role=role)
        english = self._english.encode(
            [span.english for span in spans], role=role, progress=progress
        )
        weights = np.array([(span.japanese_weight, span.english_weight) for span in spans])
        weights = weights.reshape(len(spans), 2)
        weights *= np.stack([has_vector(japanese), has_vector(english)], axis=1)
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
        both = weights[:, :1] * exact.unit(_relative(japanese, self._means[0]))
        both += weights[:, 1:] * exact.unit(_relative(english, self._means[1]))
        return exact.unit(both)


def _relative(vectors: Vectors, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vectors (n, d) less the mean; a text without a vector keeps none."""
    return np.where(has_vector(vectors)[:, None], vectors - mean, 0.0)
