"""Names as keys: two names that mean one person share a key, however they are written.

A key is a name, or the part of it from some word on, in one spelling: in kanji of standard form
(高橋太郎), or as it sounds (`takahasitaro`). A name has a key beginning with each of its words, so
that a search by prefix finds it by surname, by given name and in either order. Keys are for
finding: they say nothing of a person and are no part of any score.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Final, Literal

from matching.names.sounds import latin_sound
from matching.names.words import Word, words

Kind = Literal["written", "sound", "part"]

KEY_LENGTH: Final = 64
"""Characters of a key; what is longer is cut off, in names and in what is looked for."""
UNWRITTEN: Final = "~"
"""Before the sound of a name of which no kanji are known: whoever looks for 川野 wants Ms Kawano
who is stored in Latin letters, but not the 河野 who are read alike."""

_MOST_TURNED: Final = 5
"""Words up to which a name is turned about; longer ones are institutions."""
_MOST_READINGS: Final = 8
_MOST_ENDS: Final = 30
_LONG: Final = 4
"""Characters from which on a kanji word may be several: any part of 工業技術 can be looked for."""
# The last letter of an unfinished word, and what it may become: Shim… Shimbashi, Miyac… Miyachi.
_UNFINISHED: Final = {"m": "n", "d": "z", "c": "t"}


@dataclass(frozen=True, slots=True)
class NameKeys:
    """The keys of a name."""

    written: frozenset[str]
    """The whole name in kanji, from each of its words."""
    sounds: frozenset[str]
    """The whole name as it sounds, from each of its words."""
    parts: frozenset[str]
    """Parts, and sounds that only a search by kanji looks at."""

    @property
    def whole(self) -> frozenset[str]:
        """The keys that only names of the same words have."""
        return self.written | self.sounds

    @property
    def all(self) -> frozenset[str]:
        """What a search looks at."""
        return self.whole | self.parts

    def kinds(self) -> dict[str, Kind]:
        """Each key with what it is; of two kinds the one that says more."""
        return {
            **dict.fromkeys(sorted(self.parts), "part"),
            **dict.fromkeys(sorted(self.sounds), "sound"),
            **dict.fromkeys(sorted(self.written), "written"),
        }


@dataclass(frozen=True, slots=True)
class NameQuery:
    """What is looked for: each word, or all words together, as prefixes of keys."""

    words: tuple[frozenset[str], ...]
    joined: frozenset[str]

    def matches(self, keys: Iterable[str]) -> bool:
        """True if each word begins some key, or all words together do."""
        held = tuple(keys)

        def begins(prefixes: frozenset[str]) -> bool:
            return any(key.startswith(prefix) for key in held for prefix in prefixes)

        return begins(self.joined) or (bool(self.words) and all(map(begins, self.words)))


def search_keys(name_ja: str | None, name_kana: str | None, name_en: str | None) -> frozenset[str]:
    """All keys of a name, of at most `KEY_LENGTH` characters each."""
    return name_keys(name_ja, name_kana, name_en).all


def name_keys(name_ja: str | None, name_kana: str | None, name_en: str | None) -> NameKeys:
    """The keys of a name, whole and in parts.

    Without a kana reading, kanji are read by the table of surnames (`matching.names.surnames`);
    the romaji of an English name give its reading anyway.
    """
    names = [words(name) for name in (name_ja, name_kana, name_en)]
    has_reading = bool(names[1]) and all(word.is_plain for word in names[1])
    written: set[str] = set()
    sounds: set[str] = set()
    parts: set[str] = set()
    for position, name in enumerate(names):
        is_short = len(name) <= _MOST_TURNED
        in_kanji = not all(word.is_plain for word in name)
        if in_kanji:
            turns = _turns(name, [word.written for word in name])
            (written if is_short else parts).update(turns)
            parts |= _ends(name)
        if in_kanji and position == 0 and has_reading:
            alone = {sound for word in name if word.is_plain for sound in word.sounds}
        else:
            turns, alone = _sound_keys(name)
            (sounds if is_short else parts).update(turns)
        parts |= alone
    if all(word.is_plain for name in names for word in name):
        parts |= {UNWRITTEN + key for key in sounds | parts}
    return NameKeys(_cut(written), _cut(sounds), _cut(parts))


def name_query(text: str) -> NameQuery | None:
    """What to look for when a person has typed `text`; None if it holds no letter."""
    asked = words(text)
    if not asked:
        return None
    each = [_cut(_alternatives(word)) for word in asked]
    joined = {"".join(word.written for word in asked)}
    for combination in islice(product(*(word.sounds for word in asked)), _MOST_READINGS):
        mark = "" if all(word.is_plain for word in asked) else UNWRITTEN
        joined.add(mark + latin_sound("".join(combination)))
    return NameQuery(tuple(each), _cut(joined) if len(asked) > 1 else frozenset())


def _alternatives(word: Word) -> set[str]:
    if not word.is_plain:
        return {word.written} | {UNWRITTEN + sound for sound in word.sounds}
    (sound,) = word.sounds
    last = _UNFINISHED.get(sound[-1])
    return {word.written, sound} | ({sound[:-1] + last} if last else set())


def _turns(name: Sequence[Word], parts: Sequence[str]) -> set[str]:
    """The name beginning at each of its words: with those before at the end if it is short."""
    turned = len(name) <= _MOST_TURNED
    starts = range(min(len(parts), _MOST_ENDS))
    return {"".join([*parts[i:], *(parts[:i] if turned else ())]) for i in starts}


def _sound_keys(name: Sequence[Word]) -> tuple[set[str], set[str]]:
    """Of a name that can be read as a whole, its turns; else each word that can be read."""
    if not all(word.sounds for word in name):
        return set(), {sound for word in name for sound in word.sounds}
    found: set[str] = set()
    for combination in islice(product(*(sorted(w.sounds) for w in name)), _MOST_READINGS):
        found |= {latin_sound(turn) for turn in _turns(name, combination)}
    return found - {""}, set()


def _ends(name: Sequence[Word]) -> set[str]:
    """Kanji words from within: of a name without a space nobody knows where a word begins."""
    found: set[str] = set()
    for position, word in enumerate(name):
        if not word.is_plain and (len(name) == 1 or len(word.written) >= _LONG):
            rest = "".join(other.written for other in name[position + 1 :])
            starts = range(1, min(len(word.written), _MOST_ENDS))
            found |= {word.written[start:] + rest for start in starts}
    return found


def _cut(keys: Iterable[str]) -> frozenset[str]:
    return frozenset(key[:KEY_LENGTH] for key in keys if key)
