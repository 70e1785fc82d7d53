"""Numbers that tell a company apart: amounts, shares, dates, sizes and counts.

A count of people or goods becomes its order of magnitude (60 t: tens of t; 400万個: 数百万個),
money and uneven shares a neutral word. Small counts and round technical values (25 °C, 20%) stay:
without them no partner could judge a need, and many companies have them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from matching.anonymise.kinds import WORDS, Kind
from matching.text import Language

_HUGE: Final = 1e15
HARMLESS: Final = 12
"""Counts up to here stay."""

_NUM: Final = r"\d{1,3}(?:,\d{3}){1,5}(?:\.\d{1,9})?|\d{1,15}(?:\.\d{1,9})?"
_JA_NUM: Final = rf"(?:{_NUM})(?:\s?[千百十]?[兆億万千百](?:{_NUM})?){{0,5}}"
_KANJI_NUM: Final = "[一二三四五六七八九十百千万億〇]{1,9}"
_RANGE: Final = r"\s{0,3}(?:[〜~–—-]|から)\s{0,3}"
_TEENS: Final = "thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_ONES: Final = "one|two|three|four|five|six|seven|eight|nine"
_TENS: Final = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_WORD_NUM: Final = rf"(?:{_TEENS}|(?:{_TENS})(?:[- ](?:{_ONES}))?|{_ONES}|ten|eleven|twelve)"
_SCALE: Final = "hundred thousand|thousand|million|billion|hundred"
_EN_NUM: Final = rf"(?:(?:{_NUM}|{_WORD_NUM})(?:[\s-](?:{_SCALE})){{1,3}}|{_NUM}|{_WORD_NUM})"
_EN_RANGE: Final = r"\s{0,3}(?:[〜~–—]|-(?=\d)|\bto\b)\s{0,3}"
_AND: Final = r"\s{0,3}(?:[〜~–—]|-(?=\d)|\bto\b|\band\b|\bor\b)\s{0,3}"
_VALUES: Final = {
    **{word: place for place, word in enumerate([*_ONES.split("|"), "ten", "eleven", "twelve"], 1)},
    **{word: place for place, word in enumerate(_TEENS.split("|"), 13)},
    **{word: 10 * place for place, word in enumerate(_TENS.split("|"), 2)},
}
_SCALES: Final = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_KANJI_VALUES: Final = {sign: place for place, sign in enumerate("〇一二三四五六七八九")}
_KANJI_SCALES: Final = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "億": 10**8, "兆": 10**12}

_TECHNICAL: Final = (
    r"(?:°C|℃|mm|cm|[µμ]m|nm|mL|ml|cc|mg|g|N·m|Nm|kN|N|MPa|kPa|hPa|Pa|kV|V|mA|A|kHz|MHz|GHz|Hz|dB"
    r"|ppm|ppb|km|m|ms|s|min|h|degrees?|metres?|meters?|kilomet(?:re|er)s?|minutes?|hours?|seconds?"
    r"|days?|weeks?|months?|years?|度|分|秒|時間|日間?|週間?|[かヶカケ]月間?|メートル)"
)
_AGO: Final = r"(?:年(?:間|前|後|以上|ほど|目)?)"
_MONTHS: Final = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan\.|Feb\.|Mar\.|Apr\.|Jun\.|Jul\.|Aug\.|Sept?\.|Oct\.|Nov\.|Dec\."
)
_ABOUT_JA: Final = "(?:約|およそ|おおよそ|ほぼ)?"
_ABOUT_EN: Final = r"(?:(?:about|around|approximately|roughly|some)\s+)?"
_CURRENCY: Final = r"(?:yen|JPY|dollars?|USD|euros?|EUR|pounds?|ドル|ユーロ|円)"
_COUNTERS: Final = "[人名個本枚回台件頭羽戸軒社棟室席組袋箱缶店便隻匹品種年円]"

_MONEY: Final = re.compile(
    rf"[¥$€£]\s?(?:{_EN_NUM})(?:{_EN_RANGE}[¥$€£]?\s*(?:{_EN_NUM}))?"
    rf"|(?<![\d.,]){_ABOUT_JA}(?:(?:{_JA_NUM}|{_KANJI_NUM}){_RANGE})?(?:{_JA_NUM}|{_KANJI_NUM})"
    r"\s{0,3}(?:円|ドル|ユーロ)(?:台|前後|弱|強)?"
    rf"|(?<![\w.,]){_ABOUT_EN}(?:(?:{_EN_NUM}){_AND})?(?:{_EN_NUM})[\s-]*{_CURRENCY}\b",
    re.IGNORECASE,
)
_DATE: Final = re.compile(
    r"(?<!\d)(?:令和|平成|昭和|大正|[RHS](?=\d{1,2}年))\s*(?:元|\d{1,2}|[一二三四五六七八九十]{1,3})年"
    r"(?:度|\s*\d{1,2}月(?:\s*\d{1,2}日)?)?"
    r"|(?<!\d)(?:1[89]|20)\d{2}年(?:度|代|\s*\d{1,2}月(?:\s*\d{1,2}日)?)?"
    r"|(?<!\d)\d{1,2}月\s*\d{1,2}日"
    r"|(?<!\d)(?:1[89]|20)\d{2}[-/.]\d{1,2}(?:[-/.]\d{1,2})?(?!\d)"
    r"|(?<!\d)\d{1,2}/\d{1,2}/(?:\d{2}){1,2}(?!\d)"
    rf"|\b(?:\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?)?(?:{_MONTHS})(?:\s+\d{{1,2}}(?:st|nd|rd|th)?\b"
    rf"(?!\s*%))?,?\s+(?:1[89]|20)\d{{2}}\b"
    rf"|\b(?:{_MONTHS})\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?!\s*%|[\d.,]*\d)"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:{_MONTHS})(?!\w)"
    r"|(?<![\w.,¥$-])(?:19|20)\d{2}s?(?![\w,]|\.\d|\s*(?:%|円|個|本|枚|人|名|件|t\b|kg\b|mL\b|m\b))"
)
_SHARE: Final = re.compile(
    rf"(?<![\d.,])(?:{_NUM})(?:\s?%?{_EN_RANGE}(?:{_NUM}))?\s*(?:%|パーセント|per\s?cent\b)",
    re.IGNORECASE,
)
_JA_COUNT: Final = re.compile(
    rf"(?<![\d.,A-Za-z]){_ABOUT_JA}((?:{_JA_NUM}){_RANGE})?({_JA_NUM})(?![\d,.]*\d)\s*"
    rf"({_TECHNICAL}(?![A-Za-z0-9²³])|{_AGO}|世代|世紀|[番号条階歳才代割倍月日時次位]|[x×]|[A-Za-z%]+[23²³]?)?"
)
_KANJI_COUNT: Final = re.compile(
    rf"(?<![数何{_KANJI_NUM[1:-6]}])({_KANJI_NUM})(?=(?:{_COUNTERS}|ト|キ))"
)
_EN_COUNT: Final = re.compile(
    rf"(?<![\w.,]){_ABOUT_EN}((?:{_EN_NUM}){_EN_RANGE})?({_EN_NUM})"
    rf"(?:(st|nd|rd|th)\b|(?![\w.,]*\d)(-?)(?=(\s*(?-i:{_TECHNICAL}|kg|ha|t|tonnes?|kW|MW|L|m2|m3)(?![\w²³]))|[^\w]|$))",
    re.IGNORECASE,
)
_STANDARD: Final = re.compile(
    r"(?:ISO|JIS|IEC|IEEE|RFC|EN|DIN|ASTM|FSSC|pH|TRL|AA|No\.|Fig\.|COVID|第|B|M|SUS|PM|CO|Industry)"
    r"[\s-]?(?:[A-Z]{1,2}[\s-]?)?$"
)
_DETERMINER: Final = re.compile(
    r"\b(?:our|the|my|these|those|their|its|all|an?|each|every|last|past|next|first)\s+$",
    re.IGNORECASE,
)
_SIZES_EN: Final = (
    (10, "a few"), (20, "more than ten"), (100, "tens of"), (10**3, "hundreds of"),
    (10**4, "thousands of"),
    (10**5, "tens of thousands of"), (10**6, "hundreds of thousands of"), (10**7, "millions of"),
    (10**8, "tens of millions of"), (10**9, "hundreds of millions of"),
)  # fmt: skip
_SIZES_JA: Final = (
    *("数", "数十", "数百", "数千"),
    *("数万", "数十万", "数百万", "数千万", "数億", "数十億"),
)


_PERCENT: Final = re.compile(r"\s?%")
_NUMBERED: Final = frozenset({"世代", "世紀", *"番号条階次位"})
_NO_NOUN: Final = re.compile(
    r"\s{0,3}(?:[.,;:)!?\n]|$|(?:is|are|was|were|has|have|had|will|would|can|could|still|a|an|per|to|in|of"
    r"|and|or|but|for|at|on|that|which|who|by|from|with|now|each|every|as|so|use|do|did)\b(?!-))",
    re.IGNORECASE,
)
"""What follows a number that stands for a thing by itself."""


@dataclass(frozen=True, slots=True)
class Found:
    """A number at `plain[start:end]` and what to write for it."""

    start: int
    end: int
    kind: Kind
    replacement: str


def numbers(plain: str, language: Language) -> Iterator[Found]:
    """The telling numbers of a text in NFKC; they may overlap, the telling ones come first."""
    for pattern, kind in ((_MONEY, Kind.MONEY), (_DATE, Kind.DATE)):
        for match in pattern.finditer(plain):
            yield Found(match.start(), match.end(), kind, WORDS[kind][language])
    for match in _SHARE.finditer(plain):
        if any(value % 10 for value in _every_value(match[0])):
            yield Found(match.start(), match.end(), Kind.SHARE, WORDS[Kind.SHARE][language])
    yield from _japanese_counts(plain) if language == "ja" else _english_counts(plain)


def _japanese_counts(plain: str) -> Iterator[Found]:
    for match in _JA_COUNT.finditer(plain):
        start, end, unit = match.start(), match.end(2), match[3] or ""
        value = value_of(match[2])
        if unit.endswith("%") or _stays(value, unit, plain[max(0, start - 30) : start], match[1]):
            continue
        word = _japanese_size(value)
        if unit[:1] in set("歳才") or _is_technical(unit):
            word, end = WORDS[Kind.QUANTITY]["ja"], match.end()
        elif unit in _NUMBERED:
            word = WORDS[Kind.QUANTITY]["ja"]
        yield Found(start, end, Kind.QUANTITY, word)
    for match in _KANJI_COUNT.finditer(plain):
        value = value_of(match[1])
        if value > HARMLESS:
            yield Found(match.start(), match.end(), Kind.QUANTITY, _japanese_size(value))


def _english_counts(plain: str) -> Iterator[Found]:
    for match in _EN_COUNT.finditer(plain):
        start, end = match.start(), match.end(2)
        value, ordinal, hyphen, unit = value_of(match[2]), match[3], match[4], match[5] or ""
        if _stays(value, unit.strip(), plain[max(0, start - 30) : start], match[1]):
            continue
        if _PERCENT.match(plain, end):
            continue
        bare = not unit and _NO_NOUN.match(plain, end)
        if (
            ordinal
            or hyphen
            or bare
            or _is_technical(unit)
            or _DETERMINER.search(plain[max(0, start - 30) : start])
        ):
            word = WORDS[Kind.QUANTITY]["en"]
            if ordinal or (_is_technical(unit) and not hyphen):
                end = match.end(3 if ordinal else 5)
        else:
            word = next((word for limit, word in _SIZES_EN if value < limit), "very many")
            word = word.capitalize() if plain[start].isupper() else word
        yield Found(start, end, Kind.QUANTITY, word)


def _stays(value: float, unit: str, before: str, ranged: str | None) -> bool:
    values = [value, *([value_of(_first(ranged))] if ranged else [])]
    if _STANDARD.search(before[-12:]):
        return True
    if unit[:1] in set("月日時代割") and not unit.startswith(("日間", "時間")):
        return True
    if _is_technical(unit):
        step = 5 if unit.endswith(("°C", "℃")) else 0
        return all(_is_round(v) or (step and v % step == 0) for v in values)
    if unit.startswith("倍"):
        return value <= HARMLESS
    if _is_goods(unit):
        return value == 1 and not ranged  # a price of 1 kg
    return all(v <= HARMLESS and v == int(v) for v in values)


def _first(ranged: str) -> str:
    match = re.match(rf"{_EN_NUM}|{_JA_NUM}", ranged, re.IGNORECASE)
    return match[0] if match else "0"


def _is_technical(unit: str) -> bool:
    return re.fullmatch(_TECHNICAL, unit.strip(), re.IGNORECASE) is not None


def _is_goods(unit: str) -> bool:
    """Of mass, area and power: even a few tonnes are unlike those of the next company."""
    return unit in {
        "t",
        "tonne",
        "tonnes",
        "kg",
        "ha",
        "kW",
        "MW",
        "L",
        "kL",
        "m2",
        "m3",
        "m²",
        "m³",
    }


def _is_round(value: float) -> bool:
    """One digit that counts, or a multiple of five up to a hundred."""
    digits = f"{value:.10f}".replace(".", "").strip("0")
    return (
        len(digits) <= 1
        or (value <= HARMLESS * 2 and value == int(value))
        or (value <= 100 and value % 5 == 0)
    )


def _japanese_size(value: float) -> str:
    if HARMLESS - 3 < value < 20:
        return "十数"
    place = max(len(str(int(value))) - 1, 0)
    return _SIZES_JA[min(place, len(_SIZES_JA) - 1)]


def _every_value(text: str) -> list[float]:
    return [float(found.replace(",", "")) for found in re.findall(_NUM, text)]


def value_of(text: str) -> float:
    """What a number says: 1万2千 is 12000, four million 4000000, 八千 8000.

    It is for sizes: 0 if it cannot be read.
    """
    text = text.strip().casefold().replace(",", "")
    if re.search("[a-z]", text):
        return _english_value(text)
    total = section = digits = 0.0
    for part in re.findall(r"\d+(?:\.\d+)?|[〇一二三四五六七八九]|[十百千万億兆]", text):
        if part in {"万", "億", "兆"}:
            total += (section + digits or 1) * _KANJI_SCALES[part]
            section = digits = 0
        elif part in _KANJI_SCALES:
            section += (digits or 1) * _KANJI_SCALES[part]
            digits = 0
        elif part in _KANJI_VALUES:
            digits = digits * 10 + _KANJI_VALUES[part]
        else:
            digits = float(part)
    return min(total + section + digits, _HUGE)


def _english_value(text: str) -> float:
    value = 0.0
    for part in re.findall(r"\d+(?:\.\d+)?|[a-z]+", text):
        if part in _SCALES:
            value = (value or 1) * _SCALES[part]
        elif part in _VALUES:
            value += _VALUES[part]
        elif part[0].isdigit():
            value += float(part)
    return min(value, _HUGE)
