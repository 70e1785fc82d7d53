"""What every encoder promises (`matching.encoders.protocol`), put to each of them."""

import numpy as np
import pytest

from matching.encoders import CachedEncoder, Encoder, has_vector
from matching.encoders.hashing import HashingEncoder

TEXTS = [
    "gel strength of frozen surimi",
    "",
    "A robot arm picks strawberries in a greenhouse without bruising them.",
    "yeast",
    "Fermentation of sweet potato with koji. " * 12,
    "  \n\u200b ",
    "An AI camera (カメラ) counts fish on a belt at four metres per second in the cold store.",
    "Tax law for small firms",
    "Line one\nline two",
    "yeast",
]
UNREADABLE = ["", " ", "\n\t\u3000", "\u200b\ufeff"]


@pytest.fixture(params=["hashing", "cached", "table", "static", "bilingual", "minilm", "prompted"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    if request.param == "hashing":
        return HashingEncoder()
    if request.param == "cached":
        return CachedEncoder(HashingEncoder(), capacity=3)
    loaded: Encoder = request.getfixturevalue(request.param)
    return loaded


def test_one_float32_row_per_text(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.dimension)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()


def test_a_row_has_length_one_or_is_all_zeros(encoder: Encoder) -> None:
    vectors = encoder.encode(TEXTS)
    filled = has_vector(vectors)
    assert filled.tolist() == [bool(text.strip(" \n\u200b")) for text in TEXTS]
    assert np.linalg.norm(vectors[filled], axis=1) == pytest.approx(1, abs=1e-5)
    assert not vectors[~filled].any()


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_text_without_characters_has_no_vector(encoder: Encoder, text: str) -> None:
    assert not encoder.encode([text]).any()
    assert not encoder.encode([text], role="query").any()


def test_no_texts_give_no_rows(encoder: Encoder) -> None:
    vectors = encoder.encode([])
    assert vectors.shape == (0, encoder.dimension)
    assert vectors.dtype == np.float32


def test_the_same_texts_get_the_same_vectors(encoder: Encoder) -> None:
    assert np.array_equal(encoder.encode(TEXTS), encoder.encode(TEXTS))


def test_the_order_of_the_batch_is_kept(encoder: Encoder) -> None:
    together = encoder.encode(TEXTS)
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    filled = has_vector(together)
    assert filled.tolist() == has_vector(alone).tolist()
    cosines = (together * alone).sum(axis=1)[filled]
    assert cosines.min() > 0.999
    assert np.abs(together - alone).max() < 1e-2
    different = together[filled] @ together[filled].T
    assert (different < 0.999).any(), "texts that differ must not get one vector"


def test_spellings_that_look_alike_are_one_text(encoder: Encoder) -> None:
    plain, wide = encoder.encode(["Surimi gel strength", "Ｓｕｒｉｍｉ\u200b  gel strength"])
    assert plain @ wide > 0.999


def test_likeness_is_the_dot_product(encoder: Encoder) -> None:
    query = encoder.encode(["gel strength of surimi"], role="query")[0]
    near, far = encoder.encode(["strength of a surimi gel", "tax law for small firms"]) @ query
    assert near > far + 0.2


def test_queries_get_unit_vectors_too(encoder: Encoder) -> None:
    vectors = encoder.encode(["gel strength", ""], role="query")
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0], abs=1e-5)


def test_the_id_is_filled_and_stays(encoder: Encoder) -> None:
    before = encoder.id
    encoder.encode(["surimi"])
    assert before.strip()
    assert encoder.id == before


def test_progress_adds_up_to_the_number_of_texts(encoder: Encoder) -> None:
    steps: list[int] = []
    encoder.encode(TEXTS, progress=steps.append)
    assert sum(steps) == len(TEXTS)
    assert min(steps) >= 0


def test_the_texts_are_left_as_they_were(encoder: Encoder) -> None:
    texts = list(TEXTS)
    encoder.encode(texts)
    assert texts == TEXTS
