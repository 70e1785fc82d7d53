"""The ranking: what must hold of every list, and what a coordinator expects of one."""

from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.corpus import Corpus, Period, Query
from matching.filters import REASONS, Filters
from matching.ranker import rank
from matching.signals import SIGNALS
from tests.matching.factories import (
    ask,
    corpora,
    corpus_of,
    ids,
    make_corpus,
    make_evidence,
    make_partner,
    make_query,
    match_of,
    queries,
    repeatable,
    score_of,
    unit,
    vector_of,
)

NEED = "measure the gel strength of frozen surimi"


class TestEveryList:
    @given(corpora(), queries())
    @repeatable
    def test_contributions_add_up_to_scores_that_fall(self, corpus: Corpus, query: Query) -> None:
        ranking = ask(corpus, query)
        for match in ranking.matches:
            assert sum(line.contribution for line in match.signals) == pytest.approx(match.score)
            assert 0 <= match.score <= 1
            assert [line.name for line in match.signals] == [signal.name for signal in SIGNALS]
            assert corpus.partners[match.position] == match.partner
        assert all(a.score >= b.score for a, b in pairwise(ranking.matches))

    @given(corpora(), queries())
    @repeatable
    def test_the_same_question_gets_the_same_list(self, corpus: Corpus, query: Query) -> None:
        assert ask(corpus, query).matches == ask(corpus, query).matches

    @given(corpora(), queries())
    @repeatable
    def test_listed_is_who_is_not_blocked_and_has_evidence_that_may_speak(
        self, corpus: Corpus, query: Query
    ) -> None:
        ranking = ask(corpus, query)
        speaking = {
            piece.partner
            for piece in corpus.evidence
            if piece.external_id not in query.excluded_evidence
        }
        blocked = [
            p for p in corpus.partners if p.organisation and p.organisation == query.organisation
        ]
        refusing = [
            p
            for p in corpus.partners
            if p not in blocked
            and query.engagement_types
            and p.engagement_types
            and not query.engagement_types & p.engagement_types
        ]
        assert set(ids(ranking)) == speaking - {p.id for p in (*blocked, *refusing)}
        assert len(set(ids(ranking))) == len(ids(ranking))
        assert ranking.blocked.get("own_organisation", 0) == len(blocked)
        assert ranking.blocked.get("engagement_refused", 0) == len(refusing)

    @given(corpora(), queries())
    @repeatable
    def test_need_and_partner_score_alike_whichever_asks(
        self, corpus: Corpus, query: Query
    ) -> None:
        for match in ask(corpus, query).matches:
            alone = ask(corpus.only([match.partner.id]), query)
            assert score_of(alone, match.partner.id) == pytest.approx(match.score, abs=1e-6)

    @given(corpora(), queries(), st.integers(0, 4))
    @repeatable
    def test_top_cuts_the_same_list(self, corpus: Corpus, query: Query, top: int) -> None:
        assert ids(ask(corpus, query, top=top)) == ids(ask(corpus, query))[:top]


