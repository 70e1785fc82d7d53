"""The cache: nothing is encoded twice, nothing is kept beyond the capacity, all is right."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.encoders import CachedEncoder, Progress, Role, Vectors
from matching.encoders.hashing import HashingEncoder
from tests.matching.factories import repeatable

small_batches = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=8), max_size=6)


class CountingEncoder:
    """Remembers what it was asked; the vector of a query is the negative of the passage's."""

    id = "counting:1"
    dimension = HashingEncoder().dimension

    def __init__(self) -> None:
        self.asked: list[tuple[str, Role]] = []

    def encode(
        self, texts: Sequence[str], *, role: Role = "passage", progress: Progress | None = None
    ) -> Vectors:
        self.asked += [(text, role) for text in texts]
        vectors = HashingEncoder().encode(texts, progress=progress)
        return -vectors if role == "query" else vectors

    def texts(self) -> list[str]:
        return [text for text, _ in self.asked]


def words(number: int) -> list[str]:
    return [f"word{i}" for i in range(number)]


def test_nothing_is_encoded_twice() -> None:
    counting = CountingEncoder()
    cached = CachedEncoder(counting, capacity=10)
    cached.encode(["a1", "b1", "a1"])
    cached.encode(["b1", "c1"])
    cached.encode(["a1", "b1", "c1"])
    assert counting.texts() == ["a1", "b1", "c1"]


def test_spellings_that_look_alike_are_one_text() -> None:
    counting = CountingEncoder()
    cached = CachedEncoder(counting, capacity=10)
    cached.encode(["ガス sensor", "ｶﾞｽ  sensor\u200b"])
    assert len(counting.asked) == 1


def test_queries_and_passages_are_kept_apart() -> None:
    counting = CountingEncoder()
    cached = CachedEncoder(counting, capacity=10)
    passage = cached.encode(["surimi"])
    query = cached.encode(["surimi"], role="query")
    assert counting.asked == [("surimi", "passage"), ("surimi", "query")]
    assert np.array_equal(query, -passage)
    assert np.array_equal(cached.encode(["surimi"]), passage)


def test_no_more_than_the_capacity_is_kept() -> None:
    counting = CountingEncoder()
    cached = CachedEncoder(counting, capacity=3)
    for word in words(5):
        cached.encode([word])
    counting.asked.clear()
    for word in reversed(words(5)):
        cached.encode([word])
    assert counting.texts() == ["word1", "word0"]


def test_what_was_used_last_stays() -> None:
    counting = CountingEncoder()
    cached = CachedEncoder(counting, capacity=2)
    for word in ("a1", "b1", "a1", "c1", "a1"):
        cached.encode([word])
    assert counting.texts() == ["a1", "b1", "c1"]


@pytest.mark.parametrize("capacity", [0, 1, 3, 100])
def test_a_batch_larger_than_the_capacity_is_right(capacity: int) -> None:
    cached = CachedEncoder(CountingEncoder(), capacity)
    texts = words(10) + words(4)
    assert np.array_equal(cached.encode(texts), HashingEncoder().encode(texts))
    assert np.array_equal(cached.encode(texts), HashingEncoder().encode(texts))


@given(small_batches, st.integers(0, 5))
@repeatable
def test_any_sequence_of_batches_is_right(batches: list[list[str]], capacity: int) -> None:
    cached = CachedEncoder(CountingEncoder(), capacity)
    for batch in batches:
        assert np.array_equal(cached.encode(batch), HashingEncoder().encode(batch))


def test_a_caller_who_changes_its_vectors_does_not_change_the_cache() -> None:
    cached = CachedEncoder(HashingEncoder(), capacity=3)
    cached.encode(["surimi"])[:] = 7
    mine = cached.encode(["surimi"])
    mine[:] = 7
    assert np.array_equal(cached.encode(["surimi"]), HashingEncoder().encode(["surimi"]))


def test_a_failure_leaves_nothing_behind() -> None:
    class Failing(CountingEncoder):
        def encode(
            self, texts: Sequence[str], *, role: Role = "passage", progress: Progress | None = None
        ) -> Vectors:
            if not self.asked:
                self.asked.append(("", role))
                raise RuntimeError("out of memory")
            return super().encode(texts, role=role, progress=progress)

    cached = CachedEncoder(Failing(), capacity=3)
    with pytest.raises(RuntimeError):
        cached.encode(["surimi"])
    assert np.array_equal(cached.encode(["surimi"]), HashingEncoder().encode(["surimi"]))


def test_many_threads_get_the_right_vectors() -> None:
    cached = CachedEncoder(HashingEncoder(), capacity=5)
    batches = [[f"word{(i * 7 + j) % 13}" for j in range(6)] for i in range(60)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(cached.encode, batches))
    for batch, vectors in zip(batches, found, strict=True):
        assert np.array_equal(vectors, HashingEncoder().encode(batch))


def test_it_goes_by_the_name_of_what_it_wraps() -> None:
    cached = CachedEncoder(CountingEncoder(), capacity=1)
    assert (cached.id, cached.dimension) == (CountingEncoder.id, CountingEncoder.dimension)
