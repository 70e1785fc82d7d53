"""Each signal: in [0, 1] or missing, explained in both languages, and better beats worse."""

from collections.abc import Sequence
from datetime import date
from math import isnan
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from matching.corpus import Corpus, Query
from matching.signals import SIGNALS, Signal
from matching.signals.readiness import APPLIED, VALUES
from matching.text import has_japanese
from tests.matching.factories import (
    KINDS,
    ask,
    corpora,
    corpus_of,
    make_corpus,
    make_evidence,
    make_partner,
    make_query,
    queries,
    read_signal,
    repeatable,
    vector_of,
)

NEED = "gel strength of frozen surimi"
Pieces = Sequence[tuple[str, dict[str, Any]]]


def values(name: str, corpus: Corpus, query: Query | str = NEED) -> dict[str, float]:
    return read_signal(name, ask(corpus, query).context)[0]


def with_pieces(**partners: Pieces) -> Corpus:
    """A corpus from (text, fields) of each partner's evidence."""
    return make_corpus(
        [make_partner(name) for name in partners],
        [
            make_evidence(f"{name}{number}", name, text, **fields)
            for name, pieces in partners.items()
            for number, (text, fields) in enumerate(pieces)
        ],
    )


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
@given(corpora(), queries())
@repeatable
def test_values_and_details_hold_for_any_corpus(
    signal: Signal, corpus: Corpus, query: Query
) -> None:
    context = ask(corpus, query).context
    reading = signal.read(context)
    assert reading.values.shape == context.candidates.shape
    known = reading.values[~np.isnan(reading.values)]
    assert ((known >= 0) & (known <= 1)).all()
    for i in range(len(reading.values)):
        detail = reading.detail(i)
        assert detail.en.endswith((".", ")."))
        assert "nan" not in detail.en
        assert "nan" not in detail.ja
        assert has_japanese(detail.ja)
        assert not has_japanese(detail.en)


def test_the_list_is_sound() -> None:
    assert len({signal.name for signal in SIGNALS}) == len(SIGNALS)
    assert all(signal.weight > 0 and 0 <= signal.neutral <= 1 for signal in SIGNALS)
    assert all(signal.read.__doc__ for signal in SIGNALS), "the docstring is the explanation"


def test_minor_signals_together_cannot_outweigh_a_topical_one() -> None:
    topical = ("topic", "evidence_words", "profile_words", "phrases")
    minor = sum(signal.weight for signal in SIGNALS if signal.name not in topical)
    assert minor < min(signal.weight for signal in SIGNALS if signal.name in topical)


class TestTopic:
    def test_nearer_beats_farther(self) -> None:
        found = values("topic", corpus_of({"a": ["frozen surimi gel"], "b": ["gel of agar"]}))
        assert found["a"] > found["b"]

    def test_one_near_piece_beats_many_less_near(self) -> None:
        many = [f"surimi trade report {letter}" for letter in "cdefghij"]
        found = values("topic", corpus_of({"one": ["frozen surimi gel"], "many": many}))
        assert found["one"] > found["many"]

    def test_pieces_beyond_the_best_three_do_no_harm(self) -> None:
        near = ["frozen surimi gel", "surimi gel strength", "gel strength"]
        found = values("topic", corpus_of({"a": near, "b": [*near, "tax law", "robot"]}))
        assert found["b"] == pytest.approx(found["a"], abs=1e-6)

    def test_evidence_without_vector_is_missing_and_not_zero(self) -> None:
        found = values("topic", corpus_of({"a": ["..."], "b": [NEED, "..."], "c": [NEED]}))
        assert isnan(found["a"])
        assert found["b"] == pytest.approx(found["c"], abs=1e-6)

    def test_opposite_meaning_is_zero(self) -> None:
        corpus = make_corpus(
            [make_partner("a")],
            [make_evidence("e", "a", "x")],
            vectors=-vector_of(NEED)[None],
        )
        assert values("topic", corpus) == {"a": 0}

    def test_a_query_without_vector_is_missing_and_said(self) -> None:
        context = ask(corpus_of({"a": ["surimi"]}), "...").context
        found, reading = read_signal("topic", context)
        assert isnan(found["a"])
        assert "Not known" in reading.detail(0).en


