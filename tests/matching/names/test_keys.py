"""Names that mean one person find each other, however they are written."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.names import KEY_LENGTH, name_keys, name_query, search_keys

Name = tuple[str | None, str | None, str | None]

SPELLINGS = ("高橋", "たかはし", "タカハシ", "ﾀｶﾊｼ", "Takahashi", "TAKAHASHI", "takahasi", "髙橋")
STORED: tuple[Name, ...] = (
    ("高橋 太郎", None, None),
    ("髙橋太郎", None, None),
    ("高橋　太郎", "たかはし たろう", None),
    ("高橋 太郎", None, "Taro Takahashi"),
    (None, None, "TAKAHASI, Tarō"),
    (None, "ﾀｶﾊｼ ﾀﾛｳ", None),
)
WHOLE = ("たかはし たろう", "タロウ・タカハシ", "takahashi taro", "TARO TAKAHASI", "TakahashiTarou")


def finds(query: str, *name: str | None) -> bool:
    """True if a search for `query` finds the name (kanji, kana, romaji)."""
    asked = name_query(query)
    return asked is not None and asked.matches(search_keys(*(*name, None, None)[:3]))


@pytest.mark.parametrize("name", STORED)
@pytest.mark.parametrize("query", SPELLINGS)
def test_a_surname_is_found_in_every_spelling(query: str, name: Name) -> None:
    assert finds(query, *name)


@pytest.mark.parametrize("name", STORED[2:])
@pytest.mark.parametrize("query", WHOLE)
def test_a_whole_name_is_found_in_either_order(query: str, name: Name) -> None:
    assert finds(query, *name)


@pytest.mark.parametrize("name", STORED[:4])
@pytest.mark.parametrize(
    "query", ["高橋太郎", "髙橋 太郎", "太郎 高橋", "太郎", "高", "Takahashi 太郎", "高　橋"]
)
def test_a_name_in_kanji_is_found_with_and_without_space(query: str, name: Name) -> None:
    assert finds(query, *name)


@pytest.mark.parametrize(
    "spellings",
    [
        ("Ōno", "Ohno", "Oono", "Ono", "Ôno", "おおの", "オーノ"),
        ("Kōtarō", "Koutarou", "Kotaro", "Kohtaroh", "こうたろう", "コータロー"),
        ("Shimbashi", "Shinbashi", "Simbasi", "Sinbasi", "しんばし"),
        ("Homma", "Honma", "ほんま"),
        ("Shōji", "Shouji", "Syozi", "Shoji", "しょうじ"),
        ("Tsuchiya", "Tutiya", "つちや"),
        ("Fujita", "Hujita", "Huzita", "ふじた"),
        ("Chikako", "Tikako", "ちかこ"),
        ("Jun'ichi", "Junichi", "Jun-ichi", "Zyun’iti", "じゅんいち"),
        ("Iizuka", "Iiduka", "Idzuka", "いいづか", "いいずか"),
        ("Hatchōbori", "Hacchobori", "Hattyobori", "はっちょうぼり"),
        ("Inoue", "Inouye", "Inoe", "いのうえ"),
        ("Saitoh", "Saitou", "Saitō", "SAITO", "さいとう"),
        ("Ohyama", "Ōyama", "Oyama", "おおやま"),
        ("Yūki", "Yuuki", "Yuhki", "ゆうき"),
        ("Kyōko", "Kyouko", "Kyoko", "きょうこ"),
        ("Sasaki", "ささき", "さゝき"),
        ("García", "GARCIA", "Garci\u0301a"),
        ("Elena Rossi", "rossi elena", "ELENA-ROSSI", "Rossi, Elena"),
    ],
)
def test_spellings_of_one_reading(spellings: tuple[str, ...]) -> None:
    for stored in spellings:
        for query in spellings:
            assert finds(query, None, None, stored), (query, stored)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("髙橋", "高橋"),
        ("山﨑", "山崎"),
        ("澤田", "沢田"),
        ("齋藤", "斉藤"),
        ("齊藤", "斎藤"),
        ("渡邉", "渡辺"),
        ("渡邊", "渡辺"),
        ("廣瀬", "広瀬"),
        ("濵田", "浜田"),
        ("眞鍋", "真鍋"),
        ("德永", "徳永"),
        ("𠮷田", "吉田"),
        ("中嶋", "中島"),
        ("桒原", "桑原"),
        ("黑木", "黒木"),
        ("兒玉", "児玉"),
        ("戶髙", "戸高"),
        ("佐々木", "佐佐木"),
        ("一ノ瀬", "一の瀬"),
        ("一之瀬", "一ノ瀬"),
        ("龍ヶ崎", "竜が崎"),
    ],
)
def test_variant_kanji_are_one(one: str, other: str) -> None:
    assert finds(one, f"{other} 健")
    assert finds(other, f"{one}健")


@pytest.mark.parametrize(
    ("kanji", "readings"),
    [
        ("東", ("ひがし", "あずま", "Azuma", "Higashi")),
        ("中島", ("なかじま", "なかしま", "Nakashima")),
        ("河野", ("こうの", "かわの", "Kono", "Kawano")),
        ("黒木", ("くろき", "くろぎ", "Kuroki", "kurogi")),
        ("興梠", ("こうろぎ", "Kohrogi", "Korogi")),
        ("外山", ("とやま", "そとやま")),
        ("甲斐", ("かい", "Kai")),
    ],
)
def test_a_surname_is_found_by_each_usual_reading(kanji: str, readings: tuple[str, ...]) -> None:
    for reading in readings:
        assert finds(reading, f"{kanji} 遥")
        assert finds(kanji, None, None, f"Haruka {reading}")


def test_a_stored_reading_goes_before_the_table() -> None:
    assert finds("かわの", "河野 太郎", "かわの たろう")
    assert not finds("こうの", "河野 太郎", "かわの たろう")


def test_kanji_do_not_find_those_who_are_read_alike() -> None:
    assert not finds("河野", "川野 太郎", "かわの たろう")
    assert finds("河野", None, "かわの たろう")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("Suzuki", "高橋 太郎"),
        ("鈴木", "高橋 太郎"),
        ("橋", "高橋 太郎"),
        ("高橋 次郎", "高橋 太郎"),
        ("高橋 太郎 花子", "高橋 太郎"),
    ],
)
def test_others_are_not_found(query: str, name: str) -> None:
    assert not finds(query, name)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("工業技術", "宮崎県工業技術センター"),
        ("ナミオト", "株式会社ナミオト観測 開発部"),
        ("株式会社ナミオト観測", "ナミオト観測㈱"),
        ("開発部", "株式会社ナミオト観測 開発部"),
        ("食品", "日向灘食品(株)"),
        ("株式会社", "株式会社"),
    ],
)
def test_institutions_are_found_by_parts(query: str, name: str) -> None:
    assert finds(query, name)


@pytest.mark.parametrize("typed", ["T", "Ta", "Tak", "Takahas", "Takahash", "た", "たかは", "高"])
def test_a_name_is_found_while_it_is_typed(typed: str) -> None:
    assert finds(typed, "高橋 太郎", "たかはし たろう", "Taro Takahashi")


@pytest.mark.parametrize(
    ("typed", "name"), [("Shim", "Shimbashi"), ("Miyac", "Miyachi"), ("Iid", "Iiduka")]
)
def test_an_unfinished_syllable_is_found(typed: str, name: str) -> None:
    assert finds(typed, None, None, name)


@pytest.mark.parametrize("text", ["", " ", "・", "---", "、。", "'"])
def test_nothing_to_look_for(text: str) -> None:
    assert name_query(text) is None


def test_whole_names_are_told_from_parts() -> None:
    keys = name_keys("高橋 太郎", None, "Taro Takahashi")
    assert keys.written == {"高橋太郎", "太郎高橋"}
    assert keys.sounds == {"takahasitaro", "tarotakahasi"}
    assert name_keys("高橋 太郎", None, None).sounds == frozenset()
    assert set(keys.kinds()) == keys.all
    assert keys.kinds()["高橋太郎"] == "written"


NAMES = st.text(max_size=40) | st.text(
    alphabet="高髙橋黒木遥佐々一ノヶ太郎たかはしろうっんゃーゝタカハシｶﾞﾊﾟァヴぁ　株式会社"
    "Takhsiouō Ōñm'・,.-()",
    max_size=25,
)


@given(NAMES, NAMES, NAMES)
@settings(max_examples=300)
def test_keys_never_raise_and_are_short(name_ja: str, name_kana: str, name_en: str) -> None:
    keys = name_keys(name_ja, name_kana, name_en)
    assert all(0 < len(key) <= KEY_LENGTH for key in keys.all)
    assert set(keys.kinds().values()) <= {"written", "sound", "part"}


@given(NAMES)
@settings(max_examples=300)
def test_width_and_composition_do_not_matter(name: str) -> None:
    for form in ("NFKC", "NFC", "NFKD"):
        same = unicodedata.normalize(form, name)
        assert search_keys(same, None, same) == search_keys(name, None, name)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzōéßøüABCXYZ高橋たか '-.", max_size=30))
@settings(max_examples=300)
def test_case_does_not_matter(name: str) -> None:
    assert search_keys(None, None, name.upper()) == search_keys(None, None, name)
    assert search_keys(None, None, name.lower()) == search_keys(None, None, name)


@given(NAMES)
@settings(max_examples=300)
def test_every_name_finds_itself(name: str) -> None:
    for place in ((name, None, None), (None, name, None), (None, None, name)):
        asked = name_query(name)
        assert asked is None or asked.matches(search_keys(*place)), place
