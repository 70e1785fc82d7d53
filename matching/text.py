"""Text preparation: normalisation, language by script, sentences, and words for the lexical index.

Every text passes through `normalise` before it is hashed, embedded or tokenised, so that two
spellings that differ only in width or invisible characters are one text.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import Stemmer

Language = Literal["ja", "en"]

TEXT_PREPARATION_VERSION: Final = 1
"""Part of every encoder id: bump it when `normalise` changes what an encoder is given."""

# Kana and kanji; not the middle dot ・, which also heads the lines of English lists.
_JAPANESE: Final = (
    "\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\u3400-\u9fff\uf900-\ufaff\u3005\u3006\U00020000-\U0003ffff"
)
_JAPANESE_RUN: Final = re.compile(f"[{_JAPANESE}]+")
_LATIN_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_WHITESPACE: Final = re.compile(r"\s+")
# Zero-width and bidi signs, soft hyphens, variation selectors, tags.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_CONTROL: Final = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
_KANA: Final = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_KANJI: Final = re.compile("[\u3005\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KANA_ONLY: Final = re.compile("[぀-ゟー]+")

# A sentence ends at Japanese stops, at a line break, or at . ! ? before a space and a capital,
# digit, quote or Japanese letter. "5.2", initials and the common abbreviations stay inside.
_NO_END: Final = "".join(
    rf"(?<!\b{abbreviation}\.)"
    for abbreviation in (
        "[A-Z]",
        r"e\.g",
        r"i\.e",
        "cf",
        "al",
        "Fig",
        "No",
        "vs",
        "Dr",
        "Prof",
        "ca",
    )
)
_SENTENCE_END: Final = re.compile(
    rf"(?<=。)|(?<=[{_JAPANESE}][.!?])(?!\d)|\n+"
    rf"|(?<=[.!?]){_NO_END}\s+(?=[\"'(“A-Z0-9{_JAPANESE}])"
)

# The same for a text without Japanese, begun by the white space: several times as fast to search.
_ASCII_SENTENCE_END: Final = re.compile(
    rf"\s(?:(?<=\n)\n*|(?<=[.!?]\s){_NO_END.replace(')', chr(92) + 's)')}\s*(?=[\"'(A-Z0-9]))"
)

BARE_RUN: Final = 12
"""Words in a row without grammar from which on they are a list and not language."""
# Hiragana or a sign that ends a stretch of words; else a word: kanji or katakana, or any other.
_RUN_PART: Final = re.compile(
    "[\u3041-\u309f]+|[.!?。;:()\\n]+|[\u30a0-\u30fa\u30fc-\u30ff\u3400-\u9fff\u3005]+"
    "|[^\\W_\u3041-\u30ff\u3400-\u9fff\u3005]+(?:['’][^\\W_]+)?"
)

_STOPWORDS: Final = """
a about all also an and any are as at be been but by can could did do does for from had has
have he her his how i if in into is it its may more most no not of on or our she should so some
such than that the their them then there these they this those to very was we were what when
where which while who will with would you your
"""
ENGLISH_STOPWORDS: Final = frozenset(_STOPWORDS.split())
_STEMMER: Final = Stemmer.Stemmer("english")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a text: `text[start:end]` of the text it was cut from."""

    start: int
    end: int
    text: str


