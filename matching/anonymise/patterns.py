"""What gives somebody away by its shape alone: contacts, people, companies, places, products."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from matching.anonymise.kinds import Kind
from matching.anonymise.place_names import GENERIC_EN, GENERIC_JA
from matching.anonymise.trade_words import LEGAL_EN, LEGAL_JA, TRADE_ENDS
from matching.names import fold_kanji
from matching.names.surnames import surname_readings
from matching.text import ENGLISH_STOPWORDS

Found = tuple[int, int, Kind]

_KANJI: Final = "\u3400-\u9fff々"
_AT: Final = r"\s?(?:@|\(at\)|\[at\]|＠)\s?"
_DOMAINS: Final = (
    "jp|com|net|org|co|io|info|biz|eu|de|uk|cn|tw|kr|edu|gov|app|dev|tech|shop|xyz|me|site"
)
_EMAIL: Final = re.compile(
    rf"(?<![A-Za-z0-9._%+'-])[A-Za-z0-9._%+'-]+{_AT}[A-Za-z0-9-]+(?:\s?(?:\.|\(dot\)|\[dot\])\s?[A-Za-z0-9-]+)*",
    re.IGNORECASE,
)
_URL: Final = re.compile(
    r"(?:(?:https?|ftp)://|www\.)[!-~]+"
    r"|(?<![A-Za-z0-9@.-])(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,8}"
    rf"(?:{_DOMAINS})(?![A-Za-z0-9])(?:[/?#][!-~]*)?",
    re.IGNORECASE,
)
_ACCOUNT: Final = re.compile(r"(?<![\w.])[@#][A-Za-z]\w{2,}")
_GAP: Final = r"[\s().\-‐‑‒–—―−ー・]{0,3}"
_PHONE: Final = re.compile(
    rf"(?<![\d.,])(?:\+{_GAP}\d{{1,3}}|\(?0\d|00\d)(?:{_GAP}\d){{6,12}}(?!\d)(?![.,]\d)"
    r"|\(\d{3}\)\s?\d{3}[-.\s]\d{4}(?!\d)|(?<![\d.,-])\d{3}[-.]\d{3}[-.]\d{4}(?![\d-])"
)
_EXTENSION: Final = re.compile(r"(?:内線|ext\.?|extension)\s*\d{2,6}", re.IGNORECASE)
_POSTCODE: Final = re.compile(r"〒\s*\d{3}\s?[-‐–−ー]?\s?\d{4}|(?<![\d-])\d{3}[-‐−]\d{4}(?![\d-])")

_TITLES_EN: Final = "Mr|Ms|Mrs|Miss|Dr|Prof|Professor|President|Director|Chairman|Mayor|Sensei"
_PERSON_EN: Final = re.compile(
    rf"\b(?:{_TITLES_EN})\b\.?\s+(?:[A-Z]\.\s*)*[A-Z][\w'’-]{{1,40}}(?:\s+[A-Z][\w'’-]{{1,40}})?"
    r"|\b[A-Z]\w+(?:\s[A-Z]\w+)?[-\s](?:san|sama|sensei)\b"
)
_HONORIFIC: Final = (
    "さん|さま|様|氏|君|先生|殿|准教授|名誉教授|特任教授|教授|博士|社長|会長|専務|常務|部長|課長|工場長"
    "|所長|室長|主任|研究員|女史|町長|市長|村長|理事長|理事|杜氏"
)
_PERSON_JA: Final = re.compile(rf"([{_KANJI}ヶノ]{{1,6}}|[ァ-ヺー・]{{2,20}})\s?({_HONORIFIC})")
_FOR_ANYBODY: Final = frozenset({"さん", "さま", "様", "氏", "殿", "先生", "女史"})
"""Behind a word that is no known surname only these make it a person's name."""
_NO_PERSON: Final = re.compile(
    "(?:客|皆|奥|業者|農家|生徒|患者|子供|職人|会社|担当者|担当|利用者|職員|社員|消費者|生産者|者|親|娘|息子|孫"
    "|祖父|祖母|父|母|兄|弟|姉|妹|嫁|組合員|先|店|屋|業|社|各位|住民|町民|市民|村民|県民|地元|彼|同|両|某|諸"
    "|摂|華|神|王|人|方|員|団体|施設|病院|学校|大学|工場|主|家|医師|専門家|先輩|後輩|老|仏|貴|別|多|仕|異|有"
    "|無|模|文|多種多|国|県|市|町|村|官|司|メーカー|オーナー|スタッフ|ユーザー|ドライバー|シェフ|パート"
    "|アルバイト|バイヤー|ママ|パパ)$"
)
_COMPANY_JA: Final = re.compile(
    rf"(?:{LEGAL_JA})\s?[{_KANJI}ァ-ヺー・A-Za-z0-9&]{{1,30}}"
    rf"|[{_KANJI}ァ-ヺー・A-Za-z0-9&]{{1,30}}\s?(?:{LEGAL_JA})"
)
_COMPANY_EN: Final = re.compile(
    r"\b[A-Z][\w&'’-]{0,40}(?:\s+(?:(?:and|of|&)\s+)?[A-Z][\w&'’-]{0,40}){0,5},?\s+"
    rf"(?-i:{LEGAL_EN})"
)
_SCHOOL_JA: Final = re.compile(
    rf"([{_KANJI}ヶノ]{{1,8}})(?:大学|高専|高等専門学校|高校)(?!生|院生|発|等)"
)
_NO_SCHOOL: Final = re.compile(
    "(?:国立|公立|私立|県立|市立|地元|他|各|同|本|当|近隣|短期|女子|工業|農業|県内|全国|元)$"
)
_SCHOOL_EN: Final = re.compile(
    r"\b(?:(?:[A-Z][\w'’-]{1,40}\s+){1,4}(?:University|Institute|College)\b(?:\s+of\s+[A-Z]\w+(?:\s+and\s+[A-Z]\w+)?)?"
    r"|University\s+of\s+[A-Z]\w+)"
)

