"""Pairs derived from the given ones."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.encoders.training.derive import (
    DICTIONARIES,
    IN_SEQUENCE,
    PROSE,
    derive,
    in_templates,
    join,
    parts,
    senses,
)
from matching.encoders.training.pairs import Pair
from matching.encoders.training.templates import TEMPLATES
from tests.matching.factories import repeatable
from tests.tiny_encoder import made_pairs

SOURCES = sorted(DICTIONARIES | PROSE.keys() | {"other"})
any_pairs = st.lists(
    st.builds(
        Pair,
        st.text(max_size=12) | st.text(st.sampled_from("酵母カ、。()「{A}"), max_size=12),
        st.text(max_size=20) | st.text(st.sampled_from("ab ,;(). {B}"), max_size=20),
        st.sampled_from(SOURCES),
    ),
    max_size=12,
)


def english_senses(english: str, source: str = "jmdict") -> list[str]:
    found = list(senses([Pair("語", english, source)]))
    assert all((pair.japanese, pair.source) == ("語", "sense") for pair in found)
    return [pair.english for pair in found]


class TestSenses:
    @pytest.mark.parametrize(
        ("english", "expected"),
        [
            ("to peel, to skin", ["to peel", "to skin"]),
            ("to peel; to skin", ["to peel", "to skin"]),
            ("yeast", []),
            ("yeast (fungus, living)", ["yeast"]),
            (
                "dryer (machine, tool), drier",
                ["dryer (machine, tool)", "dryer", "drier"],
            ),
            ("(archaic) yeast ((of any) kind), leaven", ["(archaic) yeast ((of any) kind)"]),
            ("yeast (fungus, leaven", []),
            ("yeast), leaven", ["yeast)", "leaven"]),
            ("yeast,, ; 5, leaven", ["yeast", "leaven"]),
            ("(1, 2)", []),
        ],
    )
    def test_split_outside_brackets_and_without_remarks(
        self, english: str, expected: list[str]
    ) -> None:
        found = english_senses(english)
        assert found[: len(expected)] == expected
        assert english not in found

    def test_inner_remarks_go_first(self) -> None:
        assert "leaven" in english_senses("(archaic) yeast ((of any) kind), leaven")

    def test_only_dictionaries_have_senses(self) -> None:
        assert english_senses("to peel, to skin", "small") == []


class TestTemplates:
    def test_terms_fill_their_places_in_both_languages(self) -> None:
        terms = [Pair("酵母", "yeast (fungus)", "wikidata"), Pair("温室", "greenhouse", "wikidata")]
        english = {"酵母": "yeast", "温室": "greenhouse"}
        expected = {
            Pair(ja.format(A=a, B=b), en.format(A=english[a], B=english[b]), "template")
            for ja, en in TEMPLATES
            for a in english
            for b in english
        }
        found = list(in_templates(terms, 300, Random(1)))
        assert len(found) == 300
        assert set(found) <= expected
        assert len(set(found)) > len(TEMPLATES)

    @pytest.mark.parametrize(
        "pair",
        [
            Pair("剥く", "to peel", "jmdict"),
            Pair("冷凍", "to freeze", "wikidata"),
            Pair("する", "doing", "jmdict"),
            Pair("酵", "yeast", "wikidata"),
            Pair("酵母", "5", "wikidata"),
            Pair("酵母{A}", "yeast {B}", "wikidata"),
            Pair("酵母", "a small fungus that makes bread rise", "wikidata"),
            Pair("酵母", "yeast", "pydocs"),
        ],
    )
    def test_what_is_no_noun_of_one_sense_fills_none(self, pair: Pair) -> None:
        assert list(in_templates([pair], 5, Random(1))) == []

    def test_a_template_has_the_same_places_in_both_languages(self) -> None:
        for japanese, english in TEMPLATES:
            assert "{A}" in japanese
            assert {place for place in ("{A}", "{B}") if place in japanese} == {
                place for place in ("{A}", "{B}") if place in english
            }
        assert len(dict(TEMPLATES)) == len(TEMPLATES)


class TestParts:
    def test_parts_of_equal_number_pair_up_in_order(self) -> None:
        pair = Pair("すり身を凍らせ、強度を測る。", "Freeze the surimi, measure strength.", "small")
        assert [(part.japanese, part.english) for part in parts([pair])] == [
            ("すり身を凍らせ", "Freeze the surimi"),
            ("強度を測る", "measure strength"),
        ]

    @pytest.mark.parametrize(
        "pair",
        [
            Pair("凍らせ、測る。", "Freeze, measure, write.", "small"),
            Pair("凍らせて測る。", "Freeze and measure.", "small"),
            Pair("凍らせ、測る。", "Freeze, measure.", "jmdict"),
            Pair("あ、い、う、え、お、か", "aaa, bbb, ccc, ddd, eee, fff", "small"),
        ],
    )
    def test_other_pairs_have_none(self, pair: Pair) -> None:
        assert list(parts([pair])) == []

    def test_parts_of_unlike_length_are_left_out(self) -> None:
        pair = Pair("はい、強度を測る。", "Yes it really is so my dear, measure strength.", "small")
        assert [part.english for part in parts([pair])] == ["measure strength"]


class TestJoin:
    LINES = tuple(Pair(f"文{i}", f"line {i}", "ainotes") for i in range(9))

    def test_neighbours_are_joined_in_their_order(self) -> None:
        whole = "".join(f"文{i}。" for i in range(9))
        for pair in join(self.LINES, 50, Random(1)):
            assert pair.japanese in whole
            numbers = [int(digit) for digit in pair.english if digit.isdigit()]
            assert 2 <= len(numbers) <= 4
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            assert pair.english == " ".join(f"line {i}." for i in numbers)

    def test_lines_without_sequence_are_joined_alike_on_both_sides(self) -> None:
        lines = [Pair(f"文{i}", f"line {i}", "small") for i in range(9)]
        assert "small" not in IN_SEQUENCE
        found = list(join(lines, 50, Random(1)))
        assert len(found) == 50
        for pair in found:
            numbers = [re.findall(r"\d", text) for text in (pair.japanese, pair.english)]
            assert numbers[0] == numbers[1]
            assert len(set(numbers[0])) == len(numbers[0])

    def test_a_stop_is_not_doubled(self) -> None:
        lines = [Pair("何？", "What?", "small")] * 9
        for pair in join(lines, 3, Random(1)):
            assert pair.japanese.replace("何？", "") == ""
            assert pair.english.replace("What?", "").strip() == ""

    def test_few_long_or_other_lines_are_not_joined(self) -> None:
        assert not list(join(self.LINES[:4], 5, Random(1)))
        assert not list(join([Pair("文" * 160, "line", "small")] * 9, 5, Random(1)))
        assert not list(join([Pair("文", "line", "jmdict")] * 9, 5, Random(1)))


class TestDerive:
    def test_the_seed_decides(self) -> None:
        pairs = made_pairs()
        once, again, other = (
            derive(pairs, templates=40, joined=20, seed=seed) for seed in (1, 1, 2)
        )
        assert once == again
        assert once != other
        assert {pair.source for pair in once} == {"sense", "template", "part", "joined"}

    @given(any_pairs, st.integers(0, 20), st.integers(0, 20), st.integers(0, 3))
    @repeatable
    def test_no_text_makes_it_fail_and_nothing_comes_twice(
        self, pairs: list[Pair], templates: int, joined: int, seed: int
    ) -> None:
        found = derive(pairs, templates=templates, joined=joined, seed=seed)
        assert len(set(found)) == len(found)
        assert sum(pair.source == "template" for pair in found) <= templates
        assert sum(pair.source == "joined" for pair in found) <= joined
