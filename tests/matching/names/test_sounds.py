"""Kana and romaji in one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.names.sounds import (
    SYLLABLES,
    hiragana_of,
    is_kana_word,
    kana_sound,
    latin_sound,
    to_hiragana,
)


@pytest.mark.parametrize(
    ("kana", "sound"),
    [
        ("たかはし", "takahasi"),
        ("はっとり", "hattori"),
        ("きょうこ", "kyoko"),
        ("じゅん", "zyun"),
        ("ちぇ", "tye"),
        ("てぃ", "ti"),
        ("うぃ", "wi"),
        ("ふぁ", "ha"),
        ("ゔぃ", "vi"),
        ("あっ", "a"),
        ("っか", "kka"),
        ("ぁ", "a"),
        ("ー", ""),
        ("", ""),
    ],
)
def test_sounds_of_kana(kana: str, sound: str) -> None:
    assert kana_sound(kana) == sound


@pytest.mark.parametrize("word", ["Smith", "O", "Nguyen", "Łukasz", "Ærø", "x", "김철수"])
def test_other_words_keep_a_sound_of_their_own(word: str) -> None:
    assert latin_sound(word)
    assert latin_sound(word.upper().casefold()) == latin_sound(word)


def test_letters_in_other_dress_are_the_same_letters() -> None:
    assert latin_sound("ℰ") == latin_sound("Ｅ") == "e"


@given(st.text(max_size=40))
def test_a_sound_is_left_as_it_is(word: str) -> None:
    assert latin_sound(latin_sound(word)) == latin_sound(word)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", max_size=40))
def test_a_sound_of_letters_is_left_as_it_is(word: str) -> None:
    assert latin_sound(latin_sound(word)) == latin_sound(word)


@pytest.mark.parametrize(
    ("katakana", "hiragana"),
    [
        ("タカハシ", "たかはし"),
        ("こゝろ", "こころ"),
        ("さゞえ", "さざえ"),
        ("ヴ", "ゔ"),
        ("漢字", "漢字"),
        ("ゝ", "ゝ"),
    ],
)
def test_hiragana(katakana: str, hiragana: str) -> None:
    assert to_hiragana(katakana) == hiragana


def test_kana_words() -> None:
    assert is_kana_word("こーひー")
    assert not is_kana_word("高橋")
    assert not is_kana_word("a")


@given(st.text(alphabet=sorted(set(SYLLABLES) - set("ゔゕゖゎ")), min_size=1, max_size=10))
def test_the_way_back_keeps_the_sound(kana: str) -> None:
    sound = kana_sound(kana)
    back = hiragana_of(sound)
    assert sound == "" or back is not None
    assert back is None or kana_sound(back) == sound


@pytest.mark.parametrize("sound", ["smit", "x", "tak", "", "va"])
def test_what_is_no_japanese_sound(sound: str) -> None:
    assert hiragana_of(sound) is None
