"""Faster than plain sentence-transformers, at the same vectors."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from matching.encoders import Encoder, Vectors, make_encoder, sentence_transformer
from matching.encoders.minilm import model_folder
from matching.encoders.sentence_transformer import TOKENS_PER_BATCH

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SENTENCE = (
    "frozen surimi gel strength measured by ultrasound robot arm picks strawberries koji enzyme"
    " fermentation of sweet potato sensor network for greenhouse heating and cooling control"
)


def mixed_texts(number: int) -> list[str]:
    """Texts of 1 to about 400 words, longer than the model reads, in no order of length."""
    source, words = random.Random(0), SENTENCE.split()
    lengths = [1, 400, 2, *(source.randrange(1, 120) for _ in range(number - 3))]
    return [" ".join(source.choices(words, k=length)) for length in lengths]


@pytest.fixture(scope="module")
def plain() -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer  # slow: only where it is needed

    return SentenceTransformer(str(model_folder()), device="cpu", local_files_only=True)


def encode_plainly(model: "SentenceTransformer", texts: Sequence[str], prompt: str = "") -> Vectors:
    return np.asarray(
        model.encode(
            list(texts), prompt=prompt, normalize_embeddings=True, show_progress_bar=False
        ),
        np.float32,
    )


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_batches_give_the_vectors_of_plain_encode(
    plain: "SentenceTransformer", precision: sentence_transformer.Precision
) -> None:
    texts = mixed_texts(40)
    found = make_encoder("minilm", precision=precision).encode(texts)
    cosines = (found * encode_plainly(plain, texts)).sum(axis=1)
    assert 1 - cosines.min() < (1e-3 if precision == "bf16" else 1e-5)


def test_the_default_gives_them_too(plain: "SentenceTransformer", minilm: Encoder) -> None:
    texts = mixed_texts(40)
    assert 1 - (minilm.encode(texts) * encode_plainly(plain, texts)).sum(axis=1).min() < 1e-3


def test_each_role_gets_its_prompt(plain: "SentenceTransformer", prompted: Encoder) -> None:
    texts = ["surimi gel", "robot arm"]
    passages, queries = prompted.encode(texts), prompted.encode(texts, role="query")
    assert (passages * queries).sum(axis=1).max() < 0.999
    for found, prompt in ((passages, "passage: "), (queries, "query: ")):
        expected = encode_plainly(plain, [prompt + text for text in texts])
        assert (found * expected).sum(axis=1).min() > 0.9999


def test_a_folder_is_read_as_the_same_model(plain: "SentenceTransformer") -> None:
    encoder = make_encoder(f"st:{model_folder()}", precision="fp32")
    texts = ["surimi gel", "robot arm"]
    assert (encoder.encode(texts) * encode_plainly(plain, texts)).sum(axis=1).min() > 0.9999


def test_ids_tell_models_prompts_and_reading_apart(minilm: Encoder, prompted: Encoder) -> None:
    assert len({minilm.id, prompted.id, make_encoder(f"st:{model_folder()}").id}) == 3


def test_the_id_changes_with_the_text_preparation(
    minilm: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = minilm.id
    monkeypatch.setattr(sentence_transformer, "TEXT_PREPARATION_VERSION", 999)
    assert minilm.id != before


def test_a_model_that_reads_japanese_is_given_japanese(prompted: Encoder) -> None:
    assert prompted.encode(["魚肉の冷凍"]).any()


def test_batches_are_equal_in_tokens_and_hold_each_text_once() -> None:
    source = random.Random(1)
    lengths = [source.randrange(1, 257) for _ in range(200)]
    batches = list(sentence_transformer._batches(lengths))
    assert sorted(i for batch in batches for i in batch) == list(range(200))
    for batch in batches:
        longest = max(lengths[i] for i in batch)
        assert len(batch) * longest <= TOKENS_PER_BATCH
    ordered = [lengths[i] for batch in batches for i in batch]
    assert ordered == sorted(ordered, reverse=True)


def test_long_texts_are_cut_as_by_plain_encode(
    minilm: Encoder, plain: "SentenceTransformer"
) -> None:
    text = f"{SENTENCE} " * 40
    assert float(minilm.encode([text])[0] @ plain.encode(text)) > 0.999


def test_threads_share_one_encoder(minilm: Encoder) -> None:
    texts = mixed_texts(8)
    expected = minilm.encode(texts)
    with ThreadPoolExecutor(3) as pool:
        for found in pool.map(minilm.encode, [texts] * 3):
            assert np.array_equal(found, expected)


@pytest.mark.slow
def test_threads_do_not_pad_each_other(minilm: Encoder) -> None:
    """The tokenizer keeps its padding in itself: unlocked, one thread pads another's batch."""
    sizes = [1, 3, 7, 2, 5, 9] * 3
    batches = [mixed_texts(size + 3) for size in sizes]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(minilm.encode, batches))
    assert [len(vectors) for vectors in found] == [size + 3 for size in sizes]