class TestWords:
    @pytest.mark.parametrize("name", ["evidence_words", "profile_words"])
    def test_more_of_the_need_is_better_and_nothing_is_zero(self, name: str) -> None:
        found = values(
            name,
            corpus_of({"a": ["frozen surimi gel"], "b": ["surimi trade fair"], "c": ["robot"]}),
        )
        assert found["a"] > found["b"] > found["c"] == 0

    def test_one_piece_that_answers_all_beats_pieces_that_answer_a_part_each(self) -> None:
        corpus = corpus_of(
            {
                "whole": ["gel strength frozen surimi"],
                "parts": ["gel robot arm tax", "strength robot arm tax", "frozen robot arm tax"],
            }
        )
        found = values("evidence_words", corpus)
        assert found["whole"] > found["parts"]

    def test_the_profile_adds_up_what_its_pieces_answer(self) -> None:
        corpus = corpus_of({"both": ["surimi", "gel strength"], "one": ["surimi", "robot arm"]})
        found = values("profile_words", corpus)
        assert found["both"] > found["one"]

    def test_a_long_profile_is_not_better_by_its_length(self) -> None:
        many = ["surimi", *(f"robot arm {letter}{letter}" for letter in "bcdefghjk")]
        found = values("profile_words", corpus_of({"short": ["surimi", "robot"], "long": many}))
        assert found["short"] > found["long"]


class TestRecency:
    def test_newer_beats_older_and_halves_in_eight_years(self) -> None:
        corpus = with_pieces(
            new=[(NEED, {"year": 2026})],
            old=[(NEED, {"year": 2018})],
            older=[(NEED, {"year": 1990})],
        )
        found = values("recency", corpus)
        assert found["new"] == 1
        assert found["old"] == pytest.approx(0.5)
        assert found["older"] < found["old"]

    def test_new_evidence_that_does_not_fit_does_not_count(self) -> None:
        corpus = with_pieces(
            a=[(NEED, {"year": 2000}), ("tax law", {"year": 2026})], b=[(NEED, {"year": 2010})]
        )
        found = values("recency", corpus)
        assert found["b"] > found["a"]

    def test_undated_evidence_is_missing(self) -> None:
        corpus = with_pieces(a=[(NEED, {})], b=[(NEED, {}), (f"{NEED} b", {"year": 2026})])
        found = values("recency", corpus)
        assert isnan(found["a"])
        assert found["b"] == 1

    def test_evidence_later_than_the_need_counts_as_new(self) -> None:
        corpus = with_pieces(a=[(NEED, {"year": 2026})])
        query = make_query(NEED, posted_on=date(2015, 1, 1))
        assert values("recency", corpus, query) == {"a": 1}

    def test_where_nothing_fits_nothing_is_said_to_fit(self) -> None:
        context = ask(with_pieces(a=[("tax law", {"year": 2026})]), "焼酎").context
        found, reading = read_signal("recency", context)
        assert isnan(found["a"])
        assert "The newest evidence that fits" not in reading.detail(0).en


class TestReadiness:
    def test_kinds_are_in_order(self) -> None:
        corpus = with_pieces(**{kind: [(NEED, {"kind": kind})] for kind in KINDS})
        found = values("readiness", corpus)
        assert found["patent"] == found["service"] > found["equipment"] > found["project"]
        assert found["project"] > found["paper"] == found["statement"] == 0

    def test_only_what_fits_best_counts(self) -> None:
        papers: Pieces = [(f"{NEED} {letter}", {}) for letter in "bcd"]
        off, fitting = ("tax law", {"kind": "patent"}), (NEED, {"kind": "patent"})
        found = values("readiness", with_pieces(a=[off, *papers], b=[*papers, fitting]))
        assert found == {"a": 0, "b": 1}

    def test_the_most_telling_kind_is_named(self) -> None:
        pieces = [(f"{NEED} {kind}", {"kind": kind}) for kind in ("project", "equipment", "patent")]
        _, reading = read_signal("readiness", ask(with_pieces(a=pieces), NEED).context)
        assert "a patent" in reading.detail(0).en

    def test_the_kind_of_the_highest_value_counts(self) -> None:
        """`read` promises 1 for a patent or service, .8 for equipment."""
        pieces = [(f"{NEED} {kind}", {"kind": kind}) for kind in ("equipment", "service")]
        assert values("readiness", with_pieces(a=pieces)) == {"a": 1}

    def test_each_kind_that_counts_has_a_name(self) -> None:
        assert APPLIED.keys() == VALUES.keys()


