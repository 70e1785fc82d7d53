"""Text preparation: normalisation, language by script, sentences, and words for the lexical index.

Every text passes through `normalise` before it is hashed, embedded or tokenised, so that two
spellings that differ only in width or invisible characters are one text.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

import Stemmer

from matching.variants import ALONE, fold

Language = Literal["ja", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("ja", "en")

TEXT_PREPARATION_VERSION: Final = 1
"""Part of every encoder id: bump it when `normalise` changes what an encoder is given."""

WORDS_VERSION: Final = 2
"""Raise it when `tokens` makes other words of a text than before."""

# Kana and kanji; not the middle dot ・, which also heads the lines of English lists.
_JAPANESE: Final = (
    "\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\u3400-\u9fff\uf900-\ufaff\u3005\u3006\U00020000-\U0003ffff"
)
_JAPANESE_RUN: Final = re.compile(f"[{_JAPANESE}]+")
_LATIN_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_ASCII_LETTER: Final = re.compile("[A-Za-z]")
_WHITESPACE: Final = re.compile(r"\s+")
# Zero-width and bidi signs, soft hyphens, fillers, variation selectors, tags.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_CONTROL: Final = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")


def _joins(character: str) -> bool:
    """True of a mark that joins the letter before it, also of one that NFKC makes such a mark."""
    if not unicodedata.decomposition(character):
        return unicodedata.combining(character) != 0
    return unicodedata.combining(unicodedata.normalize("NFKD", character)[0]) != 0


MOST_MARKS: Final = 30
"""On one letter; Unicode's Stream-Safe Text Format (UAX 15) has the same limit."""