class TestBetterBeatsWorse:
    def test_shared_topic_beats_another(self) -> None:
        corpus = corpus_of({"a": ["robot arm control"], "b": ["gel strength of surimi"]})
        assert ids(ask(corpus, NEED)) == ["b", "a"]

    def test_the_whole_need_beats_a_part_of_it(self) -> None:
        corpus = corpus_of({"a": ["surimi price index"], "b": ["frozen surimi gel strength"]})
        assert ids(ask(corpus, NEED)) == ["b", "a"]

    def test_one_good_piece_beats_many_mediocre_ones(self) -> None:
        good = ["measuring the gel strength of frozen surimi by ultrasound"]
        mediocre = [f"frozen food price report volume {word}" for word in "abcdefghij" * 3]
        assert ids(ask(corpus_of({"many": mediocre, "one": good}), NEED))[0] == "one"

    def test_japanese_words_count_as_english_ones_do(self) -> None:
        corpus = corpus_of({"a": ["産業用ロボットの制御"], "b": ["冷凍すり身の物性測定"]})
        assert ids(ask(corpus, "すり身の物性を測りたい")) == ["b", "a"]

    def test_nearness_orders_equals_but_does_not_outweigh_competence(self) -> None:
        text = "gel strength of frozen surimi"
        corpus = make_corpus(
            [
                make_partner("far", prefecture="Aomori"),
                make_partner("near", prefecture="Nagano", city="Chino"),
                make_partner("nearest_but_off", prefecture="Nagano", city="Chino"),
            ],
            [
                make_evidence("e1", "far", text),
                make_evidence("e2", "near", text),
                make_evidence("e3", "nearest_but_off", "robot arm control"),
            ],
        )
        query = make_query(NEED, prefecture="Nagano", city="Chino")
        assert ids(ask(corpus, query)) == ["near", "far", "nearest_but_off"]

    def test_repeated_evidence_counts_once(self) -> None:
        """DESIGN, Ranking rules: repeated and near-duplicate evidence counts once."""
        fits, other = "gel strength of frozen surimi", ["robot arm control", "tax law advice"]
        corpus = corpus_of({"once": [fits, *other], "thrice": [fits, fits, fits, *other]})
        ranking = ask(corpus, NEED)
        assert score_of(ranking, "thrice") <= score_of(ranking, "once") + 1e-6

    def test_stuffing_words_into_a_text_does_not_win(self) -> None:
        """DESIGN, Ranking rules: a profile cannot win by stuffing words."""
        honest = "Gel strength of frozen surimi"
        others = {f"z{i}": [f"robot arm control and sensor number {i}"] for i in range(5)}
        corpus = corpus_of({"honest": [honest], "stuffed": [f"{honest}. " * 20], **others})
        ranking = ask(corpus, NEED)
        assert score_of(ranking, "stuffed") <= score_of(ranking, "honest") + 1e-6

    def test_stuffing_one_word_does_not_beat_the_whole_need(self) -> None:
        corpus = corpus_of({"honest": ["frozen surimi gel strength"], "stuffed": ["surimi " * 80]})
        assert ids(ask(corpus, NEED))[0] == "honest"


class TestTies:
    @pytest.mark.parametrize("number", [2, 5, 9, 30])
    def test_equals_come_in_the_order_of_their_ids(self, number: int) -> None:
        names = [f"p{i:02}" for i in reversed(range(number))]
        corpus = corpus_of({name: ["frozen surimi gel strength"] for name in names})
        assert ids(ask(corpus, NEED)) == sorted(names)

    @given(st.integers(0, 1000), st.integers(2, 60))
    @repeatable
    def test_equal_vectors_are_equal_wherever_they_lie(self, seed: int, number: int) -> None:
        """A matrix product may round equal rows differently; the order must not show it."""
        random = np.random.default_rng(seed)
        vector = unit(*random.normal(size=384))
        names = [f"p{i:02}" for i in random.permutation(number)]
        corpus = make_corpus(
            [make_partner(name) for name in names],
            [make_evidence(f"e{name}", name, NEED) for name in names],
            vectors=np.tile(vector, (number, 1)),
        )
        asked = unit(*(vector + 0.05 * random.normal(size=384)))
        ranking = rank(make_query(NEED), asked, corpus)
        assert ids(ranking) == sorted(names)

    def test_by_words_alone(self) -> None:
        names = [f"p{i:02}" for i in reversed(range(9))]
        corpus = corpus_of({name: ["frozen surimi gel strength"] for name in names})
        assert ids(rank(make_query(NEED), None, corpus)) == sorted(names)


