"""The snapshot the engine works on."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.corpus import Corpus, Period
from matching.encoders.hashing import HashingEncoder
from matching.lexical import bm25, count_terms
from tests.matching.factories import (
    corpora,
    corpus_of,
    make_corpus,
    make_evidence,
    make_partner,
    repeatable,
    texts,
)

DAY = date(2026, 4, 1)


@pytest.mark.parametrize(
    ("period", "holds"),
    [
        (Period(date(2026, 4, 1), date(2026, 4, 1)), True),
        (Period(date(2026, 3, 1), date(2026, 4, 1)), True),
        (Period(date(2026, 3, 1), None), True),
        (Period(date(2026, 3, 1), date(2026, 3, 31)), False),
        (Period(date(2026, 4, 2), None), False),
    ],
)
def test_a_period_holds_both_its_ends(period: Period, holds: bool) -> None:
    assert period.holds(DAY) is holds


class TestBuild:
    def test_evidence_of_a_partner_lies_together_with_its_vectors_and_words(self) -> None:
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

    def test_a_partner_without_evidence_has_no_rows(self) -> None:
        corpus = corpus_of({"a": [], "b": ["surimi"], "c": []})
        assert [corpus.rows_of(position) for position in range(3)] == [
            *(slice(0, 0), slice(0, 1), slice(1, 1))
        ]

    def test_evidence_that_the_encoder_cannot_read_has_no_vector(self) -> None:
        assert corpus_of({"a": ["surimi", "..."]}).has_vector.tolist() == [True, False]

    def test_evidence_of_an_unknown_partner_is_refused(self) -> None:
        with pytest.raises(ValueError, match="nobody"):
            make_corpus([make_partner("a")], [make_evidence("e", "nobody", "surimi")])

    @pytest.mark.parametrize(("vectors", "terms"), [(0, 1), (1, 0), (2, 1)])
    def test_lengths_must_agree(self, vectors: int, terms: int) -> None:
        with pytest.raises(ValueError, match="one of each"):
            Corpus.build(
                [make_partner("a")],
                [make_evidence("e", "a", "surimi")],
                np.zeros((vectors, 4), np.float32),
                [count_terms("surimi")] * terms,
            )

    def test_nothing_makes_an_empty_corpus(self) -> None:
        corpus = make_corpus([], [])
        assert (len(corpus.partners), len(corpus.evidence)) == (0, 0)
        assert len(corpus.only(["a"]).partners) == 0


class TestSpeech:
    ENGLISH = "Measuring the gel strength of frozen surimi by ultrasound"
    JAPANESE = "冷凍すり身のゲル強度"

    def test_each_piece_speaks_its_languages(self) -> None:
        pieces = [self.ENGLISH, self.JAPANESE, f"{self.JAPANESE}\n{self.ENGLISH}", "2026"]
        corpus = corpus_of({"a": pieces})
        english, japanese = frozenset({"en"}), frozenset({"ja"})
        assert corpus.speech.any_of(english).tolist() == [True, False, True, False]
        assert corpus.speech.any_of(japanese).tolist() == [False, True, True, False]
        assert corpus.speech.any_of(english | japanese).tolist() == [True, True, True, False]
        assert corpus.speech.any_of(frozenset()).tolist() == [False] * 4

    def test_each_piece_is_of_one_kind(self) -> None:
        corpus = corpus_of({"a": [self.ENGLISH, "surimi"], "b": [self.JAPANESE, "2026"]})
        kinds = sum(mask.astype(int) for mask in corpus.speech.masks.values())
        assert np.array_equal(kinds, np.ones(4))

    def test_an_empty_corpus_says_nothing(self) -> None:
        assert corpus_of({}).speech.any_of(frozenset({"ja"})).shape == (0,)


class TestOnly:
    @given(corpora(), st.frozensets(st.sampled_from(["p0", "p1", "p2", "x"])), texts)
    @repeatable
    def test_the_part_is_judged_as_the_whole(
        self, corpus: Corpus, wanted: frozenset[str], query: str
    ) -> None:
        part = corpus.only(wanted)
        assert [p.id for p in part.partners] == [p.id for p in corpus.partners if p.id in wanted]
        assert part.evidence == tuple(e for e in corpus.evidence if e.partner in wanted)
        assert [part.partners[i].id for i in part.partner_of] == [e.partner for e in part.evidence]
        whole = dict(zip([e.id for e in corpus.evidence], _words(corpus, query), strict=True))
        assert _words(part, query) == pytest.approx([whole[e.id] for e in part.evidence])

    @given(corpora(), st.frozensets(st.sampled_from(["p0", "p1", "p2"])))
    @repeatable
    def test_vectors_follow_their_evidence(self, corpus: Corpus, wanted: frozenset[str]) -> None:
        part = corpus.only(wanted)
        place = {piece.id: row for row, piece in enumerate(corpus.evidence)}
        rows = [place[piece.id] for piece in part.evidence]
        held = part.vectors.at(np.arange(len(rows)))
        assert np.array_equal(held, corpus.vectors.at(np.array(rows, np.int64)))


def _words(corpus: Corpus, query: str) -> list[float]:
    found: list[float] = bm25(
        corpus.lexical.postings(corpus.lexical.known(count_terms(query))),
        group=np.arange(len(corpus.evidence)),
        lengths=corpus.lexical.lengths,
        statistics=corpus.passage_statistics,
    ).tolist()
    return found
