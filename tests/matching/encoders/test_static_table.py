"""The encoder that reads by a table."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.encoders import Encoder, EncoderError, has_vector, make_encoder, static_table
from matching.encoders.static_table import (
    MANIFEST,
    MAXIMUM_TOKENS,
    TABLE,
    TOKENIZER,
    StaticEncoder,
    Table,
    prepare,
)
from tests.matching.factories import repeatable
from tests.tiny_encoder import made_pairs

TEXTS = [text for pair in made_pairs() for text in (pair.japanese, pair.english)]


def sign(folder: Path, **changes: Any) -> None:
    """Make the manifest name the files as they are, with `changes`."""
    names = (TABLE, TOKENIZER)
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    manifest = json.loads((folder / MANIFEST).read_text("utf-8")) | {"files": files} | changes
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def save_changed(folder: Path, table: Table, **changes: Any) -> None:
    """Save a table with some arrays changed and sign the folder anew."""
    replace(table, **changes).save(folder / TABLE)
    sign(folder)


class TestReading:
    @pytest.mark.parametrize(
        "text", ["", " \n", "\x00\x1b\x7f", "😀🎉", "การหมักเหล้า", "측정", "...", "\ud800"]
    )
    def test_what_it_cannot_read_has_no_vector(self, table: StaticEncoder, text: str) -> None:
        assert not table.encode([text]).any()

    @pytest.mark.parametrize(
        ("text", "is_read"),
        [
            ("4", True),
            ("4 การหมัก", True),
            ("4 การหมัก 측정", False),
            ("การหมัก 4 측정 4", True),
            ("การหมัก 4 측정 4 😀", False),
        ],
    )
    def test_half_of_a_text_must_be_known(
        self, table: StaticEncoder, text: str, is_read: bool
    ) -> None:
        assert table.encode([text]).any() == is_read

    def test_unknown_words_beside_known_ones_change_nothing(self, table: StaticEncoder) -> None:
        one, other = table.encode(["yeast beef", "yeast การหมัก beef"])
        assert np.array_equal(one, other)

    def test_both_languages_land_in_the_space_of_the_teacher(self, table: StaticEncoder) -> None:
        japanese, english, other = table.encode(["焼酎粕の発酵", "fermentation of shochu", "pearl"])
        assert japanese @ english > japanese @ other + 0.2

    def test_case_width_and_line_breaks_do_not_matter(self, table: StaticEncoder) -> None:
        one, other = table.encode(["Frozen\nＳＵＲＩＭＩ", "frozen surimi"])
        assert np.array_equal(one, other)

    def test_a_text_is_read_up_to_its_longest(self, table: StaticEncoder) -> None:
        head = "yeast " * MAXIMUM_TOKENS
        one, other = table.encode([head, head + "beef " * 50])
        assert np.array_equal(one, other)

    def test_without_a_hidden_layer_it_is_the_sum_of_its_tokens(self, table_copy: Path) -> None:
        whole = Table.load(table_copy / TABLE)
        no_units = {
            "hidden": whole.hidden[:0],
            "hidden_scales": whole.hidden_scales[:0],
            "hidden_bias": whole.hidden_bias[:0],
            "output": whole.output[:, :0],
        }
        save_changed(table_copy, whole, **no_units)
        encoder = StaticEncoder(table_copy)
        both, one, other = encoder.encode(["yeast beef", "yeast", "beef"]).astype(float)
        parts = np.linalg.lstsq(np.stack([one, other], 1), both, rcond=None)
        assert parts[1] < 1e-9
        assert (parts[0] > 0).all()

    @given(st.lists(st.text(), max_size=5))
    @repeatable
    def test_any_text_has_a_unit_vector_or_none(
        self, table: StaticEncoder, texts: list[str]
    ) -> None:
        vectors = table.encode(texts)
        assert vectors.shape == (len(texts), table.dimension)
        lengths = np.linalg.norm(vectors, axis=1)
        assert lengths == pytest.approx(has_vector(vectors).astype(float), abs=1e-6)


class TestSameBytes:
    @pytest.mark.parametrize("name", ["table", "static"])
    def test_whatever_the_order_and_the_batch(
        self, name: str, tiny_table: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        encoder = make_encoder(name, table=tiny_table)
        expected = encoder.encode(TEXTS)
        order = Random(1).sample(range(len(TEXTS)), len(TEXTS))
        shuffled = encoder.encode([TEXTS[i] for i in order])
        assert shuffled.tobytes() == expected[order].tobytes()
        monkeypatch.setattr(static_table, "BATCH", 7)
        assert encoder.encode(TEXTS).tobytes() == expected.tobytes()
        alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
        assert alone.tobytes() == expected.tobytes()

    @pytest.mark.slow
    def test_whatever_the_number_of_threads(self, tiny_table: Path, static: Encoder) -> None:
        program = (
            "import hashlib, pathlib\n"
            "from matching.encoders import make_encoder\n"
            "from tests.tiny_encoder import made_pairs\n"
            f"encoder = make_encoder('static', table=pathlib.Path({str(tiny_table)!r}))\n"
            "texts = [text for pair in made_pairs() for text in (pair.japanese, pair.english)]\n"
            "print(hashlib.sha256(encoder.encode(texts).tobytes()).hexdigest())\n"
        )
        found = set()
        for threads in ("1", "2"):
            limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
            done = subprocess.run(
                [sys.executable, "-c", program],
                cwd=Path(__file__).parents[3],
                env={**os.environ, **dict.fromkeys(limits, threads)},
                capture_output=True,
                text=True,
                check=True,
            )
            found.add(done.stdout.strip())
        assert found == {hashlib.sha256(static.encode(TEXTS).tobytes()).hexdigest()}


class TestFolder:
    @pytest.mark.parametrize("name", [TABLE, TOKENIZER])
    def test_a_changed_byte_is_refused(self, table_copy: Path, name: str) -> None:
        content = bytearray((table_copy / name).read_bytes())
        content[len(content) // 2] ^= 1
        (table_copy / name).write_bytes(content)
        with pytest.raises(EncoderError, match=rf"{name} is not the file.*install the package"):
            StaticEncoder(table_copy)

    @pytest.mark.parametrize("name", [TABLE, TOKENIZER, MANIFEST])
    def test_a_missing_file_is_refused(self, table_copy: Path, name: str) -> None:
        (table_copy / name).unlink()
        with pytest.raises(EncoderError, match=r"install the package|enmusubi encoder train"):
            StaticEncoder(table_copy)

    @pytest.mark.parametrize("manifest", ["{}", "[]", '{"format": 2}', "3"])
    def test_another_format_is_refused(self, table_copy: Path, manifest: str) -> None:
        (table_copy / MANIFEST).write_text(manifest, encoding="utf-8")
        with pytest.raises(EncoderError, match=r"has format .*reads 1: train the encoder again"):
            StaticEncoder(table_copy)

    @pytest.mark.parametrize("files", [None, {}, {TABLE: "0"}, {TABLE: "", "../x": ""}])
    def test_a_manifest_that_does_not_name_both_files_is_refused(
        self, table_copy: Path, files: object
    ) -> None:
        sign(table_copy, files=files)
        with pytest.raises(EncoderError, match="does not name the SHA-256"):
            StaticEncoder(table_copy)

    @pytest.mark.parametrize("content", ["", "{", "\ufeff{}", "nul"])
    def test_a_damaged_manifest_is_refused(self, table_copy: Path, content: str) -> None:
        (table_copy / MANIFEST).write_text(content, encoding="utf-8")
        with pytest.raises(EncoderError, match="holds no encoder"):
            StaticEncoder(table_copy)

    def test_a_table_of_objects_is_never_unpickled(self, table_copy: Path) -> None:
        arrays = dict(np.load(table_copy / TABLE))
        arrays["rows"] = np.array([{"a": 1}], object)
        np.savez(table_copy / TABLE, **arrays)
        sign(table_copy)
        with pytest.raises(EncoderError, match="is not a table of token vectors"):
            StaticEncoder(table_copy)

    @pytest.mark.parametrize("part", [0, 3, 500])
    def test_a_torn_table_is_refused_even_if_it_is_signed(
        self, table_copy: Path, part: int
    ) -> None:
        (table_copy / TABLE).write_bytes((table_copy / TABLE).read_bytes()[:part])
        sign(table_copy)
        with pytest.raises(EncoderError, match="is not a table of token vectors"):
            StaticEncoder(table_copy)

    def test_a_single_array_is_no_table(self, table_copy: Path) -> None:
        with (table_copy / TABLE).open("wb") as file:
            np.save(file, np.zeros((4, 4), np.int8))
        sign(table_copy)
        with pytest.raises(EncoderError, match="is not a table of token vectors"):
            StaticEncoder(table_copy)

    @pytest.mark.parametrize("name", ["rows", "scales", "hidden_bias", "output", "means"])
    def test_a_table_whose_parts_do_not_fit_is_refused(self, table_copy: Path, name: str) -> None:
        table = Table.load(table_copy / TABLE)
        numbers = getattr(table, name)
        for changed in (numbers[:-1], numbers.astype(np.float64), numbers[..., None]):
            save_changed(table_copy, table, **{name: changed})
            with pytest.raises(EncoderError, match="is not a table of token vectors"):
                StaticEncoder(table_copy)

    def test_a_tokenizer_of_another_table_is_refused(self, table_copy: Path) -> None:
        table = Table.load(table_copy / TABLE)
        save_changed(table_copy, table, rows=table.rows[:-1], scales=table.scales[:-1])
        with pytest.raises(EncoderError, match="tokens, but the table beside it has"):
            StaticEncoder(table_copy)

    def test_a_file_that_is_no_tokenizer_is_refused(self, table_copy: Path) -> None:
        (table_copy / TOKENIZER).write_text("{}", encoding="utf-8")
        sign(table_copy)
        with pytest.raises(EncoderError, match=r"is not a tokenizer .*install the package"):
            StaticEncoder(table_copy)


class TestId:
    def test_it_stays_for_the_same_files(self, table_copy: Path, table: StaticEncoder) -> None:
        sign(table_copy, figures={"tatoeba": 0.8})
        assert StaticEncoder(table_copy).id == table.id

    def test_it_changes_with_the_table(self, table_copy: Path, table: StaticEncoder) -> None:
        whole = Table.load(table_copy / TABLE)
        rows = whole.rows.copy()
        rows[1, 0] ^= 1
        save_changed(table_copy, whole, rows=rows)
        assert StaticEncoder(table_copy).id != table.id

    def test_it_changes_with_the_tokenizer(self, table_copy: Path, table: StaticEncoder) -> None:
        text = (table_copy / TOKENIZER).read_text("utf-8")
        (table_copy / TOKENIZER).write_text(text + " ", encoding="utf-8")
        sign(table_copy)
        assert StaticEncoder(table_copy).id != table.id

    def test_it_changes_with_the_text_preparation(
        self, table: StaticEncoder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = table.id
        monkeypatch.setattr(static_table, "TEXT_PREPARATION_VERSION", 999)
        assert table.id != before


def test_prepared_texts_are_one_line_in_lower_case() -> None:
    assert prepare(" Frozen\r\n\nＳＵＲＩＭＩ\u200b　すり身 ") == "frozen surimi すり身"
