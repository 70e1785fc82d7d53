"""Text preparation."""

import time
import unicodedata
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import matching.text as text_module
from matching.encoders.hashing import HashingEncoder
from matching.lexical import count_terms
from matching.text import (
    BIGRAMS,
    ENGLISH_STOPWORDS,
    MOST_MARKS,
    JapaneseWords,
    bare_run_words,
    bilingual_text,
    content_hash,
    count_latin_words,
    has_japanese,
    is_reading,
    japanese_letters,
    language_of,
    languages_of,
    normalise,
    only_japanese,
    read_japanese_by,
    sentences,
    split_at_japanese,
    tidy_line,
    tidy_text,
    tokens,
    without_japanese,
    words_id,
)
from matching.variants import fold
from tests.matching.factories import repeatable

tricky = st.text(
    st.sampled_from("aZ é5 .!?。！？｡\n\t\u200b\u3000\u0301\u3099かガｶﾞ材料「」・（)\x00'’_-")
)
any_text = st.text() | tricky


class TestNormalise:
    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("ｶﾞｽｾﾝｻｰ", "ガスセンサー"),
            ("Ｆｏｏｄ　２０２６", "Food 2026"),
            ("①㈱ミツワ", "1(株)ミツワ"),
            ("か\u3099", "が"),
            ("｡", "。"),
        ],
    )
    def test_width_and_compatibility_forms_become_one(self, written: str, read: str) -> None:
        assert normalise(written) == read

    @pytest.mark.parametrize(
        "invisible",
        [
            *("\u00ad", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u2060", "\ufeff"),
            *("\u202a", "\u202b", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"),
            pytest.param("\u061c", id="arabic-letter-mark, a bidi control"),
            pytest.param("\ufe0f", id="variation-selector-16"),
            pytest.param("\U000e0100", id="ideographic-variation-selector, as in 葛󠄀城"),
        ],
    )
    def test_invisible_characters_vanish(self, invisible: str) -> None:
        assert normalise(f"葛{invisible}城 surimi{invisible} gel") == "葛城 surimi gel"

    @pytest.mark.parametrize(
        "sign",
        [
            *map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x61C]),
            *map(chr, [*range(0x200B, 0x200E), 0x2060, 0xFEFF, 0xAD, 0x3164, 0xFFA0, 0x1160]),
            *map(chr, [0xFE0F, 0xE0041, 0x1D173]),
        ],
        ids=lambda sign: f"U+{ord(sign):04X}",
    )
    def test_signs_that_turn_or_hide_text_vanish(self, sign: str) -> None:
        assert normalise(f"焼{sign}酎 {sign}gnp.exe") == "焼酎 gnp.exe"

    @pytest.mark.parametrize(
        "marks",
        [
            "\u0301",
            "\u0301\u0323",
            "\uff9e\u0323",
            "\u0344\u0323",
            "\u3099\u302a",
            "\U0001d165\u0323",
        ],
    )
    def test_marks_without_end_are_cut_quickly(self, marks: str) -> None:
        """Unicode's sorting of them takes minutes for a megabyte."""
        before = time.perf_counter()
        text = normalise(f"a{marks * 200_000}b")
        assert time.perf_counter() - before < 2
        assert text[-1] == "b"
        assert 2 < len(text) <= 2 + MOST_MARKS
        assert normalise(text) == text

    def test_marks_of_real_writing_stay(self) -> None:
        for written in ("ガ", "ệ", "שָּׁ", "ཧྐྵྨླྺྼྻྂ", "パ"):
            apart = unicodedata.normalize("NFKD", written)
            assert unicodedata.normalize("NFKD", normalise(apart)) == apart

    def test_control_characters_separate_words(self) -> None:
        assert normalise("surimi\x00gel\x1fpaste\x7f") == "surimi gel paste"

    def test_spaces_shrink_and_line_breaks_stay(self) -> None:
        assert normalise("  a \t b\u3000 \r\n\n  \n c ") == "a b\nc"

    @given(any_text)
    @example("か\u200b\u3099")
    @example("e\u200b\u0301")
    @repeatable
    def test_twice_is_once(self, text: str) -> None:
        assert normalise(normalise(text)) == normalise(text)

    @given(any_text)
    @repeatable
    def test_leaves_no_control_no_double_space_and_no_empty_line(self, text: str) -> None:
        normal = normalise(text)
        assert not any(unicodedata.category(c) == "Cc" and c != "\n" for c in normal)
        assert "  " not in normal
        assert all(line and line == line.strip() for line in normal.split("\n") if normal)


