"""The extra `openvino`: the same vectors, faster; torch where it is missing or fails."""

import logging
from typing import TYPE_CHECKING

import numpy as np
import pytest

from matching.encoders import make_encoder, openvino_model
from matching.encoders.minilm import model_folder
from matching.encoders.sentence_transformer import SentenceTransformerEncoder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

TEXTS = [
    "koji",
    "Fermentation of sweet potato with koji enzymes. " * 30,
    "A robot arm picks strawberries under changing light.",
    "Sensor network for greenhouse heating",
]

installed = pytest.mark.skipif(
    not openvino_model.is_installed(), reason="the extra openvino is not installed"
)


@pytest.fixture(scope="module")
def plain() -> "SentenceTransformer":
    from sentence_transformers import SentenceTransformer  # slow: only where it is needed

    return SentenceTransformer(str(model_folder()), device="cpu", local_files_only=True)


@installed
@pytest.mark.slow
def test_its_vectors_are_those_of_plain_encode(plain: "SentenceTransformer") -> None:
    encoder = make_encoder("minilm")
    found = encoder.encode(TEXTS)
    assert isinstance(encoder, SentenceTransformerEncoder)
    assert encoder._compiled is not None
    expected = plain.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    assert 1 - (found * expected).sum(axis=1).min() < openvino_model.MOST_DIFFERENCE


@pytest.mark.slow
def test_what_gives_other_vectors_is_not_used(
    plain: "SentenceTransformer",
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def others(*_: object, **__: object) -> openvino_model.Forward:
        return lambda ids, mask: np.ones((len(ids), 384), np.float32)

    monkeypatch.setattr(openvino_model, "_compiled", others)
    with caplog.at_level(logging.WARNING):
        assert openvino_model.compiled(plain, bf16=False) is None
    assert "torch is used" in caplog.text


def test_what_fails_to_compile_is_left_to_torch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(*_: object, **__: object) -> openvino_model.Forward:
        raise RuntimeError("no such operation")

    monkeypatch.setattr(openvino_model, "_compiled", failing)
    with caplog.at_level(logging.WARNING):
        assert openvino_model.compiled(object(), bf16=False) is None  # type: ignore[arg-type]
    assert "torch is used" in caplog.text
