"""Readings in one spelling: kana, Hepburn and Kunrei or Nihon romaji of a name sound the same.

The one spelling is Kunrei romaji without long vowels, since these are written in too many ways
(Ōno, Ohno, Oono, Ono) to be told apart. It is for comparison only and is never shown. 大野 and
小野 therefore sound the same here: a search finds both rather than neither.
"""

import re
import unicodedata
from typing import Final

_ROWS: Final = {
    "": "あいうえお",
    "k": "かきくけこ",
    "s": "さしすせそ",
    "t": "たちつてと",
    "n": "なにぬねの",
    "h": "はひふへほ",
    "m": "まみむめも",
    "r": "らりるれろ",
    "g": "がぎぐげご",
    "z": "ざじずぜぞ",
    "d": "だぢづでど",
    "b": "ばびぶべぼ",
    "p": "ぱぴぷぺぽ",
}
SYLLABLES: Final = {
    **{k: c + v for c, row in _ROWS.items() for k, v in zip(row, "aiueo", strict=True)},
    "や": "ya",
    "ゆ": "yu",
    "よ": "yo",
    "わ": "wa",
    "ゐ": "i",
    "ゑ": "e",
    "を": "o",
    "ゔ": "vu",
    "ぢ": "zi",
    "づ": "zu",
    "ん": "n",
    "ー": "",
    "ゎ": "wa",
    "ゕ": "ka",
    "ゖ": "ke",
}
"""Kunrei romaji of each kana that stands alone."""
_SMALL: Final = {
    "ゃ": "a",
    "ゅ": "u",
    "ょ": "o",
    "ぁ": "a",
    "ぃ": "i",
    "ぅ": "u",
    "ぇ": "e",
    "ぉ": "o",
}
_GLIDES: Final = frozenset("ゃゅょ")
_KANA: Final = re.compile("[\u3041-\u3096\u309d\u309eー]+")
_TO_HIRAGANA: Final = {code: code - 0x60 for code in range(0x30A1, 0x30F7)} | {
    0x30FD: 0x309D,
    0x30FE: 0x309E,
}
_MARKED: Final = {
    "ヷ": "ヴァ",
    "ヸ": "ヴィ",
    "ヹ": "ヴェ",
    "ヺ": "ヴォ",
    "ゟ": "より",
    "ヿ": "こと",
}
_DAKUTEN: Final = dict(
    zip(
        "かきくけこさしすせそたちつてとはひふへほ",
        "がぎぐげござじずぜぞだぢづでどばびぶべぼ",
        strict=True,
    )
)
"""What the repetition mark ゞ makes of the kana before it."""

_PLAIN: Final = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"}
_SPELLINGS: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("c(?=ch)", "t"),  # Kocchi, Kotchi
        ("(?:ch|sh|j)(?=i)", lambda m: {"ch": "t", "sh": "s", "j": "z"}[m[0]]),
        ("(?:ch|sh|j)(?=[aueo])", lambda m: {"ch": "ty", "sh": "sy", "j": "zy"}[m[0]]),
        ("ch|sh|j", lambda m: {"ch": "t", "sh": "s", "j": "z"}[m[0]]),
        ("ts", "t"),
        ("dz|d(?=[iu])", "z"),  # Nihon di, du; and づ as dzu
        ("f", "h"),
        ("uye", "ue"),  # Inouye
        ("m(?=[bpm])", "n"),  # Shimbashi, Homma
        # Ōno, Ohno, Oono: an h before a vowel begins a syllable (Ohara), before others it is length
        ("o(?:[ou]|h(?![aiueo]))+", "o"),
        ("u(?:u|h(?![aiueo]))+", "u"),
        ("a{2,}", "a"),
        ("i{2,}", "i"),
        ("e{2,}", "e"),
    )
)
_ANY_SPELLING: Final = re.compile("|".join(f"(?:{pattern.pattern})" for pattern, _ in _SPELLINGS))
_MOST_PASSES: Final = 8