_PLACE_JA: Final = re.compile(
    rf"(?<![{_KANJI}])([{_KANJI}ヶケノ]{{1,5}}?[市町村郡県府川港駅島湾峠岳])(?:[{_KANJI}]{{1,3}}[町村区])?"
    rf"(?![{_KANJI}])|(?<![{_KANJI}])([{_KANJI}ヶケノ]{{1,4}}?[市町村郡県港駅])(?=[内外産沿付周近])"
)
_ADDRESS: Final = re.compile(
    rf"(?:大字|小字)[{_KANJI}ヶノ]{{1,8}}(?:\d{{1,5}}(?:[-‐−の]\d{{1,4}})*)?"
    r"|\d{1,3}丁目(?:\s?\d{1,4}(?:番地?|[-‐−])?(?:\s?\d{1,4}号?)?)?|\d{1,5}番地(?:の?\d{1,4})?"
)
_PLACE_EN: Final = re.compile(
    r"\b((?:[A-Z][\w'’]{1,40}[\s-]){1,2})(?:City|Town|Village|Prefecture|District|County|River|Port|Harbou?r"
    r"|Station|Bay|Island|Peninsula|Valley|Mountains?|Airport)\b"
    r"|\b[A-Z][a-z]+-(?:shi|cho|machi|mura|son|gun|ken|ku|gawa|dake|wan)\b"
    r"|\b(?:Mt|Mount|Lake|Cape)\.?\s+[A-Z]\w+"
)
_MODEL: Final = re.compile(
    r"(?<![A-Za-z0-9-])(?=[A-Z0-9-]*\d[A-Z0-9-]*\d)(?=[A-Za-z-]*[A-Z]{1})[A-Z]{1,6}[-‐–−]?[A-Z]?"
    r"\d{2,}[A-Za-z0-9]*(?:[-/][A-Za-z0-9]+)*(?![A-Za-z0-9])"
)
_STANDARD: Final = re.compile(
    r"(?:ISO|JIS|IEC|IEEE|RFC|EN|DIN|ASTM|SUS|PM|COVID|FSSC|TRL|CO|CT|UV)"
)
_MARKED: Final = re.compile(
    r"[A-Za-z0-9ァ-ヺー\u3400-\u9fff][A-Za-z0-9ァ-ヺー\u3400-\u9fff-]{0,40}\s?(?:[®™©]|\((?:R|TM)\))"
)
_QUOTED: Final = re.compile(
    '「([^「」\n]{1,30})」|『([^『』\n]{1,40})』|“([^“”\n]{1,40})”|"([^"\n]{1,40})"|‘([^‘’\n]{2,40})’'
)
_PHRASE: Final = re.compile(
    "[をはがへ、。]|との|[うくすつぬむるいたてだでよねかもし]$|ました|です|(..)\\1"
)


