"""What terms weigh in documents, read where the postings lie, against a plain sum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import postings
from matching.postings import Postings, postings_from
from tests.matching.factories import repeatable

TERMS = 6

documents = st.lists(st.dictionaries(st.integers(0, TERMS - 1), st.integers(1, 9)), max_size=6)
asked = st.lists(st.tuples(st.integers(0, TERMS + 1), st.floats(0.125, 4.0)), max_size=8)


def made(held: list[dict[int, int]], kind: type | None) -> Postings:
    number = [term for one in held for term in one]
    value = None if kind is None else np.array([n for one in held for n in one.values()], kind)
    ends = np.cumsum([0] + [len(one) for one in held])
    return postings_from(np.array(number, np.int32), value, ends, TERMS)


@pytest.mark.parametrize("kind", [np.float32, np.uint8, None], ids=["float32", "uint8", "none"])
@pytest.mark.parametrize("most", [postings.MOST_AT_ONCE, 2], ids=["as they lie", "gathered"])
def test_totals_are_the_sums(kind: type | None, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Terms may be asked in any order, twice, or not be held; also where places need 64 bits."""
    monkeypatch.setattr(postings, "MOST_AT_ONCE", most)

    @given(documents, asked)
    @repeatable
    def check(held: list[dict[int, int]], query: list[tuple[int, float]]) -> None:
        term = np.array([term for term, _ in query], np.int64)
        weight = np.array([weight for _, weight in query])
        expected = [
            sum(weight * (one[term] if kind else 1) for term, weight in query if term in one)
            for one in held
        ]
        assert made(held, kind).totals(term, weight) == pytest.approx(expected, rel=1e-6)

    check()


def test_totals_read_what_may_not_be_written() -> None:
    """As the arrays of a snapshot are."""
    part = made([{0: 1, 2: 3}, {2: 1}], np.float32)
    assert part.value is not None
    for array in (part.indptr, part.document, part.value):
        array.flags.writeable = False
    assert part.totals(np.array([2, 0]), np.array([1.0, 0.5])).tolist() == [3.5, 1.0]
