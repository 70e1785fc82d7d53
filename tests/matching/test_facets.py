"""What covers a need's facets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.encoders.hashing import HashingEncoder
from matching.facets import COVERED, coverage, covered, partner_coverage, weights
from matching.splitting import Facet, split, wordings
from matching.text import sentences
from tests.matching.factories import WORDS, corpus_of, repeatable

_lines = st.lists(st.sampled_from([*WORDS, "。", ". ", "\n", "; ", "Thank you. "]), max_size=40)


@given(_lines.map(" ".join))
@repeatable
def test_coverage_of_any_text(text: str) -> None:
    facets = split(text)
    corpus = corpus_of({"a": ["surimi gel", "robot"], "b": ["発酵 焼酎"]})
    vectors = HashingEncoder().encode(wordings(facets), role="query")
    for some in (vectors, None):
        shares = coverage(facets, some, corpus, np.arange(3))
        assert shares.shape == (len(facets), 3)
        assert ((shares >= 0) & (shares <= 1)).all()
        assert (covered(shares) == (shares >= COVERED)).all()
    if facets:
        assert weights(facets, corpus).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "text", ["We make surimi gel. We want surimi gel. ", "魚肉を作ります。魚肉を知りたいです。"]
)
def test_what_is_asked_for_weighs_more_than_circumstances(text: str) -> None:
    corpus = corpus_of({"a": ["surimi gel", "魚肉"], "b": ["robot"]})
    telling, asking = weights([Facet((s.text,)) for s in sentences(text)], corpus)
    assert asking == pytest.approx(2 * telling)


def test_what_speaks_of_a_facet_covers_it_more() -> None:
    corpus = corpus_of(
        {
            "a": ["Gel strength of frozen surimi from winter fish"],
            "b": ["Robot arms for packing lines in warehouses"],
            **{f"p{i}": [f"Another topic number {word}"] for i, word in enumerate(WORDS)},
        }
    )
    facets = split("The gel strength of our frozen surimi is low. A robot arm should pack it.")
    shares = coverage(facets, None, corpus, np.array([0, 1]))
    assert shares[0, 0] > shares[0, 1]
    assert shares[1, 1] > shares[1, 0]


def test_of_two_wordings_the_one_that_fits_counts() -> None:
    corpus = corpus_of({"a": ["Drying of shochu lees"], "b": ["焼酎粕の乾燥"], "c": ["robots"]})
    (facet,) = split("焼酎粕の乾燥\nDrying of shochu lees")
    english, japanese, neither = coverage([facet], None, corpus, np.arange(3))[0]
    assert min(english, japanese) > neither == 0


def test_meaning_covers_where_words_are_silent() -> None:
    corpus = corpus_of({"a": ["surimi"], "b": ["robot"]})
    facets = split("A cake of minced fish.")
    shares = coverage(facets, corpus.vectors.at(np.arange(1)), corpus, np.arange(2))
    assert shares[0, 0] == pytest.approx(0.5)
    assert shares[0, 1] < shares[0, 0]


def test_one_known_word_is_not_the_whole_facet() -> None:
    corpus = corpus_of({"a": ["surimi"], **{f"p{i}": ["robot"] for i in range(20)}})
    few = coverage(split("surimi qqq www eee"), None, corpus, np.arange(1))
    assert few[0, 0] < 0.5


def test_a_partner_covers_by_its_best_piece() -> None:
    shares = np.array([[0.1, 0.4, 0.3], [0.2, 0.0, 0.5]])
    found = partner_coverage(shares, np.array([0, 0, 3]), np.array([0, 1, 3]))
    assert found.tolist() == [[0.4, 0.0, 0.3], [0.2, 0.0, 0.5]]
    assert partner_coverage(shares[:, :0], np.zeros(0, np.int64), np.array([1])).tolist() == [
        [0],
        [0],
    ]
