"""A corpus that has changed against one that was built from the same partners."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.anonymise.rarity import Region, count_partners
from matching.corpus import Corpus, Evidence, Partner, Query
from matching.corpus_build import columns_of
from matching.encoders.hashing import HashingEncoder
from matching.lexical import Statistics, TermCounts, count_terms
from matching.profiles import ProfileIndex
from matching.ranker import rank
from tests.matching.factories import (
    KINDS,
    ask,
    corpus_of,
    ids,
    make_corpus,
    make_evidence,
    make_partner,
    make_query,
    queries,
    repeatable,
    texts,
    vector_of,
)

NAMES = ("p0", "p1", "p2", "p3", "n0", "n1")
State = dict[str, tuple[Partner, tuple[Evidence, ...]]]

NEAR = 1e-7
"""Impacts are kept in float32."""


def change(corpus: Corpus, state: State, gone: Sequence[str] = ()) -> Corpus:
    evidence = [piece for _, pieces in state.values() for piece in pieces]
    written = [piece.text for piece in evidence]
    return corpus.changed(
        [partner for partner, _ in state.values()],
        evidence,
        HashingEncoder().encode(written),
        [count_terms(text) for text in written],
        gone=gone,
    )


def build(state: State) -> Corpus:
    evidence = [piece for _, pieces in state.values() for piece in pieces]
    return make_corpus([partner for partner, _ in state.values()], evidence)


@st.composite
def states(draw: st.DrawFn, names: Sequence[str]) -> State:
    found: State = {}
    for name in draw(st.lists(st.sampled_from(names), unique=True, max_size=3)):
        partner = make_partner(
            name,
            organisation=draw(st.sampled_from([None, "o1", "o2"])),
            city=draw(st.sampled_from([None, "Chino"])),
            prefecture="Nagano",
            clusters=draw(st.frozensets(st.sampled_from(["food", "it", "new"]))),
            engagement_types=draw(st.frozensets(st.sampled_from(["licence", "testing"]))),
        )
        number = draw(st.integers(0, 3))
        found[name] = (
            partner,
            tuple(
                make_evidence(
                    f"{name}-{i}",
                    name,
                    draw(texts) + draw(st.sampled_from(["", " quantum", " 量子 cold"])),
                    kind=draw(st.sampled_from(KINDS)),
                    year=draw(st.none() | st.integers(1980, 2030)),
                    external_id=draw(st.sampled_from(["e0", "e1", None])),
                )
                for i in range(number)
            ),
        )
    return found


def built_anew(state: State, changed: Corpus) -> Corpus:
    """A corpus in one part, in the numbers and by the statistics of the one that was changed."""
    evidence = [piece for _, pieces in state.values() for piece in pieces]
    written = [piece.text for piece in evidence]
    fresh = Corpus(
        **columns_of(
            [partner for partner, _ in state.values()],
            evidence,
            HashingEncoder().encode(written),
            [count_terms(text) for text in written],
            like=changed.base or changed,
        )
    )
    words = np.array([changed.lexical.vocabulary[w] for w in fresh.lexical.vocabulary.later], int)
    assert fresh.phrases.later.tolist() == changed.phrases.later.tolist()

    def with_later(own: Statistics, frequency: Statistics) -> Statistics:
        return replace(own, later=frequency.frequency_of(words))

    def of(profiles: ProfileIndex, statistics: Statistics) -> ProfileIndex:
        impacts = replace(profiles.impacts, statistics=statistics)
        return replace(profiles, impacts=impacts, statistics=statistics)

    passages = with_later(fresh.passage_statistics, changed.passage_statistics)
    return replace(
        fresh,
        passage_statistics=passages,
        passage_impacts=replace(fresh.passage_impacts, statistics=passages),
        profile_words=of(
            fresh.profile_words, with_later(fresh.whole.words, changed.profile_words.statistics)
        ),
        profile_phrases=of(fresh.profile_phrases, changed.profile_phrases.statistics),
    )


@given(
    states(NAMES[:4]),
    st.lists(st.tuples(states(NAMES), st.frozensets(st.sampled_from(NAMES))), max_size=3),
    queries(),
)
@settings(repeatable, max_examples=25)
def test_any_changes_leave_what_a_build_would_make(
    first: State, steps: list[tuple[State, frozenset[str]]], query: Query
) -> None:
    corpus, now, later = build(first), dict(first), dict[str, object]()
    for state, leaving in steps:
        gone = leaving - state.keys()
        corpus = change(corpus, state, sorted(gone))
        # The partners lie as those that stayed, then the others as they came.
        now = {name: now[name] for name in now if name not in gone | state.keys()} | state
        later = {name: None for name in later if name not in gone | state.keys()}
        later |= dict.fromkeys(state)
    order = [name for name in now if name not in later] + list(later)
    fresh = built_anew({name: now[name] for name in order}, corpus)
    assert corpus.partners == fresh.partners
    assert dict(corpus.position) == dict(fresh.position)
    assert corpus.id_order.tolist() == fresh.id_order.tolist()
    assert [corpus.evidence[row] for row in corpus.living] == list(fresh.evidence)
    assert corpus.pieces.tolist() == fresh.pieces.tolist()
    for asked in (query, replace(query, text=query.text + " quantum 量子")):
        one, other = ask(corpus, asked), ask(fresh, asked)
        assert one.blocked == other.blocked
        assert {m.partner.id: m.score for m in one.matches} == pytest.approx(
            {m.partner.id: m.score for m in other.matches}, abs=NEAR
        )
        for name in order:
            alone = ask(corpus.only([name]), asked).matches
            listed = [m for m in one.matches if m.partner.id == name]
            assert [m.score for m in alone] == pytest.approx([m.score for m in listed], abs=NEAR)
    for term in ("surimi", "量子", "発酵", "quantum", "cold gel"):
        assert count_partners(corpus, term) == count_partners(fresh, term)
    assert Region.of(corpus).partners == len(order)
    assert 0 <= corpus.drift <= 1


class TestOneChange:
    def test_a_partner_that_is_gone_is_nowhere(self) -> None:
        whole = corpus_of({"a": ["surimi gel"], "b": ["surimi robot"], "c": ["sensor"]})
        left = change(whole, {}, ["b", "never there"])
        assert ids(ask(left, "surimi robot")) == ["a", "c"]
        part = ask(whole.only(["a", "c"]), "surimi robot").matches
        found = ask(left, "surimi robot").matches
        assert [m.score for m in found] == pytest.approx([m.score for m in part], abs=NEAR)
        assert "b" not in left.position
        assert left.drift == pytest.approx(1 / 3)
        assert count_partners(left, "robot") == 0

    def test_an_earlier_corpus_stays_as_it_was(self) -> None:
        whole = corpus_of({"a": ["surimi gel"], "b": ["surimi robot"]})
        before = [(m.partner, m.score) for m in ask(whole, "surimi").matches]
        change(whole, {"b": (make_partner("b"), ())}, ["a"])
        assert [(m.partner, m.score) for m in ask(whole, "surimi").matches] == before

    def test_changes_replace_each_other_and_do_not_pile_up(self) -> None:
        corpus = corpus_of({"a": ["surimi gel"], "b": ["surimi robot"]})
        for number in range(5):
            text = f"robot number{number}"
            corpus = change(corpus, {"b": (make_partner("b"), (make_evidence("b", "b", text),))})
        assert len(corpus.evidence) == 3
        assert len(corpus.lexical.parts) == 2
        assert ids(ask(corpus, "number4")) == ["b", "a"]
        assert "number3" not in corpus.lexical.vocabulary

    def test_all_may_go_and_come_back(self) -> None:
        whole = corpus_of({"a": ["surimi gel"]})
        nothing = change(whole, {}, ["a"])
        assert (len(nothing.partners), ids(ask(nothing, "surimi"))) == (0, [])
        again = change(nothing, {"a": (make_partner("a"), (make_evidence("x", "a", "surimi"),))})
        assert ids(ask(again, "surimi")) == ["a"]

    def test_evidence_that_is_gone_excludes_nothing(self) -> None:
        whole = corpus_of({"a": ["surimi gel"], "b": ["surimi robot"]})
        moved = change(
            whole,
            {"a": (make_partner("a"), (make_evidence("new", "a", "surimi", external_id="a0"),))},
        )
        query = make_query("surimi", excluded_evidence=frozenset({"a0"}))
        assert ids(rank(query, vector_of("surimi"), moved)) == ["b"]

    def test_lengths_must_agree(self) -> None:
        with pytest.raises(ValueError, match="one of each"):
            corpus_of({}).changed(
                [make_partner("a")],
                [make_evidence("e", "a", "surimi")],
                np.zeros((0, 256), np.float32),
                list[TermCounts](),
            )