class TestContentHash:
    def test_same_for_spellings_that_look_alike(self) -> None:
        assert content_hash("ｶﾞｽ  sensor\u200b") == content_hash("ガス sensor")

    def test_differs_for_other_texts(self) -> None:
        assert len({content_hash(text) for text in ("", "a", "A", "a b", "a\nb", "魚")}) == 6

    def test_is_a_sha256_in_hexadecimal(self) -> None:
        assert len(content_hash("魚")) == 64
        int(content_hash("魚"), 16)


class TestLanguage:
    @pytest.mark.parametrize(
        "text",
        [
            "魚肉の冷凍",
            "カメラとAIを用いたSurimi gelの品質検査",
            "Deep learning による画像認識の研究開発",
            "々",
        ],
    )
    def test_japanese(self, text: str) -> None:
        assert language_of(text) == "ja"

    @pytest.mark.parametrize(
        "text",
        [
            "Frozen fish paste",
            "Feed for beef cattle made of the lees of 焼酎 by small companies",
            "",
            "2026",
            "・ Testing\n・ Food",
        ],
    )
    def test_english(self, text: str) -> None:
        assert language_of(text) == "en"

    @pytest.mark.parametrize(
        ("text", "answer"),
        [("surimi", False), ("", False), ("surimi 魚", True), ("ｶ", False), ("の", True)],
    )
    def test_has_japanese(self, text: str, answer: bool) -> None:
        assert has_japanese(text) is answer

    @pytest.mark.parametrize(
        ("text", "languages"),
        [
            ("", set()),
            ("2026 ... 😀", set()),
            ("魚肉の冷凍", {"ja"}),
            ("Frozen fish paste", {"en"}),
            ("Измерение прочности", {"en"}),
            ("AIカメラとIoTセンサーを用いた検査", {"ja"}),
            ("Feed for beef cattle made of the lees of 焼酎 by small companies", {"en"}),
            pytest.param("Kyushu University Shochu Museum (焼酎)", {"en"}, id="a short name"),
            pytest.param(
                "冷凍すり身のゲル強度\nMeasuring the gel strength of frozen surimi by ultrasound",
                {"ja", "en"},
                id="a bilingual title",
            ),
            pytest.param(
                "冷凍すり身のゲル強度を測る\nThe gel strength of frozen surimi, measured",
                {"ja"},
                id="seven words are a name",
            ),
            pytest.param(
                "Measuring the gel strength of frozen surimi by ultrasound waves in a cold store, "
                "a study of the whole chain from fishing boats and harbours to shops and kitchens, "
                "with figures for each season and each kind of fish that is sold in the region. "
                "冷凍すり身のゲル強度を超音波で測定する方法",
                {"ja", "en"},
                id="twenty letters in a long English text",
            ),
            pytest.param(
                "温度 10, 20, 30, 40, 50, 60, 70, 80, 90 度", {"ja"}, id="numbers are no words"
            ),
        ],
    )
    def test_languages_in_which_a_text_speaks(self, text: str, languages: set[str]) -> None:
        assert languages_of(normalise(text)) == languages

    @given(any_text)
    @repeatable
    def test_a_text_with_letters_speaks_and_one_without_does_not(self, text: str) -> None:
        text = normalise(text)
        spoken = languages_of(text)
        assert bool(spoken) == (has_japanese(text) or any(letter.isalpha() for letter in text))
        assert "ja" not in spoken or has_japanese(text)

    @pytest.mark.parametrize(
        ("text", "letters"),
        [("", 0), ("surimi ・。", 0), ("焼酎粕 AI カメラ", 6), ("𠮷野々", 3), ("か゛", 1)],
    )
    def test_japanese_letters(self, text: str, letters: int) -> None:
        assert japanese_letters(text) == letters

    @given(any_text)
    @repeatable
    def test_the_japanese_and_the_rest_are_the_whole(self, text: str) -> None:
        rest = "".join(split_at_japanese(text))
        assert len(rest) + japanese_letters(text) == len(text)
        assert not has_japanese(rest)
        assert japanese_letters(only_japanese(text)) == japanese_letters(text)
        assert not only_japanese(text) or has_japanese(only_japanese(text))

    def test_a_middle_dot_is_neither_kana_nor_kanji(self) -> None:
        assert not has_japanese("・ fish processing")

    def test_without_japanese_keeps_the_rest_in_order(self) -> None:
        assert without_japanese("AIカメラでfish検査") == "AI fish"

    def test_count_latin_words_counts_words_with_letters(self) -> None:
        assert count_latin_words("AIカメラでfish検査 2026 B2B") == 3
        assert count_latin_words("魚肉の冷凍 2026") == 0


