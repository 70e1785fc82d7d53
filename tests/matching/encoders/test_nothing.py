"""The encoder that reads nothing keeps the form of the others."""

import numpy as np

from matching.encoders import WORDS_ONLY, NoEncoder


def test_no_text_has_a_vector() -> None:
    steps: list[int] = []
    encoder = NoEncoder()

    vectors = encoder.encode(["juice", "", "果汁"], role="query", progress=steps.append)

    assert vectors.shape == (3, encoder.dimension)
    assert vectors.dtype == np.float32
    assert not vectors.any()
    assert steps == [3]
    assert encoder.id == WORDS_ONLY
