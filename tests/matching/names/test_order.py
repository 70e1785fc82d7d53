"""The order of a list by name."""

from hypothesis import given
from hypothesis import strategies as st

from matching.names import KEY_LENGTH, sort_key


def key(ja: str | None, kana: str | None, en: str | None) -> str:
    return sort_key(ja, kana, en, personal=True)


def test_people_stand_in_the_order_of_the_kana() -> None:
    names = [
        (None, None, "Jane Smith"),
        ("東 次郎", "あずま じろう", None),
        ("甲斐 澪里", None, "Miori Kai"),
        ("蒲生 明", "ガモウ アキラ", None),
        ("川野 明", "かわの あきら", None),
        ("黒木 遥", None, "Haruka Kuroki"),
        ("黒木 悠真", None, "Kuroki Yuma"),
        ("高橋 太郎", None, None),
        ("無名 太郎", None, None),
    ]
    assert sorted(names, key=lambda name: key(*name)) == names


def test_institutions_keep_the_order_of_their_words() -> None:
    assert sort_key(None, None, "Kai Foods", personal=False) < sort_key(
        None, None, "Mori Bank", personal=False
    )
    assert "kai" in sort_key(None, None, "Kai Foods", personal=False)


@given(st.text(max_size=400), st.text(max_size=400), st.text(max_size=400), st.booleans())
def test_a_key_is_short(ja: str, kana: str, en: str, personal: bool) -> None:
    assert len(sort_key(ja, kana, en, personal=personal)) <= KEY_LENGTH
