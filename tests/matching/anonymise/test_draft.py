"""Drafts of teasers: what is taken out, what stays, what is pointed out."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.anonymise import Anonymiser, Draft, Kind, KnownNames, Name, Region, Vocabulary
from matching.anonymise.known import without_legal_form
from matching.text import Language
from tests.matching.anonymise.conftest import lines, needs, organisation_names

NO_REGION = Region(0, lambda term, language: 5)
"""In which every term is common."""


def only(*names: Name) -> Anonymiser:
    """Knows these names and takes nothing else for one."""
    return Anonymiser(KnownNames.of(names), NO_REGION)


OYODO = only(
    Name("Oyodo Power Devices Co., Ltd.", Kind.COMPANY),
    Name("大淀パワーデバイス株式会社", Kind.COMPANY),
    Name("髙橋製茶有限会社", Kind.COMPANY),
    Name("黒木 悠真", Kind.PERSON),
    Name("Yuma Kuroki", Kind.PERSON),
    Name("都城市", Kind.PLACE),
    Name("Miyakonojo", Kind.PLACE),
)


def restored(original: str, draft: Draft) -> str:
    """The original, put together again from the draft and its removals."""
    text = draft.text
    for removal in reversed(draft.removals):
        shift = sum(
            len(other.replacement) - (other.end - other.start)
            for other in draft.removals
            if other.start < removal.start
        )
        start = removal.start + shift
        end = start + len(removal.replacement)
        assert text[start:end] == removal.replacement
        text = text[:start] + original[removal.start : removal.end] + text[end:]
    return text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We at Oyodo Power Devices Co., Ltd. make chips.", "We at [company] make chips."),
        ("We at Oyodo Power Devices make chips.", "We at [company] make chips."),
        ("OYODO's chips come loose.", "[company]'s chips come loose."),
        ("At oyodo-power devices, Inc. chips", "At [company] chips"),
        ("At Oyo\u200bdo Power\nDevices chips", "At [company] chips"),
        ("Ｏｙｏｄｏ chips", "[company] chips"),
        ("Toyodo chips", "Toyodo chips"),
        ("written by Y. Kuroki and Kuroki Yuma", "written by [person] and [person]"),
        ("near MIYAKONOJO-city", "near [place]-city"),
    ],
)
def test_known_names_go_in_english(text: str, expected: str) -> None:
    assert OYODO.draft(text, "en").text == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("大淀パワーデバイス株式会社の部品", "〔企業〕の部品"),
        ("㈱大淀パワーデバイスの部品", "〔企業〕の部品"),
        ("(株)大淀ﾊﾟﾜｰﾃﾞﾊﾞｲｽの部品", "〔企業〕の部品"),
        ("大淀 パワー・デバイスの部品", "〔企業〕の部品"),
        ("大淀の部品", "〔企業〕の部品"),
        ("高橋製茶と髙橋製茶㈲", "〔企業〕と〔企業〕"),
        ("大\u200b淀パワー\nデバイスの部品", "〔企業〕の部品"),
        ("黒木悠真先生と黒木　悠真", "〔人物〕と〔人物〕"),
        ("都城の工場", "〔地域〕の工場"),
        ("毎日、向き合う", "毎日、向き合う"),
    ],
)
def test_known_names_go_in_japanese(text: str, expected: str) -> None:
    assert OYODO.draft(text, "ja").text == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to info@oyodo.example.jp please", Kind.CONTACT),
        ("連絡はｉｎｆｏ＠ｅｘａｍｐｌｅ．ｃｏ．ｊｐまで", Kind.CONTACT),
        ("電話は０９８５−１２−３４５６です", Kind.CONTACT),
        ("call +81 985 12 3456 now", Kind.CONTACT),
        ("電話09012345678まで", Kind.CONTACT),
        ("see https://example.com/a?b=c for more", Kind.CONTACT),
        ("see example.co.jp for more", Kind.CONTACT),
        ("〒880-0001 に住所", Kind.CONTACT),
        ("ask Dr. Okumura about it", Kind.PERSON),
        ("担当は押川さんです", Kind.PERSON),
        ("岩切教授に聞いた", Kind.PERSON),
        ("株式会社霧谷産業に納める", Kind.COMPANY),
        ("we sell to Kiridani Sangyo Co., Ltd. now", Kind.COMPANY),
        ("国立霧谷大学と", Kind.INSTITUTION),
        ("a lab at Kiridani University", Kind.INSTITUTION),
        ("霧谷町の工場", Kind.PLACE),
        ("本社は2丁目3番4号です", Kind.PLACE),
        ("大字霧谷123-4に工場", Kind.PLACE),
        ("by the Kiridani River", Kind.PLACE),
        ("our machine AB-1200X stops", Kind.PRODUCT),
        ("商品『霧谷』を売る", Kind.PRODUCT),
        ("our “Kiridani Dew” sells", Kind.PRODUCT),
        ("Kiridani® sells", Kind.PRODUCT),
        ("in March 2024 we began", Kind.DATE),
        ("令和6年4月に始めた", Kind.DATE),
        ("2024年に始めた", Kind.DATE),
        ("it costs 12 million yen a year", Kind.MONEY),
        ("年に4,200万円かかる", Kind.MONEY),
        ("37% of them", Kind.SHARE),
        ("40 t of stillage a day", Kind.QUANTITY),
        ("fourteen houses", Kind.QUANTITY),
    ],
)
def test_what_its_shape_gives_away_goes(text: str, kind: Kind) -> None:
    language: Language = "en" if text.isascii() or "“" in text or "®" in text else "ja"
    draft = only().draft(text, language)
    assert [removal.kind for removal in draft.removals] == [kind]
    assert restored(text, draft) == text


@pytest.mark.parametrize(
    "text",
    [
        "お客様や皆さん、取引先の業者さんに聞いた",
        "摂氏25度で3か月、pH 5.2",
        "地方都市や農村、河川の近く、市場で売る",
        "「振り出せない」と言われた",
        "大学院生と社長が2名",
        "ISO 9001 and HACCP since two years",
        "25 °C and 900 mL, 30% juice",
        "On Monday in May the Japanese staff, twelve people",
        "9月から12月にかけて",
    ],
)
def test_what_tells_nobody_apart_stays(text: str) -> None:
    language: Language = "en" if text.replace("°", "").isascii() else "ja"
    assert only().draft(text, language).text == text


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("1日60 t出ます", "ja", "1日数十 t出ます"),
        ("月400万個つくる", "ja", "月数百万個つくる"),
        ("八千回打つ", "ja", "数千回打つ"),
        ("従業員14人", "ja", "従業員十数人"),
        ("We make four million caps a month", "en", "We make millions of caps a month"),
        ("We have 41 employees", "en", "We have tens of employees"),
        ("our fourteen households", "en", "our [quantity] households"),
        ("About 50 to 60 people came", "en", "Tens of people came"),
        ("nine of twenty-two units", "en", "nine of tens of units"),
        ("From July to September 4% come back", "en", "From July to September [share] come back"),
    ],
)
def test_numbers_become_orders_of_magnitude(text: str, language: Language, expected: str) -> None:
    assert only().draft(text, language).text == expected


def test_overlapping_finds_become_one_removal() -> None:
    """A place in a company's name must not leave the rest of the name."""
    known = only(Name("都城メッキ", Kind.COMPANY), Name("都城市", Kind.PLACE))
    draft = known.draft("都城メッキの社員", "ja")
    assert (draft.text, [r.kind for r in draft.removals]) == ("〔企業〕の社員", [Kind.COMPANY])