def to_hiragana(text: str) -> str:
    """Katakana as hiragana, repetition marks written out; all else as it is. NFKC is expected."""
    if text.isascii():
        return text
    for kana, longer in _MARKED.items():
        text = text.replace(kana, longer)
    text = text.translate(_TO_HIRAGANA)
    letters: list[str] = []
    for letter in text:
        if letter in "ゝゞ" and letters:
            before = letters[-1]
            letters.append(_DAKUTEN.get(before, before) if letter == "ゞ" else before)
        else:
            letters.append(letter)
    return "".join(letters)


def is_kana_word(word: str) -> bool:
    """True if a word, katakana already turned into hiragana, holds nothing but kana."""
    return _KANA.fullmatch(word) is not None


def kana_sound(hiragana: str) -> str:
    """The sound of a word in hiragana: たかはし is `takahasi`, こうたろう is `kotaro`."""
    found: list[str] = []
    double = False
    for letter in hiragana:
        if letter == "っ":
            double = True
        elif letter in _SMALL and found and found[-1]:
            found[-1] = _with_small(found[-1], letter)
        else:
            syllable = SYLLABLES.get(letter, _SMALL.get(letter, ""))
            doubled = double and syllable[:1] not in tuple("aiueon")
            found.append(syllable[:1] + syllable if doubled else syllable)
            double = False
    return latin_sound("".join(found))


def _with_small(syllable: str, small: str) -> str:
    """し and ゃ are sya, ち and ぇ are tye, て and ぃ are ti, う and ぇ are we."""
    onset, vowel = syllable.rstrip("aiueo"), _SMALL[small]
    if small in _GLIDES:
        return onset.removesuffix("y") + "y" + vowel
    if syllable in {"si", "ti", "zi"} and vowel != "i":
        return f"{onset}y{vowel}"
    return ("w" if syllable == "u" else onset) + vowel


def latin_sound(word: str) -> str:
    """The sound of a word in Latin letters: Takahashi and TAKAHASI are `takahasi`.

    Works on any Latin word: one that is no Japanese name is changed in the same way wherever it
    is written, so that it is still found. A sound is left as it is.
    """
    word = _plain(word)
    for _ in range(_MOST_PASSES):
        if not _ANY_SPELLING.search(word):  # so of most words, after at most one pass
            break
        before = word
        for pattern, replacement in _SPELLINGS:
            word = pattern.sub(replacement, word)
        if word == before:
            break
    return word


def _plain(word: str) -> str:
    """Small letters without marks: Ō is o."""
    if word.isascii():
        return word.lower()
    # Taken apart first: ℰ becomes the capital E, which is then made small.
    apart = unicodedata.normalize("NFKD", word).casefold()
    folded = unicodedata.normalize("NFKD", apart)
    bare = "".join(letter for letter in folded if not unicodedata.combining(letter))
    return "".join(_PLAIN.get(letter, letter) for letter in bare)


def hiragana_of(sound: str) -> str | None:
    """The hiragana of a sound, long vowels short; None if it is that of no Japanese word.

    `takahasi` is たかはし; `smit` is none.
    """
    if not _JAPANESE_SOUND.fullmatch(sound):
        return None
    return "".join(_kana_of(match[0]) for match in _SYLLABLE.finditer(sound))


def _kana_of(syllable: str) -> str:
    if syllable in _HIRAGANA:
        return _HIRAGANA[syllable]
    if len(syllable) == 1:  # the first half of a double consonant
        return "っ"
    return _HIRAGANA[syllable[0] + "i"] + {"a": "ゃ", "u": "ゅ", "o": "ょ", "e": "ぇ"}[syllable[2]]


_HIRAGANA: Final = {
    sound: kana for kana, sound in SYLLABLES.items() if sound and kana not in "ぢづゐゑをゎゕゖゔ"
}
_ONE: Final = r"([kstpgzdbh])(?=\1)|[kstnhmrgzbp]y[aueo]|[kstnhmrgzbp]?[aiueo]|y[auo]|wa|d[aeo]|n"
_SYLLABLE: Final = re.compile(_ONE)
_JAPANESE_SOUND: Final = re.compile(f"(?:{_ONE})+")