class TestBilingualText:
    def test_titles_and_bodies_are_sentences_of_their_own(self) -> None:
        text = bilingual_text("冷凍すり身", "品質を測る。", "Frozen surimi", "Measures quality.")
        assert [span.text for span in sentences(text)] == [
            *("冷凍すり身", "品質を測る。", "Frozen surimi", "Measures quality."),
        ]

    def test_missing_parts_leave_no_gap(self) -> None:
        assert bilingual_text(None, "", "Ｓｕｒｉｍｉ", None) == "Surimi"
        assert bilingual_text(None, None, None, None) == ""


class TestSentences:
    @given(any_text)
    @repeatable
    def test_spans_index_the_text_in_order_and_lose_nothing(self, text: str) -> None:
        spans = sentences(text)
        end = 0
        for span in spans:
            assert text[span.start : span.end] == span.text == span.text.strip() != ""
            assert not text[end : span.start].strip()
            end = span.end
        assert not text[end:].strip()

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("魚を測る。肉も測る。", ["魚を測る。", "肉も測る。"]),
            ("できるか?できる!よし。", ["できるか?", "できる!", "よし。"]),
            ("We dry fish. Then we sell it.", ["We dry fish.", "Then we sell it."]),
            ("Really? Yes! 5 firms did.", ["Really?", "Yes!", "5 firms did."]),
            ("It is pH 5.2 here.", ["It is pH 5.2 here."]),
            ("By J. Smith et al. Kyoto.", ["By J. Smith et al. Kyoto."]),
            ("Cured, e.g. Ham, and smoked.", ["Cured, e.g. Ham, and smoked."]),
            ("See Fig. 2 and No. 5.", ["See Fig. 2 and No. 5."]),
            ("Gel strength. 魚肉の品質。", ["Gel strength.", "魚肉の品質。"]),
            ("魚肉の品質。Gel strength.", ["魚肉の品質。", "Gel strength."]),
            ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
            ("It gels (see Fig. 2.) Now cool it.", ["It gels (see Fig. 2.)", "Now cool it."]),
            ("A spice (e.g. Sansho, or e.g.) Foo.", ["A spice (e.g. Sansho, or e.g.) Foo."]),
            ("Ask Mr. Smith. See Vol. 3.", ["Ask Mr. Smith.", "See Vol. 3."]),
            ("Write (...) 5 times.", ["Write (...) 5 times."]),
            ("By Foo Co., Ltd. We test it.", ["By Foo Co., Ltd.", "We test it."]),
            ("a title\nand a body", ["a title", "and a body"]),
            ("", []),
            (" \n ", []),
        ],
    )
    def test_splits(self, text: str, expected: list[str]) -> None:
        assert [span.text for span in sentences(text)] == expected

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            ("「魚を測る。」と言った。次へ。", ["「魚を測る。」と言った。", "次へ。"]),
            ("彼は「測る。捨てる。」と言った。", ["彼は「測る。捨てる。」と言った。"]),
            ("「よし！」次へ。", ["「よし!」", "次へ。"]),
            ("（検査をした。）次に測る。", ["(検査をした。)", "次に測る。"]),
            ("検査をした。（図１）次に測る。", ["検査をした。", "(図1)次に測る。"]),
            ("本当か！？次へ。。終わり", ["本当か!?", "次へ。。", "終わり"]),
            ("すごい…と思う。", ["すごい...と思う。"]),
            (
                "値は３．５である．次に（図１）．また，測る．",
                ["値は3.5である.", "次に(図1).", "また,測る."],
            ),
            ("AIを用いる．pHは７．in vitroで測る．", ["AIを用いる.", "pHは7.in vitroで測る."]),
            ("CNNとGAN．また，誤差は5％．次に測る", ["CNNとGAN.", "また,誤差は5%.", "次に測る"]),
            ("Foo Co., Ltd.と測る。Foo Inc.製。", ["Foo Co., Ltd.と測る。", "Foo Inc.製。"]),
            ("ファイル.txtを読む。", ["ファイル.txtを読む。"]),
            ("ア．材料 イ．方法", ["ア.材料 イ.方法"]),
            ("Dr.田中、J.山田とNo.三を見る。", ["Dr.田中、J.山田とNo.三を見る。"]),
            ("詳細は No. 3 と Fig. 2 を参照。", ["詳細は No. 3 と Fig. 2 を参照。"]),
            ("品質を測る。We test it.次へ。", ["品質を測る。", "We test it.", "次へ。"]),
            ("①測定\n②解析", ["1測定", "2解析"]),
            ("１．はじめに\n２．方法", ["1.はじめに", "2.方法"]),
            ("・測定\n○解析", ["・測定", "○解析"]),
            ("項目 ・測定 ・解析 ●計画", ["項目", "・測定", "・解析", "●計画"]),
            ("県内の ○○大学とジョン ・ スミス", ["県内の ○○大学とジョン ・ スミス"]),
        ],
    )
    def test_splits_japanese(self, written: str, expected: list[str]) -> None:
        assert [span.text for span in sentences(normalise(written))] == expected

    @given(
        st.lists(
            st.sampled_from([*"A b.!?1(\"'\n\t\r", "e.g.", "Fig.", "Prof.", "al. ", "5.2"]),
            max_size=14,
        ).map("".join)
    )
    @repeatable
    def test_an_english_text_is_cut_alike_alone_and_beside_japanese(self, text: str) -> None:
        """Texts without Japanese are cut by a faster pattern: it must be the same one."""
        assert sentences(text) == sentences(f"{text}\n語")[:-1]

    def test_the_full_stop_of_japanese_papers_ends_a_sentence(self) -> None:
        text = normalise("材料を開発した．次に強度を測定した．")
        assert len(sentences(text)) == 2