def test_a_capital_within_a_sentence_is_a_name_unless_the_region_knows_the_word() -> None:
    region = Region(100, lambda term, language: 3 if term == "gaba" else 0)
    anonymiser = Anonymiser(KnownNames({}), region)
    draft = anonymiser.draft("We add GABA to the Kumoi line.", "en")
    assert draft.text == "We add GABA to the [name] line."


def test_a_title_in_capitals_keeps_its_words() -> None:
    vocabulary = Vocabulary(everyday=frozenset({"turning", "chicken", "waste", "into", "power"}))
    anonymiser = Anonymiser(KnownNames({}), Region(9, lambda term, language: 0), vocabulary)
    draft = anonymiser.draft("Turning Chicken-Waste of Kumoi into Power", "en")
    assert draft.text == "Turning Chicken-Waste of [name] into Power"


def test_words_before_a_name_stay() -> None:
    text = "At Kiridani Foods Inc. and In The Kiridani River we sell at Kiridani University"
    expected = "At [company] and In The [place] we sell at [institution]"
    assert only().draft(text, "en").text == expected


def test_rare_terms_are_pointed_out_where_they_stand_in_the_draft() -> None:
    region = Region(100, lambda term, language: 2 if term in {"stillage", "芋焼酎"} else 50)
    anonymiser = Anonymiser(KnownNames.of([Name("Oyodo", Kind.COMPANY)]), region)
    draft = anonymiser.draft("At Oyodo we dry stillage. Stillage smells.", "en")
    (rare,) = draft.rare
    assert (rare.term, rare.language, rare.partners, rare.of) == ("stillage", "en", 2, 100)
    assert draft.text[rare.start : rare.end] == "stillage"
    (rare,) = anonymiser.draft("芋焼酎を仕込み、冷やす", "ja").rare
    assert (rare.term, rare.language) == ("芋焼酎", "ja")