_WORD: Final = re.compile(r"[\w'’-]+")
_LEAD: Final = GENERIC_EN | ENGLISH_STOPWORDS
"""Words before a name that are no part of it."""


def contacts(plain: str) -> Iterator[Found]:
    """E-mail and web addresses, telephone numbers, post codes and accounts."""
    for pattern in (_EMAIL, _URL, _ACCOUNT, _PHONE, _EXTENSION, _POSTCODE):
        for match in pattern.finditer(plain):
            end = match.end() - (len(match[0]) - len(match[0].rstrip(".,;:)'\"!?")))
            yield match.start(), end, Kind.CONTACT


def people(plain: str) -> Iterator[Found]:
    """Names with a title or an honorific."""
    for match in _PERSON_EN.finditer(plain):
        yield match.start(), match.end(), Kind.PERSON
    for match in _PERSON_JA.finditer(plain):
        name, honorific = match[1], match[2]
        surname = _surname_at_end(name)
        if surname:
            yield match.end(1) - surname, match.end(), Kind.PERSON
        elif honorific in _FOR_ANYBODY and len(name) <= 12 and not _NO_PERSON.search(name):
            yield match.start(), match.end(), Kind.PERSON


def _surname_at_end(name: str) -> int:
    """How much of the end of a run of kanji is a surname, or a surname and a given name."""
    folded = fold_kanji(name)
    for length in range(len(name), 1, -1):
        rest = folded[-length:]
        if any(
            surname_readings(rest[:cut]) and length - cut <= 3 for cut in (3, 2) if cut <= length
        ):
            return length
    return len(name) if surname_readings(folded) else 0


def organisations(plain: str) -> Iterator[Found]:
    """Companies with their legal form, and universities and schools."""
    for match in _COMPANY_JA.finditer(plain):
        yield match.start(), match.end(), Kind.COMPANY
    for match in _COMPANY_EN.finditer(plain):
        yield _after_lead(match), match.end(), Kind.COMPANY
    for match in _SCHOOL_JA.finditer(plain):
        if not _NO_SCHOOL.search(match[1]):
            yield match.start(), match.end(), Kind.INSTITUTION
    for match in _SCHOOL_EN.finditer(plain):
        yield _after_lead(match), match.end(), Kind.INSTITUTION


def _after_lead(match: re.Match[str]) -> int:
    """Where a name begins behind words such as At, Our and The; its end if it is nothing else."""
    for word in _WORD.finditer(match[0]):
        if word[0].casefold() not in _LEAD:
            return match.start() + word.start()
    return match.end()


def places(plain: str) -> Iterator[Found]:
    """Names that end as those of towns, rivers and stations do."""
    for match in _PLACE_JA.finditer(plain):
        name = match[1] or match[2]
        if name not in GENERIC_JA and name[:-1] not in TRADE_ENDS:
            yield match.start(), match.end(), Kind.PLACE
    for match in _ADDRESS.finditer(plain):
        yield match.start(), match.end(), Kind.PLACE
    for match in _PLACE_EN.finditer(plain):
        start = _after_lead(match)
        if start < match.start() + len(match[1] or match[0]):
            yield start, match.end(), Kind.PLACE


def products(plain: str, is_plain_word: Callable[[str], bool]) -> Iterator[Found]:
    """Model numbers, what bears a trade mark's sign, and quoted names.

    `is_plain_word` says of a quoted text whether it is words of the language.
    """
    for match in _MODEL.finditer(plain):
        if not _STANDARD.match(match[0]):
            yield match.start(), match.end(), Kind.PRODUCT
    for match in _MARKED.finditer(plain):
        yield match.start(), match.end(), Kind.PRODUCT
    for match in _QUOTED.finditer(plain):
        text = next(group for group in match.groups() if group)
        if _names_something(text) and not is_plain_word(text):
            yield match.start(), match.end(), Kind.PRODUCT


def _names_something(text: str) -> bool:
    if text.isascii():
        return len(text.split()) <= 4 and re.search("[A-Z]|\\d", text) is not None
    return _PHRASE.search(text) is None


def by_shape(plain: str, is_plain_word: Callable[[str], bool]) -> Iterator[Found]:
    """All of it; English shapes are looked for in Japanese texts too, and the other way round."""
    yield from contacts(plain)
    yield from people(plain)
    yield from organisations(plain)
    yield from places(plain)
    yield from products(plain, is_plain_word)
