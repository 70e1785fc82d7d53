import numpy as np
import pytest

from matching.corpus import Corpus
from matching.encoders.hashing import HashingEncoder
from matching.lexical import count_terms
from tests.matching.factories import corpus_of, make_corpus, make_evidence, make_partner


def test_evidence_of_a_partner_lies_together_with_its_vectors_and_words() -> None:
    evidence = [
        make_evidence("e0", "b", "robot arm", year=2020),
        make_evidence("e1", "a", "surimi gel"),
        make_evidence("e2", "b", "sensor", year=2021),
        make_evidence("e3", "a", "koji"),
    ]
    corpus = make_corpus([make_partner("a"), make_partner("b")], evidence)
    assert [piece.id for piece in corpus.evidence] == ["e1", "e3", "e0", "e2"]
    assert corpus.rows_of(0) == slice(0, 2)
    assert corpus.rows_of(1) == slice(2, 4)
    expected = HashingEncoder().encode([piece.text for piece in corpus.evidence])
    assert np.array_equal(corpus.vectors.at(np.arange(4)), expected)
    sensor = corpus.lexical.known(count_terms("sensor"))
    assert corpus.lexical.postings(sensor).passage.tolist() == [3]
    assert np.array_equal(corpus.years, [np.nan, np.nan, 2020, 2021], equal_nan=True)
    assert corpus.position == {"a": 0, "b": 1}


def test_a_partner_without_evidence_has_no_rows() -> None:
    corpus = corpus_of({"a": [], "b": ["surimi"], "c": []})
    assert [corpus.rows_of(position) for position in range(3)] == [
        *(slice(0, 0), slice(0, 1), slice(1, 1))
    ]


def test_evidence_that_the_encoder_cannot_read_has_no_vector() -> None:
    assert corpus_of({"a": ["surimi", "..."]}).has_vector.tolist() == [True, False]


def test_evidence_of_an_unknown_partner_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody"):
        make_corpus([make_partner("a")], [make_evidence("e", "nobody", "surimi")])


@pytest.mark.parametrize(("vectors", "terms"), [(0, 1), (1, 0), (2, 1)])
def test_lengths_must_agree(vectors: int, terms: int) -> None:
    with pytest.raises(ValueError, match="one of each"):
        Corpus.build(
            [make_partner("a")],
            [make_evidence("e", "a", "surimi")],
            np.zeros((vectors, 4), np.float32),
            [count_terms("surimi")] * terms,
        )


def test_nothing_makes_an_empty_corpus() -> None:
    corpus = make_corpus([], [])
    assert (len(corpus.partners), len(corpus.evidence)) == (0, 0)
    assert len(corpus.only(["a"]).partners) == 0
