"""The forms of a name that give it away."""

import pytest

from matching.anonymise import Kind, Name, Vocabulary
from matching.anonymise.known import forms_of, without_legal_form


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("Oyodo Power Devices Co., Ltd.", "Oyodo Power Devices"),
        ("Oyodo Power Devices Co.,Ltd", "Oyodo Power Devices"),
        ("Hinata Node LLC", "Hinata Node"),
        ("Co-op Foods Inc.", "Co-op Foods"),
        ("大淀パワーデバイス株式会社", "大淀パワーデバイス"),
        ("(株)大淀パワーデバイス", "大淀パワーデバイス"),
        ("農事組合法人みなも緑瓜会", "みなも緑瓜会"),
        ("カブシキガイシャオオヨド", "オオヨド"),
        ("株式会社", "株式会社"),
    ],
)
def test_legal_forms_are_no_part_of_a_name(name: str, bare: str) -> None:
    assert without_legal_form(name) == bare


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Oyodo Power Devices Co., Ltd.", "oyodo"),
        ("大淀パワーデバイス株式会社", "大淀"),
        ("株式会社都盆地酒造", "都盆地"),
        ("株式会社イサナヘルスフーズ", "いさな"),
        ("日ノ浜メディカル株式会社", "日の浜"),
        ("みどり灯バイオマス発電株式会社", "みどり灯"),
    ],
)
def test_the_telling_part_is_a_form_of_its_own(name: str, form: str) -> None:
    assert form in [known.key for known in forms_of(Name(name, Kind.COMPANY))]


@pytest.mark.parametrize("name", ["Regional Promotion Council", "県立畜産技術センター"])
def test_words_for_a_trade_tell_nothing(name: str) -> None:
    assert len({known.key for known in forms_of(Name(name, Kind.INSTITUTION))}) == 1


def test_a_word_of_the_language_is_a_name_only_with_a_capital() -> None:
    vocabulary = Vocabulary({"orchid": 20_000})
    forms = {
        form.key: form for form in forms_of(Name("Orchid Foods Inc.", Kind.COMPANY), vocabulary)
    }
    assert forms["orchid"].capital
    assert not forms["orchidfoods"].capital


def test_a_name_of_a_laboratory_is_looked_for_as_a_whole() -> None:
    name = Name("応用麹菌学研究室", Kind.INSTITUTION, whole=True)
    assert {form.key for form in forms_of(name)} == {"応用麹菌学研究室"}
