"""Texts as bags of tokens."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from matching.encoders.static_table import UNKNOWN
from matching.encoders.training import bags as training_bags
from matching.encoders.training.bags import MAXIMUM_TOKENS, Bags, Batch
from matching.encoders.training.lessons import Lessons
from tests.matching.factories import repeatable

bags_of_tokens = st.lists(st.lists(st.integers(1, 99), max_size=6), min_size=1, max_size=8)


def made(rows: list[list[int]]) -> Bags:
    bounds = np.cumsum([0, *map(len, rows)])
    return Bags(np.array([token for row in rows for token in row], np.int32), bounds)


def rows_of(batch: Batch) -> list[list[int]]:
    return [
        batch.tokens[start : start + length].tolist()
        for start, length in zip(batch.starts, batch.lengths, strict=True)
    ]


def test_each_text_has_its_known_tokens(tokenizer: Tokenizer, lessons: Lessons) -> None:
    texts = ["", "ไทย", *lessons.texts[:20], "yeast ไทย beef", "yeast " * 200]
    found = Bags.of(tokenizer, texts)
    assert len(found) == len(texts)
    for row, text in enumerate(texts):
        expected = [token for token in tokenizer.encode(text).ids if token != UNKNOWN]
        held = found.tokens[found.bounds[row] : found.bounds[row + 1]].tolist()
        assert held == expected[:MAXIMUM_TOKENS]
    assert found.lengths.max() == MAXIMUM_TOKENS


def test_chunks_do_not_matter_and_are_told(
    tokenizer: Tokenizer, lessons: Lessons, bags: Bags, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_bags, "CHUNK", 7)
    told: list[int] = []
    found = Bags.of(tokenizer, lessons.texts, told.append)
    assert np.array_equal(found.tokens, bags.tokens)
    assert np.array_equal(found.bounds, bags.bounds)
    assert sum(told) == len(lessons.texts)


def test_no_texts_are_no_bags(tokenizer: Tokenizer) -> None:
    found = Bags.of(tokenizer, [])
    assert len(found) == len(found.tokens) == 0


@given(bags_of_tokens, st.data())
@repeatable
def test_a_batch_holds_the_rows_asked_for(rows: list[list[int]], data: st.DataObject) -> None:
    wanted = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=6))
    batch = made(rows).batch(np.array(wanted))
    assert rows_of(batch) == [rows[i] for i in wanted]


@given(bags_of_tokens, st.floats(0.0, 1.0), st.integers(0, 99))
@repeatable
def test_what_is_dropped_leaves_the_rest_in_order(
    rows: list[list[int]], drop: float, seed: int
) -> None:
    everything = np.arange(len(rows))
    batch = made(rows).batch(everything, drop=drop, random=np.random.default_rng(seed))
    for whole, kept in zip(rows, rows_of(batch), strict=True):
        left = iter(whole)
        assert all(token in left for token in kept), "a part, in order"
        if 1 <= len(whole) <= 2:
            assert kept[:1] == whole[:1]


def test_about_the_share_is_dropped() -> None:
    batch = made([[1] * 5000, [2] * 5000]).batch(
        np.arange(2), drop=0.1, random=np.random.default_rng(1)
    )
    assert batch.lengths.tolist() == pytest.approx([4500, 4500], rel=0.02)