def test_a_draft_that_was_edited_is_searched_for_names_again() -> None:
    assert OYODO.names_in("〔企業〕 and [company] make chips in 2024") == ()
    text = "We make chips as Oyo-do does"
    (found,) = OYODO.names_in(text)
    assert (found.kind, text[found.start : found.end]) == (Kind.COMPANY, "Oyo-do")


# The whole region.


def squashed(text: str) -> str:
    """A text as somebody compares names who knows nothing of this code."""
    text = unicodedata.normalize("NFKC", re.sub("[\u200b-\u200f\u00ad\u2060]", "", text))
    text = unicodedata.normalize("NFKC", re.sub("[\\W_ー]", "", text)).casefold()
    return text.translate(str.maketrans("髙﨑濵邊澤惠", "高崎浜辺沢恵"))


NAMES = [name.text for name in organisation_names()]
PEOPLE = [
    name
    for row in lines("people.jsonl")
    if row["kind"] == "researcher"
    for name in (row["name_ja"], row["name_en"])
    if name
]
VARIANTS = {"高": "髙", "崎": "﨑", "浜": "濵", "辺": "邊", "沢": "澤", "恵": "惠"}
WIDE = {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)}
HALF = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF66, 0xFF9E)}


def dressed(name: str, draw: st.DataObject) -> str:
    """The name in another spelling."""
    signs: list[str] = []
    dress = draw.draw(
        st.lists(st.sampled_from(["", "wide", "half", "variant", "case", "hidden", "space"])),
        label="dress",
    )
    for place, sign in enumerate(name):
        how = dress[place % len(dress)] if dress else ""
        if sign in " -・" and how == "space":
            signs.append(draw.draw(st.sampled_from([" ", "-", "\n", "\u3000", "‐", "  ", "\t"])))
        elif how == "wide":
            signs.append(WIDE.get(sign, sign))
        elif how == "half":
            signs.append(HALF.get(sign, sign))
        elif how == "variant":
            signs.append(VARIANTS.get(sign, sign))
        elif how == "case":
            signs.append(sign.swapcase())
        elif how == "hidden":
            signs.append(sign + draw.draw(st.sampled_from(["\u200b", "\u00ad", "\u2060"])))
        else:
            signs.append(sign)
    return "".join(signs)