class TestExcludedEvidence:
    def test_a_partner_with_no_other_evidence_is_absent(self) -> None:
        corpus = corpus_of({"a": [NEED], "b": ["robot"]})
        query = make_query(NEED, excluded_evidence=frozenset({"a0"}))
        assert ids(ask(corpus, query)) == ["b"]

    def test_the_query_itself_does_not_raise_its_partner(self) -> None:
        corpus = corpus_of({"a": ["robot arm", NEED], "b": ["frozen surimi price", "tax law"]})
        assert ids(ask(corpus, NEED))[0] == "a"
        query = make_query(NEED, excluded_evidence=frozenset({"a1"}))
        assert ids(ask(corpus, query)) == ["b", "a"]

    def test_what_it_says_has_no_influence(self) -> None:
        """Two excluded pieces change places: the collection stays, the scores must too."""

        def scores(of_a: str, of_b: str) -> list[float]:
            corpus = make_corpus(
                [make_partner("a"), make_partner("b")],
                [
                    make_evidence("a0", "a", "surimi gel strength", year=2000),
                    make_evidence("xa", "a", of_a, year=2026, kind="patent"),
                    make_evidence("b0", "b", "frozen surimi gel strength of fish", year=2000),
                    make_evidence("xb", "b", of_b, year=2026, kind="patent"),
                ],
            )
            query = make_query("surimi gel strength", excluded_evidence=frozenset({"xa", "xb"}))
            ranking = ask(corpus, query)
            matches = [match_of(ranking, name) for name in "ab"]
            return [line.value or 0.0 for match in matches for line in match.signals]

        one, other = ("surimi gel strength again", "tax law advice on exports of machines")
        assert scores(one, other) == pytest.approx(scores(other, one), abs=1e-9)

    def test_neither_its_year_nor_its_kind_speaks(self) -> None:
        corpus = make_corpus(
            [make_partner("a")],
            [
                make_evidence("old", "a", NEED, year=1990),
                make_evidence("new", "a", f"robot {NEED}", year=2026, kind="patent"),
            ],
        )
        query = make_query(NEED, excluded_evidence=frozenset({"new"}))
        values = {line.name: line.value for line in ask(corpus, query).matches[0].signals}
        assert values["readiness"] == 0
        recency = values["recency"]
        assert recency is not None
        assert recency < 0.1

    def test_evidence_without_external_id_is_never_excluded(self) -> None:
        corpus = make_corpus([make_partner("a")], [make_evidence("e", "a", NEED, external_id=None)])
        query = make_query(NEED, excluded_evidence=frozenset({"e"}))
        assert ids(ask(corpus, query)) == ["a"]


class TestFilters:
    def test_each_reason_is_counted_and_takes_its_partner_out(self) -> None:
        day = date(2026, 4, 1)
        fields: dict[str, dict[str, object]] = {
            "own_organisation": {"organisation": "asker"},
            "excluded_organisation": {"organisation": "rival"},
            "organisation_unknown": {"organisation": None},
            "cluster": {"clusters": frozenset({"it"})},
            "kind": {"kind": "company"},
            "engagement_not_stated": {"engagement_types": frozenset()},
            "engagement_refused": {"engagement_types": frozenset({"testing"})},
            "unavailable": {"unavailable": (Period(day),)},
            "welcome": {},
        }
        assert fields.keys() - {"welcome"} == REASONS.keys()
        fine = {
            "organisation": "o",
            "clusters": frozenset({"food"}),
            "engagement_types": frozenset({"licence"}),
        }
        corpus = make_corpus(
            [make_partner(name, **{**fine, **changed}) for name, changed in fields.items()],
            [make_evidence(f"e{name}", name, NEED) for name in fields],
        )
        ranking = ask(
            corpus,
            make_query(NEED, organisation="asker"),
            filters=Filters(
                clusters=frozenset({"food"}),
                partner_kinds=frozenset({"laboratory"}),
                engagement_types=frozenset({"licence"}),
                excluded_organisations=frozenset({"rival"}),
                available_on=day,
            ),
        )
        assert ids(ranking) == ["welcome"]
        assert ranking.blocked == dict.fromkeys(REASONS, 1)

    def test_blocked_partners_do_not_use_up_the_places_of_others(self) -> None:
        corpus = corpus_of(
            {**{f"own{i}": [NEED] for i in range(5)}, "other": ["surimi"]},
            **{f"own{i}": {"organisation": "asker"} for i in range(5)},
        )
        ranking = ask(corpus, make_query(NEED, organisation="asker"), candidates=1)
        assert ids(ranking) == ["other"]


