"""The toy encoder."""

import pytest

from matching.encoders import hashing
from matching.encoders.hashing import HashingEncoder


def test_texts_that_share_more_words_are_more_alike() -> None:
    query, near, far = HashingEncoder().encode(
        ["surimi gel", "surimi gel test", "surimi trade fair"]
    )
    assert query @ near > query @ far > 0


def test_it_reads_japanese() -> None:
    query, near, far = HashingEncoder().encode(["魚肉の物性", "魚肉の物性測定", "産業用ロボット"])
    assert query @ near > query @ far


def test_its_id_changes_with_the_text_preparation(monkeypatch: pytest.MonkeyPatch) -> None:
    before = HashingEncoder().id
    monkeypatch.setattr(hashing, "TEXT_PREPARATION_VERSION", 999)
    assert HashingEncoder().id != before