_MARKS: Final = frozenset(filter(_joins, map(chr, range(0x300, 0x20000))))
_TOO_MANY_MARKS: Final = re.compile("([{0}]{{{1}}})[{0}]+".format("".join(_MARKS), MOST_MARKS))
_KANA: Final = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_KANJI: Final = re.compile("[\u3005\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KANA_ONLY: Final = re.compile("[぀-ゟー]+")
_PAIR: Final = re.compile("(?![぀-ゟー]{2})(?=(..))")
_ALONE: Final = re.compile(f"[{''.join(sorted(ALONE))}]")
_PAIR_AND_ALONE: Final = re.compile(f"(?=({_ALONE.pattern})?)(?=((?![぀-ゟー]{{2}})..)?)")

# A sentence ends at a line break, before a bullet, at Japanese stops, or at . ! ? before a space
# and a capital, digit, quote or Japanese letter. Closing quotes and brackets stay with their stop;
# "5.2", initials and the common abbreviations stay inside.
_ABBREVIATIONS: Final = (
    *("[A-Z]", r"e\.g", r"i\.e", "cf", "al", "Figs", "Fig", "Nos", "No", "vs", "Dr", "Prof", "ca"),
    *("approx", "Mrs", "Mr", "Ms", "Eqs", "Eq", "Refs", "Ref", "Sec", "Tab", "Vol", "vol", "pp"),
    "St",
)
_CLOSING: Final = "\"')\\]”’"
_CLOSING_JA: Final = f"{_CLOSING}」』】〕》〉"


def _not_after(abbreviations: Sequence[str], behind: str) -> str:
    """Lookbehinds: what ends here with `behind` is no abbreviation and its stop before that."""
    return "".join(rf"(?<!(?<![A-Za-z]){short}\.{behind})" for short in abbreviations)


_AFTER_SPACE: Final = (
    rf"(?:(?<=[.!?]\s){_not_after(_ABBREVIATIONS, chr(92) + 's')}"
    rf"|(?<=[^.][.!?][{_CLOSING}]\s){_not_after(_ABBREVIATIONS, f'[{_CLOSING}]{chr(92)}s')})\s*"
)
# What goes on after a quotation: 「測る。」と言った。
_GOES_ON: Final = "[、,とってのはがをにもでやへ]"
# A short quotation or remark of several sentences stays in one piece.
_OUTSIDE: Final = r"(?![^「」\n]{0,80}」)(?![^()\n]{0,80}\))"
# Without a space behind, where NFKC has made ．！？ of Japanese papers into . ! ?
_SENTENCE_END: Final = re.compile(
    r"[。.!?\s](?:"
    rf"(?<=。)(?:。*+(?![{_CLOSING_JA}]){_OUTSIDE}|[{_CLOSING_JA}]++(?!{_GOES_ON}))"
    rf"|(?:(?<=[{_JAPANESE}][!?])|(?<=[{_JAPANESE}]\)[!?]))[!?]*+"
    rf"(?:(?![{_CLOSING_JA}])|[{_CLOSING_JA}]++(?!{_GOES_ON}))"
    rf"|(?<=[\w)][{_JAPANESE}]\.)(?![.\d{_CLOSING_JA}]|[a-z]{{2,4}}(?![A-Za-z]))"
    r"|(?<=[\u3041-\u309f]\.)(?=[a-z])"
    rf"|(?:(?<=[)\]」』%]\.)|(?<=\d{{3}}\.))(?=[{_JAPANESE}「『])"
    rf"|(?<=[A-Za-z]{{2}}\.)(?=[{_JAPANESE}「『])(?!{_GOES_ON})"
    rf"{_not_after([*_ABBREVIATIONS, 'Co', 'Ltd', 'Inc'], '')}"
    r"|(?<=\n)\n*|(?<=\s)\s*(?=([●○◎■□◆◇▪‣•])(?!\1)|・\S)"
    rf"|{_AFTER_SPACE}(?=[\"'(“A-Z0-9{_JAPANESE}]))"
)
# The same for a text without Japanese: several times as fast to search.
_ASCII_SENTENCE_END: Final = re.compile(rf"\s(?:(?<=\n)\n*|{_AFTER_SPACE}(?=[\"'(A-Z0-9]))")

OWN_LETTERS: Final = 20
OWN_WORDS: Final = 8
"""So many kana and kanji, or English words in a row, are language and not a name."""
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
    if text.isascii() and text.replace("\n", "").isprintable():
        # Most English texts; what follows would change nothing else of them, at ten times the cost.
        return "\n".join(filter(None, (" ".join(line.split()) for line in text.split("\n"))))
    # Before NFKC: an invisible sign between a letter and its mark would keep them apart.
    text = _INVISIBLE.sub("", _CONTROL.sub(" ", text))
    marked = not _MARKS.isdisjoint(text)
    if marked:
        # NFKC sorts the marks of a letter, in a time that grows with the square of their number.
        text = _TOO_MANY_MARKS.sub(r"\1", text)
    text = unicodedata.normalize("NFKC", text)
    if marked:  # some marks become two
        text = _TOO_MANY_MARKS.sub(r"\1", text)
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.splitlines())))


def tidy_text(text: str, most: int) -> str:
    """`normalise` for a field of at most `most` characters.

    Raises ValueError, before any work, of a text so long that it cannot become one.
    """
    # A decomposed letter has two or three characters; NFKC can also make 18 of one.
    if len(text) > 3 * most:
        raise ValueError(f"should have at most {most} characters")
    return normalise(text)


def tidy_line(text: str, most: int) -> str:
    """`tidy_text` for a name or a title: line breaks become spaces.

    Raises ValueError also of `=?`, with which an encoded word begins in the header of a mail: some
    libraries unfold it into lines of a header of its own.
    """
    line = tidy_text(text, most).replace("\n", " ")
    if "=?" in line:
        raise ValueError("holds =? which mail reads as a code: write a space between the two signs")
    return line


def content_hash(text: str) -> str:
    """SHA-256 (64 hexadecimal digits) of the normalised text: the key of its vector."""
    return hash_of_normalised(normalise(text))


def hash_of_normalised(text: str) -> str:
    """`content_hash` of a text that is normalised already, such as one of `bilingual_text`."""
    return hashlib.sha256(text.encode()).hexdigest()


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
    japanese = japanese_letters(text)
    if not japanese:
        return "en"
    return "ja" if japanese >= 0.1 * sum(map(str.isalpha, text)) else "en"


def japanese_letters(text: str) -> int:
    """Number of kana and kanji."""
    if text.isascii():
        return 0
    return sum(len(run) for run in _JAPANESE_RUN.findall(text))