class TestJapaneseWords:
    def test_one_way_to_make_words_serves_the_whole_process(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(text_module, "_japanese", BIGRAMS)  # restored afterwards
        read_japanese_by(JapaneseWords("signs", list))
        assert tokens("AI技術、焼酎かす") == ["ai", *"技術焼酎粕"]
        assert HashingEncoder().id.endswith(words_id())
        assert words_id().endswith("-signs")

    def test_bigrams_unless_told_otherwise(self) -> None:
        assert words_id().endswith("-bigrams")

    def test_an_index_and_its_query_are_folded_alike(self) -> None:
        passage = count_terms("蒸溜カスと髙濃度タンパク質を、サーバーで管理する取り扱い。")
        query = count_terms("蒸留粕と高濃度たんぱく質を、サーバで管理する取扱い。")
        assert passage == query

    def test_a_bare_list_is_folded_too(self) -> None:
        kana = "がん、ねぎ、さば、こうじ、みりん、りんご、ぶどう、みかん、ゆず、ぶた、うるし、さび"
        assert bare_run_words(kana) == tokens(fold(kana)) != []


class TestTokens:
    def test_mixed_text(self) -> None:
        assert tokens("AI技術で surimi を検査") == ["ai", "技術", "術で", "surimi", "を検", "検査"]

    def test_inflections_of_an_english_word_are_one(self) -> None:
        assert len({tuple(tokens(word)) for word in ("sensor", "Sensors", "SENSOR’S")}) == 1

    def test_stop_words_are_left_out(self) -> None:
        assert tokens(" ".join(ENGLISH_STOPWORDS)) == []
        assert tokens("The drying of fish") == tokens("drying fish")

    def test_a_word_of_two_kanji_is_found_inside_a_longer_run(self) -> None:
        assert set(tokens("材料")) <= set(tokens("新材料開発"))

    def test_hiragana_alone_says_nothing(self) -> None:
        assert tokens("これはそうではありません") == []

    def test_single_kanji_and_katakana_words_are_kept(self) -> None:
        assert tokens("鉄") == ["鉄"]
        assert tokens("ガス") == ["ガス"]

    def test_repeats_and_order_are_kept(self) -> None:
        assert tokens("koji 発酵 koji") == ["koji", "発酵", "koji"]

    def test_width_does_not_matter(self) -> None:
        assert tokens("ｶﾞｽ Ｓｅｎｓｏｒ") == tokens("ガス sensor")

    @pytest.mark.parametrize("text", ["", "  ", "...!?", "。、「」", "・ ・"])
    def test_punctuation_holds_no_word(self, text: str) -> None:
        assert tokens(text) == []

    @given(any_text)
    @repeatable
    def test_every_word_is_filled_and_normalising_first_changes_nothing(self, text: str) -> None:
        found = tokens(text)
        assert all(word and not word.isspace() for word in found)
        normal = normalise(text)
        if normalise(normal) == normal:
            assert tokens(normal) == found


@pytest.mark.parametrize("text", ["くろき はるか", "クロキ・ハルカ", "ｸﾛｷ", "みやざきTLO", "ヴ"])
def test_what_is_a_reading(text: str) -> None:
    assert is_reading(text)


@pytest.mark.parametrize("text", ["", "黒木", "Kuroki", "くろき 遥", "・ー", "佐々き", "123"])
def test_what_is_no_reading(text: str) -> None:
    assert not is_reading(text)


class TestTidying:
    @pytest.mark.parametrize(
        "end", ["\n", "\r", "\r\n", "\u2028", "\u2029", "\x85", "\x0b", "\x0c"]
    )
    def test_a_line_has_no_line_break(self, end: str) -> None:
        assert tidy_line(f"Juice{end}Bcc: x@example.jp", 100) == "Juice Bcc: x@example.jp"
        assert tidy_text(f"Juice{end}and more", 100) == "Juice\nand more"

    @given(any_text | st.text(st.sampled_from("=?\r\n\u2028utf8Q ＝？\u200b")))
    def test_a_line_can_stand_in_the_header_of_a_mail(self, text: str) -> None:
        try:
            line = tidy_line(text, 1000)
        except ValueError as error:
            assert "=?" in str(error)  # noqa: PT017 - either outcome is right
            assert "=?" in normalise(text)
            return
        message = EmailMessage()
        message["Subject"] = f"New: {line}"
        sent = message.as_bytes().split(b"\n\n")[0]
        assert [name for name, _ in BytesParser(policy=default).parsebytes(sent).items()] == [
            "Subject"
        ]

    def test_an_encoded_word_is_refused(self) -> None:
        for text in ("=?utf-8?q?a=0ABcc:_x?=", "＝？utf-8?q?x?=", "=\u200b?utf-8?q?x?="):
            with pytest.raises(ValueError, match="write a space"):
                tidy_line(text, 100)
        assert tidy_text("1+1=?", 100) == "1+1=?"

    def test_what_cannot_become_short_enough_is_refused_at_once(self) -> None:
        with pytest.raises(ValueError, match="at most 100 characters"):
            tidy_text("\ufdfa" * 301, 100)
        assert len(tidy_text("e\u0323\u0302" * 100, 100)) == 100
