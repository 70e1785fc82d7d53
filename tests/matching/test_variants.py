"""Spelling variants."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from matching.text import normalise, tokens
from matching.variant_table import CHARACTERS, GUARDED, INNER_KANA, LONG_MARK, SHORT_ENDS, WORDS
from matching.variants import ALONE, fold, fold_characters
from tests.matching.factories import repeatable

ROWS = [
    (kept, spelling.strip("~^"))
    for kept, _, spellings in (line.partition(": ") for line in WORDS.strip().splitlines())
    for spelling in spellings.split()
]
PAIRS = [
    *ROWS,
    *((word, f"{word}ー") for word in LONG_MARK.split()),
    *((word[0] + word[2:], word) for word in INNER_KANA.split()),
]

pieces = st.sampled_from(
    [
        *(spelling for pair in PAIRS for spelling in pair),
        *CHARACTERS.split(),
        *GUARDED.split(),
        *SHORT_ENDS.split(),
        *"々ーヴァィウクヶケかカ箇1三月所年のをがはン髙。 \n",
        *("がんばる", "スローガン", "surimi", "𠮷"),
    ]
)
mixed = st.lists(pieces, max_size=8).map("".join)


class TestTable:
    @pytest.mark.parametrize(("kept", "spelling"), PAIRS)
    def test_both_spellings_fold_alike(self, kept: str, spelling: str) -> None:
        assert kept != spelling
        assert fold(spelling) == fold(kept) == kept
        assert tokens(spelling) == tokens(kept) != []

    @pytest.mark.parametrize(("kept", "spelling"), ROWS)
    def test_a_word_is_found_between_particles(self, kept: str, spelling: str) -> None:
        """Words of kana that a particle may be a part of are marked ^ and stand alone."""
        if f"^{spelling}" not in WORDS:
            assert fold(f"、{spelling}の研究") == f"、{kept}の研究"
            assert fold(f"国産の{spelling}を調べる") == f"国産の{kept}を調べる"

    def test_no_spelling_has_two_forms(self) -> None:
        spellings = [spelling for _, spelling in PAIRS]
        assert len(spellings) == len(set(spellings))

    def test_characters_are_turned_one_for_one(self) -> None:
        pairs = CHARACTERS.split()
        old, new = {pair[0] for pair in pairs}, {pair[1] for pair in pairs}
        assert all(len(pair) == 2 for pair in pairs)
        assert len(old) == len(pairs)
        assert not old & new
        assert all(normalise(sign) == sign for sign in old | new)

    @pytest.mark.parametrize("word", GUARDED.split())
    def test_guarded_words_stay(self, word: str) -> None:
        assert fold(word) == word

    @pytest.mark.parametrize("word", SHORT_ENDS.split())
    def test_short_words_keep_their_long_mark(self, word: str) -> None:
        assert fold(word) == word
        assert fold(f"ボトル{word}") == f"ボトル{word}"


class TestFold:
    @pytest.mark.parametrize(
        ("written", "same"),
        [
            ("サーバー", "サーバ"),
            ("センサーネットワーク", "センサネットワーク"),
            ("データーセンター長", "データセンタ長"),
            ("エネルギー", "エネルギ"),
            ("ヴァイオリン", "バイオリン"),
            ("ウィスキー", "ウイスキー"),
            ("ウェハー", "ウエハ"),
            ("ウェーハ", "ウエハー"),
            ("クォーツ", "クオーツ"),
            ("バイオフイルム", "バイオフィルム"),
            ("1ヶ月と三カ所", "1か月と三箇所"),
            ("10 ヵ国", "10 か国"),
            ("茅ヶ崎", "茅ケ崎"),
            ("人々", "人人"),
            ("部分々々", "部分分分"),
            ("蒸溜粕", "蒸留カス"),
            ("醱酵", "発酵"),
            ("髙橋", "高橋"),
            ("山﨑", "山崎"),
            ("𠮷野家", "吉野家"),
            ("德島", "徳島"),
            ("肺がん", "肺ガン"),
            ("のがん細胞", "の癌細胞"),
            ("リン酸", "燐酸"),
            ("牡蛎", "牡蠣"),
            ("遺伝子組み換え", "遺伝子組換え"),
            ("取り扱い", "取扱い"),
            ("亜鉛めっき", "亜鉛鍍金"),
            ("タンパクガン", "蛋白ガン"),
        ],
    )
    def test_spellings_of_one_word_are_one(self, written: str, same: str) -> None:
        assert fold(written) == fold(same)

    @pytest.mark.parametrize(
        "text",
        [
            *("がんばる", "しがんだ", "スローガン", "マンガン", "ガンマ線", "がんじがらめ"),
            *("つなぎ", "ねぎらう", "さばく", "大さばき", "サバイバル", "メカニズム", "カニューレ"),
            *("アセンブリ", "ハイブリッド", "いろいろ過去", "後ろ過ぎ", "長いもの", "細かいこと"),
            *("農業と畜産", "植物は種類", "引き裂く", "持ち密着", "違う食品", "しい草", "長い草"),
            *(
                "示しその結果",
                "見込みその後",
                "でしょうが",
                "助けが必要",
                "それだけが",
                "動きのこと",
            ),
            *("浮かび、", "意気ごみ", "人ごみ", "個人参加", "開発条件", "水平目標", "独占地位"),
            *(
                "ステアリン酸",
                "硝子体",
                "鼠径部",
                "蝦夷",
                "アメリカンショートヘア",
                "テンプラニーリョ",
            ),
            *("カバー", "ペットボトルカバー", "フロー", "バレー", "キー", "ビール", "ビル"),
            *("品質が向上", "国か月か", "不安", "ソフトアプリ", "について", "こうじて"),
        ],
    )
    def test_other_words_stay(self, text: str) -> None:
        assert fold(text) == text

    def test_words_that_look_alike_stay_apart(self) -> None:
        apart = ["ビール", "ビル", "シリコン", "シリコーン", "カバ", "カバー", "サバ", "サーバー"]
        assert len({fold(word) for word in apart}) == len(apart)

    @given(st.text() | mixed)
    @example("タンパクガン")
    @example("ヴヴァウウェーハー")
    @example("1箇個所")
    @repeatable
    def test_folding_twice_is_folding_once(self, text: str) -> None:
        for written in (text, normalise(text)):
            assert fold(fold(written)) == fold(written)

    @given(st.text(st.characters(max_codepoint=127)))
    @repeatable
    def test_a_text_without_japanese_stays(self, text: str) -> None:
        assert fold(text) == text

    @given(st.text() | mixed)
    @repeatable
    def test_characters_keep_their_places(self, text: str) -> None:
        assert len(fold_characters(text)) == len(text)
        assert fold_characters(fold_characters(text)) == fold_characters(text)

    @given(mixed)
    @repeatable
    def test_words_of_a_folded_text_are_those_of_the_text(self, text: str) -> None:
        normal = normalise(text)
        assert tokens(fold(normal)) == tokens(normal)


class TestAlone:
    def test_are_single_kanji(self) -> None:
        assert ALONE
        assert all(re.fullmatch("[\u4e00-\u9fff]", word) for word in ALONE)

    def test_a_word_of_one_kanji_is_found_whatever_stands_beside_it(self) -> None:
        for text in ("がん", "がんの治療", "肺がん", "肺癌細胞", "ガン検診", "癌"):
            assert "癌" in tokens(text), text

    def test_it_is_counted_once_for_each_time_it_is_there(self) -> None:
        assert tokens("癌") == ["癌"]
        assert tokens("肺癌細胞") == ["肺癌", "癌", "癌細", "細胞"]
        assert tokens("胃癌") == ["胃癌", "癌"]
