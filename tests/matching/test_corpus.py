"""The snapshot the engine works on."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.corpus import Corpus, Period
from matching.lexical import bm25, count_terms
from tests.matching.factories import (
    corpora,
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
