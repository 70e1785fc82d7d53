"""Spelling variants of Japanese, made one for the comparison of words and for nothing else.

`fold` gives the form under which words are indexed and compared; what is stored, hashed, embedded
and shown stays as it was written. Until nothing is left to turn, it turns

- old and variant characters into those in use (髙 高, 﨑 崎, 麴 麹), 々 into what it repeats;
- ヶ and its other spellings between a number and what is counted into か (1ヶ月, 3カ所);
- ヴ and small vowels of loan words into the plainer spelling (ヴァ バ, ウィ ウイ, クォ クオ);
- words of `matching.variant_table` into the spelling kept, the longest spelling first;
- the long-vowel mark at the end of a katakana word of four signs or more into nothing (センサー).

A spelling in kana counts only where it is a word of its own, as far as the signs beside it tell.
Spelt in kana with up to four signs, or in kana and kanji (リン酸), it touches no other katakana
where it has katakana, and where it has hiragana no hiragana but particles.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from matching.variant_table import (
    CHARACTERS,
    GUARDED,
    INNER_KANA,
    LONG_MARK,
    SHORT_ENDS,
    WORDS,
)

_KATAKANA: Final = "ァ-ヺー"
_HIRAGANA: Final = "ぁ-ゖ"
_KANJI: Final = "\u3400-\u9fff\U00020000-\U0003ffff"
_NUMBER: Final = "0-9〇一二三四五六七八九十百千数何"
_PARTICLES: Final = "のをがはにでとやもへ"
_FREE: Final = re.compile(f"[{_KATAKANA}]{{5,}}|[{_HIRAGANA}]{{5,}}|[^{_HIRAGANA}{_KATAKANA}]+")
_NO_PARTICLE: Final = "".join(
    sign for sign in map(chr, range(ord("ぁ"), ord("ゖ") + 1)) if sign not in _PARTICLES
)
_WORD_ENDS: Final = f"(?:(?![{_HIRAGANA}])|(?=[{_PARTICLES}]|から|まで|など|より|だけ|です))"

_SOUNDS: Final = {
    "ヴァ": "バ", "ヴィ": "ビ", "ヴェ": "ベ", "ヴォ": "ボ", "ヴュ": "ビュ", "ヴ": "ブ",
    "ヷ": "バ", "ヸ": "ビ", "ヹ": "ベ", "ヺ": "ボ", "イェ": "イエ", "グァ": "グア",
    "ウィ": "ウイ", "ウェ": "ウエ", "ウォ": "ウオ",
    "クァ": "クア", "クィ": "クイ", "クェ": "クエ", "クォ": "クオ",
}  # fmt: skip


def _groups(lines: str) -> dict[str, str]:
    """Each spelling with its marks, and the form kept."""
    found: dict[str, str] = {}
    for line in lines.strip().splitlines():
        kept, _, spellings = line.partition(": ")
        found |= dict.fromkeys(spellings.split(), kept)
    return found


ALONE: Final = frozenset(kept for kept in _groups(WORDS).values() if len(kept) == 1)
"""Words of one kanji that kana may stand for. They are indexed by themselves too, since がんの and
肺がん have no pair of signs in common."""

_MARKED: Final[Mapping[str, str]] = {
    **{f"~{sound}~": plain for sound, plain in _SOUNDS.items()},
    **{f"~{word}ー~": word for word in LONG_MARK.split()},
    **{f"~{word}~": word[0] + word[2:] for word in INNER_KANA.split()},
    **{f"~{word}~": word for word in GUARDED.split()},
    **_groups(WORDS),
}
_KEPT: Final = {marked.strip("~^"): kept for marked, kept in _MARKED.items()}


def _is(signs: str, sign: str) -> bool:
    return re.match(f"[{signs}]", sign) is not None


def _edges(marked: str) -> str:
    """What must hold around a spelling, as a pattern that stands behind it."""
    word = marked.strip("~^")
    behind = f".{{{len(word)}}}"
    found = ""
    if marked[0] == "^":
        found += f"(?<![{_HIRAGANA}{_KATAKANA}{_KANJI}]{behind})"
    if _FREE.fullmatch(word):
        return found
    if marked[0] != "~" and _is(_KATAKANA, word[0]):
        found += f"(?<![{_KATAKANA}]{behind})"
    if marked[-1] != "~" and _is(_KATAKANA, word[-1]):
        found += f"(?![{_KATAKANA}])"
    if marked[-1] != "~" and _is(_HIRAGANA, word[-1]):
        found += _WORD_ENDS
    return found


Trie = dict[str, Any]
"""Signs that may come next, each with what may follow it; under "" the edges of a whole word."""


def _trie(marked: Iterable[str]) -> Trie:
    root: Trie = {}
    for spelling in marked:
        node = root
        for sign in spelling.strip("~^"):
            node = node.setdefault(sign, {})
        node[""] = _edges(spelling)
    return root


def _after(node: Trie) -> str:
    """The longest rest of a word, once its beginning is read."""
    longer = [sign + _after(node[sign]) for sign in sorted(node) if sign]
    return f"(?:{'|'.join([*longer, *([node['']] if '' in node else [])])})"


def _halved(root: Trie, signs: Sequence[str]) -> str:
    """The rest of a word after its first sign, found by halves: there are hundreds of these."""
    if len(signs) == 1:
        return f"(?<={signs[0]}){_after(root[signs[0]])}"
    parts = (signs[: len(signs) // 2], signs[len(signs) // 2 :])
    return "(?:" + "|".join(f"(?<=[{''.join(p)}]){_halved(root, p)}" for p in parts) + ")"


def _pattern_of(marked: Iterable[str]) -> str:
    """A pattern for the longest of some spellings.

    It runs over every text, so that what rules out most places comes first: hiragana that no word
    begins with or that stands within a stretch, then a second sign that no word has.
    """
    root = _trie(marked)
    scripts = []
    for script, before in (
        (_HIRAGANA, f"(?<![{_NO_PARTICLE}ー].)"),
        (_KATAKANA, ""),
        (_KANJI, ""),
    ):
        signs = [sign for sign in sorted(root) if _is(script, sign)]
        short = "".join(sign for sign in signs if "" in root[sign])
        second = "".join(sorted({s for sign in signs for s in root[sign] if s}))
        ahead = f"(?:(?=[{second}])|(?<=[{short}]))" if short else f"(?=[{second}])"
        scripts.append(f"(?<=[{script}]){before}{ahead}{_halved(root, signs)}")
    return f"[{''.join(sorted(root))}](?:{'|'.join(scripts)})"


_CHARACTERS: Final = {pair[0]: pair[1] for pair in CHARACTERS.split()}
_OLD: Final = re.compile(f"[{''.join(_CHARACTERS)}]")
_REPEATED: Final = re.compile(f"([{_KANJI}])(々+)")
_WORDS: Final = re.compile(_pattern_of(_MARKED))
_COUNTER: Final = re.compile(
    f"[ケカ箇](?:(?<=[{_NUMBER}].)|(?<=[{_NUMBER}] .))(?=[月所国年条村町社校店])"
)
# The kana before it ends in a or i, as those of words with two spellings do.
_LAST_MARK: Final = re.compile(
    f"ー(?<=[{_KATAKANA}]{{2}}[アカサタナハマヤラワガザダバパャァイキシチニヒミリギジビピィ]ー)"
    f"(?<!{'|'.join(SHORT_ENDS.split())})(?![{_KATAKANA}])"
)


def fold(text: str) -> str:
    """A normalised text in the spelling that words are compared in; folding that changes nothing.

    It may be shorter or longer: no place in it is a place in the text.
    """
    if text.isascii():
        return text
    while (turned := _turn(text)) != text:
        text = turned
    return text


def fold_characters(text: str) -> str:
    """The text with old and variant characters turned into those in use, one for one."""
    return _OLD.sub(lambda found: _CHARACTERS[found[0]], text)


def _turn(text: str) -> str:
    text = fold_characters(text)
    if "々" in text:
        text = _REPEATED.sub(lambda found: found[1] * (1 + len(found[2])), text)
    text = _WORDS.sub(lambda found: _KEPT[found[0]], text)
    text = _COUNTER.sub("か", text)
    return _LAST_MARK.sub("", text) if "ー" in text else text