class TestEngagement:
    @staticmethod
    def share(wanted: set[str], accepted: set[str]) -> float:
        corpus = corpus_of({"a": [NEED]}, a={"engagement_types": frozenset(accepted)})
        query = make_query(NEED, engagement_types=frozenset(wanted))
        return values("engagement", corpus, query)["a"]

    def test_more_accepted_is_better(self) -> None:
        all_, half = {"licence", "testing"}, {"licence"}
        assert self.share(all_, all_ | {"consulting"}) == 1
        assert self.share(all_, half) == 0.5

    def test_unstated_on_either_side_is_missing(self) -> None:
        assert isnan(self.share({"licence"}, set()))
        assert isnan(self.share(set(), {"licence"}))

    def test_what_is_accepted_is_named(self) -> None:
        corpus = corpus_of({"a": [NEED]}, a={"engagement_types": frozenset({"licence", "other"})})
        query = make_query(NEED, engagement_types=frozenset({"licence", "testing"}))
        _, reading = read_signal("engagement", ask(corpus, query).context)
        assert "licence" in reading.detail(0).en
        assert "testing" not in reading.detail(0).en


class TestPlace:
    @staticmethod
    def nearness(query: dict[str, Any], partner: dict[str, Any]) -> float:
        corpus = corpus_of({"a": [NEED]}, a=partner)
        return values("place", corpus, make_query(NEED, **query))["a"]

    def test_nearer_is_better(self) -> None:
        food = frozenset({"food"})
        asked = {"prefecture": "Nagano", "city": "Chino", "clusters": food}
        places: list[dict[str, Any]] = [
            {"prefecture": "Nagano", "city": "Chino"},
            {"prefecture": "Nagano", "city": "Suwa", "clusters": food},
            {"prefecture": "Nagano", "city": "Suwa"},
            {"prefecture": "Miyazaki", "clusters": food},
            {"prefecture": "Miyazaki", "clusters": frozenset({"it"})},
        ]
        found = [self.nearness(asked, place) for place in places]
        assert found == sorted(set(found), reverse=True)
        assert (found[0], found[-1]) == (1, 0)

    def test_cities_of_one_name_in_two_prefectures_are_two(self) -> None:
        asked = {"prefecture": "Tokyo", "city": "Fuchu"}
        assert self.nearness(asked, {"prefecture": "Hiroshima", "city": "Fuchu"}) == 0

    @pytest.mark.parametrize(
        ("query", "partner"),
        [
            ({}, {}),
            ({"prefecture": "Nagano"}, {}),
            ({}, {"prefecture": "Nagano"}),
            ({"prefecture": "Nagano"}, {"clusters": frozenset({"it"})}),
        ],
    )
    def test_unknown_on_either_side_is_missing(
        self, query: dict[str, Any], partner: dict[str, Any]
    ) -> None:
        assert isnan(self.nearness(query, partner))


class TestFacetCoverage:
    NEED = (
        "The gel strength of frozen surimi falls in the cold store. "
        "A robot arm should pack bottles of citrus juice."
    )

    def test_who_takes_up_more_parts_of_the_need_has_more(self) -> None:
        surimi = "gel strength of frozen surimi in the cold store"
        corpus = corpus_of(
            {
                "both": [surimi, "robot arm that packs bottles of citrus juice"],
                "one": [surimi, "bus timetable"],
                "none": ["tax law", "bus timetable"],
            }
        )
        found = values("facet_coverage", corpus, self.NEED)
        assert found["both"] > found["one"] > found["none"] == 0

    def test_a_need_without_parts_is_missing_and_said(self) -> None:
        found, reading = read_signal(
            "facet_coverage", ask(corpus_of({"a": ["surimi"]}), "").context
        )
        assert isnan(found["a"])
        assert "cannot be split" in reading.detail(0).en


class TestDepth:
    def test_a_subject_worked_on_beats_one_met_once_and_volume_saturates(self) -> None:
        def about(subject: str, number: int, start: str) -> list[str]:
            return [f"{subject} {start}{i}x {start}{i}y {start}{i}z" for i in range(number)]

        on, off = about("frozen surimi gel strength", 6, "a"), about("timetable", 6, "b")
        rest = {f"p{i}": about("tax law", 1, f"c{i}") for i in range(30)}
        corpus = corpus_of({"deep": on, "some": on[:2] + off, "none": off[:3]} | rest)
        context = ask(corpus, NEED).context
        found, reading = read_signal("depth", context)
        assert found["deep"] > found["some"] > found["none"]
        assert found["deep"] - found["some"] < found["some"] - found["none"]
        place = [partner.id for partner in context.partners()].index("some")
        assert reading.detail(place).en == "On this subject: 2 of 8 pieces of evidence."