class TestMissing:
    @pytest.mark.parametrize("vector", [None, np.zeros(256, np.float32)])
    def test_without_a_vector_words_decide_and_the_list_says_so(
        self, vector: np.ndarray | None
    ) -> None:
        corpus = corpus_of({"a": ["robot"], "b": [NEED]})
        ranking = rank(make_query(NEED), vector, corpus)
        assert ids(ranking) == ["b", "a"]
        topic = match_of(ranking, "b").signals[0]
        assert (topic.name, topic.value) == ("topic", None)
        assert topic.contribution > 0
        assert "Not known" in topic.detail.en

    def test_a_partner_that_the_encoder_cannot_read_is_not_punished(self) -> None:
        """Equal words: unreadable evidence counts like a typical partner's, not like zero."""
        text, need = "surimi gel", "surimi gel"
        corpus = make_corpus(
            [make_partner("opposite"), make_partner("unread")],
            [make_evidence("e1", "opposite", text), make_evidence("e2", "unread", text)],
            vectors=np.stack([-vector_of(need), np.zeros(256, np.float32)]),
        )
        assert ids(ask(corpus, need)) == ["unread", "opposite"]

    def test_an_empty_corpus_gives_an_empty_list(self) -> None:
        ranking = ask(make_corpus([], []), NEED)
        assert ranking.matches == ()
        assert ranking.blocked == {}

    def test_partners_without_evidence_are_not_listed(self) -> None:
        assert ids(ask(corpus_of({"a": [], "b": []}), NEED)) == []

    @pytest.mark.parametrize("text", ["", "...", "unheard words"])
    def test_a_query_that_nothing_answers_still_gets_a_list(self, text: str) -> None:
        corpus = corpus_of({"b": ["surimi"], "a": ["robot", "..."]})
        ranking = ask(corpus, text)
        assert ids(ranking) == ["a", "b"]
        assert score_of(ranking, "a") < 0.15


class TestCandidates:
    def test_the_limit_keeps_the_best_of_each_search(self) -> None:
        texts = ["frozen surimi gel strength", "surimi gel", "surimi", "robot", "tax law"]
        corpus = corpus_of({f"p{i}": [text] for i, text in enumerate(texts)})
        limited = ask(corpus, NEED, candidates=1)
        assert "p0" in ids(limited)
        assert len(ids(limited)) <= 2
        assert ids(ask(corpus, NEED, candidates=2))[:2] == ids(ask(corpus, NEED))[:2]

    def test_meaning_finds_whom_words_do_not(self) -> None:
        corpus = make_corpus(
            [make_partner("words"), make_partner("nothing"), make_partner("meaning")],
            [
                make_evidence("e1", "words", NEED),
                make_evidence("e2", "nothing", "robot"),
                make_evidence("e3", "meaning", "かまぼこ"),
            ],
            vectors=np.stack([-vector_of(NEED), vector_of("robot"), vector_of(NEED)]),
        )
        assert set(ids(ask(corpus, NEED, candidates=1))) == {"words", "meaning"}

    def test_a_limit_does_not_change_a_score(self) -> None:
        texts = ["frozen surimi gel strength", "surimi gel", "robot", "tax law"]
        corpus = corpus_of({f"p{i}": [text] for i, text in enumerate(texts)})
        whole, limited = ask(corpus, NEED), ask(corpus, NEED, candidates=1)
        for match in limited.matches:
            assert match.score == pytest.approx(score_of(whole, match.partner.id), abs=1e-9)

    def test_an_excluded_piece_does_not_bring_its_partner(self) -> None:
        corpus = corpus_of({"a": [NEED, "robot"], "b": ["frozen surimi"]})
        query = make_query(NEED, excluded_evidence=frozenset({"a0"}))
        assert ids(ask(corpus, query, candidates=1)) == ["b"]