def normalise(text: str) -> str:
    """NFKC (half-width kana, ①, ㈱ …), without invisible and control characters, single spaces.

    Line breaks are kept, since they end a sentence.
    """
    # Before NFKC: an invisible sign between a letter and its mark would keep them apart.
    text = _INVISIBLE.sub("", _CONTROL.sub(" ", text))
    text = unicodedata.normalize("NFKC", text)
    lines = (_WHITESPACE.sub(" ", line).strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def content_hash(text: str) -> str:
    """SHA-256 (64 hexadecimal digits) of the normalised text: the key of its vector."""
    return hashlib.sha256(normalise(text).encode()).hexdigest()


def has_japanese(text: str) -> bool:
    """True if the text holds at least one kana or kanji."""
    return _JAPANESE_RUN.search(text) is not None


def is_reading(text: str) -> bool:
    """True of how a name is read: kana, without kanji; `みやざきTLO` is one, `Miyazaki` is none."""
    text = normalise(text)
    return _KANA.search(text) is not None and _KANJI.search(text) is None


def language_of(text: str) -> Language:
    """`ja` if at least a tenth of the letters are kana or kanji, else `en`.

    A Japanese text full of English terms is still Japanese; an English one that names 焼酎 once
    is still English.
    """
    japanese = sum(len(run) for run in _JAPANESE_RUN.findall(text))
    letters = sum(character.isalpha() for character in text)
    return "ja" if letters and japanese >= 0.1 * letters else "en"


def without_japanese(text: str) -> str:
    """The text with each run of kana and kanji replaced by a space."""
    return _WHITESPACE.sub(" ", _JAPANESE_RUN.sub(" ", text)).strip()


def count_latin_words(text: str) -> int:
    """Number of words outside kana and kanji that hold a letter."""
    words = _LATIN_WORD.findall(_JAPANESE_RUN.sub(" ", text))
    return sum(any(letter.isalpha() for letter in word) for word in words)


def bilingual_text(
    title_ja: str | None, body_ja: str | None, title_en: str | None, body_en: str | None
) -> str:
    """The one text under which a need or a capability is hashed, embedded and indexed.

    Normalised; titles and bodies on lines of their own, so that a title is a sentence.
    """
    parts = (title_ja, body_ja, title_en, body_en)
    return normalise("\n".join(part for part in parts if part))


def sentences(text: str) -> list[Span]:
    """The sentences of a text, Japanese or English, with their places in it."""
    spans: list[Span] = []
    start = 0
    ends = (_ASCII_SENTENCE_END if text.isascii() else _SENTENCE_END).finditer(text)
    for end_match in [*ends, None]:
        end = len(text) if end_match is None else end_match.start()
        piece = text[start:end]
        stripped = piece.strip()
        if stripped:
            offset = start + len(piece) - len(piece.lstrip())
            spans.append(Span(offset, offset + len(stripped), stripped))
        if end_match is not None:
            start = end_match.end()
    return spans


def tokens(text: str) -> list[str]:
    """Words for the lexical index, in order, repeats kept.

    Words in Latin and other alphabets are lower-cased, cleared of stop words and stemmed (Snowball
    English). Runs of Japanese become overlapping character bigrams, since a word such as 材料 has
    no spaces around it; bigrams of hiragana alone carry grammar, not topic, and are dropped.
    """
    found: list[str] = []
    text = normalise(text)
    position = 0
    for run in _JAPANESE_RUN.finditer(text):
        found += _latin_tokens(text[position : run.start()])
        found += _bigrams(run.group())
        position = run.end()
    return found + _latin_tokens(text[position:])


def bare_run_words(text: str) -> list[str]:
    """The words, as `tokens` gives them, of stretches of a normalised text that are no language:
    `BARE_RUN` or more words in a row without a function word, a full stop or a line break.

    Commas do not end a stretch. Of Japanese, a run of kanji or katakana is a word, and hiragana,
    which carries the grammar, ends the stretch.
    """
    found: list[str] = []
    run: list[str] = []
    for part in _RUN_PART.findall(text):
        is_word = part[0].isalnum() and not "\u3041" <= part[0] <= "\u309f"
        if is_word and part.lower() not in ENGLISH_STOPWORDS:
            run.append(part)
            continue
        found += run if len(run) >= BARE_RUN else ()
        run = []
    found += run if len(run) >= BARE_RUN else ()
    return tokens(" ".join(found)) if found else []


def _latin_tokens(text: str) -> list[str]:
    words = [word.lower().replace("’", "'") for word in _LATIN_WORD.findall(text)]
    kept: Sequence[str] = [word for word in words if word not in ENGLISH_STOPWORDS]
    return list(_STEMMER.stemWords(kept)) if kept else []


def _bigrams(run: str) -> list[str]:
    if len(run) == 1:
        return [] if _KANA_ONLY.fullmatch(run) else [run]
    pairs = (run[i : i + 2] for i in range(len(run) - 1))
    return [pair for pair in pairs if not _KANA_ONLY.fullmatch(pair)]