FRAMES = [
    ("We are {} and make caps.", "en"),
    ("At {}'s plant the caps leak.", "en"),
    ("当社、{}は困っています。", "ja"),
    ("取引先の{}に納める1,200個", "ja"),
]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_known_name_survives_in_any_dress(anonymiser: Anonymiser, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES + PEOPLE))
    frame, language = data.draw(st.sampled_from(FRAMES))
    short = data.draw(st.booleans())
    bare = without_legal_form(name) if short else name
    text = frame.format(dressed(bare, data))
    draft = anonymiser.draft(text, "ja" if language == "ja" else "en")
    assert squashed(without_legal_form(name)) not in squashed(draft.text)
    assert anonymiser.names_in(draft.text) == ()
    assert restored(text, draft) == text


CONTACTS = st.one_of(
    st.emails(domains=st.from_regex(r"\A[a-z]{3,10}\.(co\.jp|com|jp)\Z")).filter(
        lambda address: re.fullmatch(r"[A-Za-z0-9._+-]+@[a-z.]+", address) is not None
    ),
    st.from_regex(r"\A0[1-9]0-[0-9]{4}-[0-9]{4}\Z"),
    st.from_regex(r"\A0[1-9]{2}[0-9]-[0-9]{2}-[0-9]{4}\Z"),
    st.from_regex(r"\A\+81-[1-9]{2}-[0-9]{4}-[0-9]{4}\Z"),
)
PLACE_NAMES = ["宮崎市", "都城市", "鹿児島県", "Miyakonojo", "Kagoshima", "高千穂町", "延岡"]


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_no_contact_and_no_place_survives_in_any_dress(
    anonymiser: Anonymiser, data: st.DataObject
) -> None:
    secret = data.draw(st.one_of(CONTACTS, st.sampled_from(PLACE_NAMES)))
    text = f"連絡は {dressed(secret, data)} まで"
    draft = anonymiser.draft(text, "ja")
    assert squashed(secret) not in squashed(draft.text)
    assert draft.text.startswith("連絡は ")
    assert draft.text.endswith(" まで")
    assert restored(text, draft) == text


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=80), language=st.sampled_from(["ja", "en"]))
def test_any_text_can_be_put_together_again(
    anonymiser: Anonymiser, text: str, language: Language
) -> None:
    draft = anonymiser.draft(text, language)
    assert restored(text, draft) == text
    ends = [removal.end for removal in draft.removals]
    assert all(end <= after.start for end, after in zip(ends, draft.removals[1:], strict=False))
    for rare in draft.rare:
        assert draft.text[rare.start : rare.end] == rare.term


@pytest.mark.slow
def test_no_need_of_the_sample_region_names_its_own_company(anonymiser: Anonymiser) -> None:
    """With its name put into the text, since the samples do not boast."""
    names = {row["id"]: (row["name_ja"], row["name_en"]) for row in lines("organisations.jsonl")}
    texts = list(needs())
    assert len({company for company, _, _ in texts}) > 30
    for company, field, text in texts:
        for name in names[company]:
            boasting = f"{text} {without_legal_form(name)}、{name}"
            draft = anonymiser.draft(boasting, "ja" if field.endswith("ja") else "en")
            assert squashed(without_legal_form(name)) not in squashed(draft.text), (field, name)
            assert anonymiser.names_in(draft.text) == ()


def test_a_draft_of_a_sample_need_keeps_what_partners_must_know(anonymiser: Anonymiser) -> None:
    texts = {text for _, _, text in needs() if text.startswith("当社は9月から12月にかけて芋焼酎")}
    (text,) = texts
    draft = anonymiser.draft(text, "ja")
    assert "9月から12月にかけて芋焼酎を仕込み" in draft.text
    assert "1日数十 t出ます" in draft.text
    assert "年〔金額〕まで" in draft.text
    assert "芋焼酎" in [rare.term for rare in draft.rare]