def languages_of(text: str) -> frozenset[Language]:
    """The languages in which a normalised text says something of its own.

    Japanese if kana and kanji are a tenth of the letters or at least `OWN_LETTERS`; English if
    there is no Japanese, or `OWN_WORDS` words in a row without any, or nothing else. Terms and
    names of the other language do not make a text bilingual.
    """
    japanese = japanese_letters(text)
    if not japanese:
        return frozenset({"en"}) if _has_letter(text) else frozenset()
    found: set[Language] = set()
    if japanese >= OWN_LETTERS or language_of(text) == "ja":
        found.add("ja")
    if any(map(_has_own_words, split_at_japanese(text))):
        found.add("en")
    return frozenset(found or {"en"})  # a short English text with a Japanese name in it


def without_japanese(text: str) -> str:
    """The text with each run of kana and kanji replaced by a space."""
    return _WHITESPACE.sub(" ", _JAPANESE_RUN.sub(" ", text)).strip()


def only_japanese(text: str) -> str:
    """The runs of kana and kanji of a text, with spaces between them."""
    return " ".join(_JAPANESE_RUN.findall(text))


def split_at_japanese(text: str) -> list[str]:
    """The pieces of a text between its runs of kana and kanji."""
    return _JAPANESE_RUN.split(text)


def count_latin_words(text: str) -> int:
    """Number of words outside kana and kanji that hold a letter."""
    words = _LATIN_WORD.findall(_JAPANESE_RUN.sub(" ", text))
    return sum(map(_has_letter, words))


def _has_own_words(piece: str) -> bool:
    """True if a piece without Japanese has `OWN_WORDS` words: it is read no further than these."""
    if len(piece) < 2 * OWN_WORDS - 1:
        return False
    words = filter(_has_letter, (word.group() for word in _LATIN_WORD.finditer(piece)))
    return len(list(islice(words, OWN_WORDS))) == OWN_WORDS


def _has_letter(text: str) -> bool:
    # Most words are letters alone, and most texts hold one of these: both are found quickly.
    return text.isalpha() or _ASCII_LETTER.search(text) is not None or any(map(str.isalpha, text))


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
        end = len(text) if end_match is None else end_match.end()
        piece = text[start:end]
        stripped = piece.strip()
        if stripped:
            offset = start + len(piece) - len(piece.lstrip())
            spans.append(Span(offset, offset + len(stripped), stripped))
        start = end
    return spans


def tokens(text: str) -> list[str]:
    """Words for the lexical index, in order, repeats kept.

    Words in Latin and other alphabets are lower-cased, cleared of stop words and stemmed (Snowball
    English). Spelling variants of Japanese give the same words (`matching.variants`), and its
    runs become what `read_japanese_by` has set: unless told otherwise overlapping character
    bigrams, since a word such as 材料 has no spaces around it; bigrams of hiragana alone carry
    grammar, not topic, and are dropped.
    """
    found: list[str] = []
    text = fold(normalise(text))
    position = 0
    for run in _JAPANESE_RUN.finditer(text):
        found += _latin_tokens(text[position : run.start()])
        found += _japanese.split(run.group())
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
    for part in _RUN_PART.findall(fold(text)):
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
    if _ALONE.search(run):
        return [token for found in _PAIR_AND_ALONE.findall(run) for token in found if token]
    return _PAIR.findall(run)


@dataclass(frozen=True, slots=True)
class JapaneseWords:
    """A way to make words of Japanese."""

    id: str
    """Part of the id of whatever is made of the words."""
    split: Callable[[str], list[str]]
    """The words of a run of kana and kanji that is folded; may be called by several threads."""


BIGRAMS: Final = JapaneseWords("bigrams", _bigrams)
_japanese = BIGRAMS


def read_japanese_by(words: JapaneseWords) -> None:
    """Make words of Japanese in this way from now on, in the whole process.

    For the start of a process, before any text is read: an index made in one way and a query read
    in another do not meet.
    """
    global _japanese  # noqa: PLW0603 - one way for the whole process is the point
    _japanese = words


def words_id() -> str:
    """Names the words that `tokens` makes: counts of two ids cannot be compared."""
    return f"words{WORDS_VERSION}-{_japanese.id}"
