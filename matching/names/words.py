"""A name cut into words: at spaces and signs, and between surname and given name."""

import re
from dataclasses import dataclass
from typing import Final

from matching.names.kanji import fold_kanji, has_kanji, is_kanji_word
from matching.names.sounds import is_kana_word, kana_sound, latin_sound, to_hiragana
from matching.names.surnames import split_surname, surname_sounds
from matching.text import has_japanese, normalise

_APOSTROPHES: Final = re.compile("['’‘`´ʼʻ]")
_WORD: Final = re.compile(r"[^\W_]+")
_KANJI_THEN_KANA: Final = re.compile("([^\u3041-\u3096ー]{1,3})([\u3041-\u3096ー]{2,4})")
# What a company may or may not write, and titles before a name.
_LEGAL_FORMS: Final = re.compile("(?:株式|有限|合同|合資|合名)会社|[((](?:株|有|同)[))]")
_LEFT_OUT: Final = frozenset(
    {"co", "ltd", "inc", "corp", "kk", "llc", "dr", "prof", "mr", "mrs", "ms", "phd"}
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a name."""

    written: str
    """Kanji in their standard forms, kana as hiragana, anything else in small letters."""
    sounds: frozenset[str]
    """How it may be read: one sound for kana and Latin letters, some or none for kanji."""
    initial: bool = False
    """True of a single Latin letter."""

    @property
    def is_plain(self) -> bool:
        """True if it is written as it is read."""
        return len(self.sounds) == 1 and not has_kanji(self.written)


def words(name: str | None) -> list[Word]:
    """The words of a name in their order; empty if it holds no letter.

    Legal forms of companies and titles are left out, unless the name is nothing else.
    """
    if not name:
        return []
    # In capitals first: some small letters have no capital of their own.
    text = _APOSTROPHES.sub("", normalise(normalise(name).upper().casefold()))
    bare = _LEGAL_FORMS.sub(" ", text)
    found = _WORD.findall(bare) or _WORD.findall(text)
    kept = [word for word in found if word not in _LEFT_OUT] or found
    pieces = _split(fold_kanji(kept[0])) if len(kept) == 1 else map(fold_kanji, kept)
    return [_word(piece) for piece in pieces]


def _split(folded: str) -> list[str]:
    """A name without a space: 高橋太郎 and 黒木はるか are two words."""
    if is_kanji_word(folded):
        return list(split_surname(folded) or (folded,))
    match = _KANJI_THEN_KANA.fullmatch(to_hiragana(folded))
    return list(match.groups()) if match and is_kanji_word(match[1]) else [folded]


def _word(folded: str) -> Word:
    written = to_hiragana(folded)
    if is_kana_word(written):
        sounds = frozenset({kana_sound(written)} - {""})
    elif is_kanji_word(folded):
        sounds = surname_sounds(folded)
    elif has_japanese(written):
        sounds = frozenset()
    else:
        return Word(latin_sound(written), frozenset({latin_sound(written)}), len(written) == 1)
    return Word(written, sounds)
