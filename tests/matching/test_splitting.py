"""A need's text split into its facets."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.splitting import CONSIDERED, MOST, split, wordings
from matching.text import bilingual_text, tokens
from tests.matching.factories import WORDS, repeatable

JA = "焼酎粕が秋に多く出る。乾燥に費用がかかる。飼料として売りたい。"
EN = (
    "Much shochu lees arises in autumn. Drying is expensive. We want to sell it as feed for cattle."
)


def found(text: str) -> list[tuple[str, ...]]:
    return [facet.wordings for facet in split(text)]


def test_each_sentence_is_a_facet() -> None:
    assert [f[0] for f in found(JA)] == [
        "焼酎粕が秋に多く出る。",
        "乾燥に費用がかかる。",
        "飼料として売りたい。",
    ]
    assert len(found(EN)) == 3


def test_the_same_brief_twice_is_one_set_of_pairs() -> None:
    pairs = found(bilingual_text("焼酎粕の活用", JA, "Use of lees", EN))
    assert ("乾燥に費用がかかる。", "Drying is expensive.") in pairs
    assert [len(pair) for pair in pairs[-3:]] == [2, 2, 2]
    assert len(pairs) <= 4


def test_unequal_sentences_are_joined_by_their_place() -> None:
    longer = EN.replace("Drying is", "Drying it is slow. Drying is")
    pairs = found(f"{JA}\n{longer}")
    assert [pair[0] for pair in pairs] == [f[0] for f in found(JA)]
    assert " ".join(pair[1] for pair in pairs) == longer


def test_a_language_that_says_much_less_is_left_out() -> None:
    assert found(f"{JA}\nUse of lees.") == found(JA)


def test_an_english_title_of_a_japanese_brief_stays_readable() -> None:
    text = bilingual_text("焼酎粕の乾燥と飼料", JA, "Drying of shochu lees", None)
    assert "Drying of shochu lees" in wordings(split(text))


@pytest.mark.parametrize(
    "text",
    [
        "We need a sensor; a robot arm; brewing control.",
        "We need a sensor:\n- robot arm\n- brewing control",
        "We need a sensor.\n1. robot arm\n2. brewing control",
        "We need a sensor.\n・robot arm\n・brewing control",
        "We need a sensor. (1) robot arm (2) brewing control",
        "センサーが要る。\n(1)ロボットの腕\n(2)発酵の制御",
    ],
)
def test_items_of_a_list_are_facets(text: str) -> None:
    assert len(split(text)) == 3
    assert all(facet.wordings[0][0] not in "-1・(" for facet in split(text))


def test_greetings_are_left_out() -> None:
    text = "Dear Sir or Madam, thank you for your help. Our surimi gel is weak. Kind regards."
    assert found(text) == [("Our surimi gel is weak.",)]
    text = "平素よりお世話になっております。魚肉の弾力が足りません。よろしくお願いいたします。"
    assert found(text) == [("魚肉の弾力が足りません。",)]


def test_a_repeated_sentence_is_one_facet() -> None:
    assert len(split("Our surimi gel is weak. Our surimi gel is weak! It smells of sulphur.")) == 2


def test_a_heading_that_the_rest_restates_is_left_out() -> None:
    body = "Our surimi gel is weak in winter. The mill is old."
    assert len(split(f"Weak surimi gel\n{body}")) == 2
    assert len(split(f"Koji brewing robots\n{body}")) == 3


def test_very_long_sentences_are_halved() -> None:
    long = " ".join(f"word{letter}x" for letter in "abcdefghijklmnopqrstuvwxyz")
    assert len(split(f"We study {long}, and we also build {long.replace('word', 'thing')}.")) == 2


def test_courtesies_alone_are_still_one_facet() -> None:
    assert found("Please help us.") == [("Please help us.",)]
    assert split("") == ()
    assert split("the of and") == ()


_lines = st.lists(st.sampled_from([*WORDS, "。", ". ", "\n", "; ", "Thank you. "]), max_size=40)


@given(_lines.map(" ".join))
@repeatable
def test_facets_of_any_text(text: str) -> None:
    facets = split(text)
    assert len(facets) <= MOST
    assert bool(facets) == bool(tokens(text))
    assert all(wording.strip() for wording in wordings(facets))
    assert split(text) == facets


def test_a_text_of_thousands_of_sentences_is_split_in_time() -> None:
    """Each facet is compared with each other; the most telling ones are kept all the same."""
    telling = "Enzymatic clarification of cloudy citrus juice without bitter aftertaste is wanted."
    short = [f"Item{number} sensor{number}." for number in range(4000)]
    text = " ".join([*short[:2000], telling, *short[2000:], *short])
    begun = time.process_time()
    found = split(text)
    assert time.process_time() - begun < 10
    assert len(found) == MOST
    assert telling in [facet.wordings[0] for facet in found]


def test_repeats_do_not_push_others_out() -> None:
    repeated = "Clear citrus juice by enzymes quickly. " * (2 * CONSIDERED)
    found = split(repeated + "Dry shrimp shells.")
    assert [facet.wordings[0] for facet in found] == [
        "Clear citrus juice by enzymes quickly.",
        "Dry shrimp shells.",
    ]
