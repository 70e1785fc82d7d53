"""Names that are known: of organisations, people and places, in every form that gives them away.

Of Oyodo Power Devices Co., Ltd. not only the whole name is looked for but also the name without
its legal form, and what is left once words for a trade are taken away: Oyodo.
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from matching.anonymise.kinds import Kind
from matching.anonymise.place_names import ALSO_WORDS, NO_BARE_PLACES
from matching.anonymise.reading import Reading, is_latin, key_of
from matching.anonymise.trade_words import (
    LATIN_TRADE,
    LEGAL_AFTER,
    LEGAL_BEFORE,
    LEGAL_END,
    LEGAL_START,
    PLACE_SUFFIXES,
    TRADE_ENDS,
    TRADE_STARTS,
)
from matching.anonymise.vocabulary import NOTHING, Vocabulary
from matching.text import has_japanese, normalise

REMEMBERED: Final = 50_000
"""Names whose forms are kept, so that a region is read once and not for every draft."""
_START: Final = 3
SHORTEST: Final = 2
"""Letters of a key: a single kanji such as 綾 is in too many words to be looked for."""
_SHORTEST_KANA: Final = 3
_SHORTEST_LATIN: Final = 3
_SEGMENT: Final = re.compile(
    "[\u3400-\u9fff々](?:[\u3400-\u9fff々]|[ヶケノツノのが之](?=[\u3400-\u9fff]))*"
    "|[ァ-ヺー]+|[ぁ-ゖー]+|[^\\W_ぁ-ヺー\u3400-\u9fff々]+"
)
_KANA: Final = re.compile("[ぁ-ゖァ-ヺー]+")
_WORD: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it is stored somewhere."""

    text: str
    kind: Kind
    whole: bool = False
    """Only as a whole: the parts of the name of a laboratory are words of its field."""


@dataclass(frozen=True, slots=True)
class Form:
    """A key that gives a name away."""

    key: str
    kind: Kind
    capital: bool = False
    """Only where it is written with a capital: in small letters it is a word of the language."""
    parted: bool = False
    """Only in more than one word: M. Ain and not main."""

    def fits(self, written: str) -> bool:
        """True if the key may be meant by what is written."""
        if self.capital and not written[0].isupper():
            return False
        return not (self.parted and written.isalnum())


@dataclass(frozen=True)
class KnownNames:
    """What is looked for in every text: make it once for many texts."""

    forms: tuple[Form, ...]

    @cached_property
    def _by_start(self) -> dict[str, list[Form]]:
        """The forms by the first letters of their keys, so that few are tried at each place."""
        found: dict[str, list[Form]] = {}
        for form in self.forms:
            found.setdefault(form.key[:_START], []).append(form)
        return found

    @classmethod
    def of(cls, names: Iterable[Name], vocabulary: Vocabulary = NOTHING) -> "KnownNames":
        """Of names in any language and with or without legal forms; empty ones are passed over.

        The vocabulary says which words of a name are words of the language.
        """
        found: dict[str, Form] = {}
        for name in names:
            for form in forms_of(name, vocabulary):
                other = found.get(form.key)
                if other is None or (other.capital, other.parted) > (form.capital, form.parted):
                    found[form.key] = form
        return cls(tuple(found.values()))

    def places_in(self, reading: Reading) -> Iterator[tuple[int, int, Kind]]:
        """Where a name occurs: start and end in `plain`, with the legal form beside it."""
        for at in range(len(reading.key)):
            for form in self._beginning_at(reading.key, at):
                start, end = reading.plain_span(at, at + len(form.key))
                if not reading.is_whole(start, end) or not form.fits(reading.plain[start:end]):
                    continue
                if form.kind in {Kind.COMPANY, Kind.INSTITUTION}:
                    start, end = _with_legal_form(reading.plain, start, end)
                yield start, end, form.kind

    def _beginning_at(self, key: str, at: int) -> Iterator[Form]:
        # Towards the end of the key what is left may be one beginning at several lengths.
        for start in {key[at : at + length] for length in range(1, _START + 1)}:
            for form in self._by_start.get(start, ()):
                if key.startswith(form.key, at):
                    yield form


@lru_cache(maxsize=REMEMBERED)
def forms_of(name: Name, vocabulary: Vocabulary = NOTHING) -> tuple[Form, ...]:
    """Every form of one name that gives it away."""
    whole = normalise(name.text)
    if name.kind is Kind.PERSON:
        forms = list(_person_forms(whole))
    elif name.kind is Kind.PLACE:
        forms = list(_place_forms(whole))
    else:
        forms = list(_organisation_forms(whole, name, vocabulary))
    return tuple(form for form in forms if _tells(form.key))


def _tells(key: str) -> bool:
    if _KANA.fullmatch(key):
        return len(key) >= _SHORTEST_KANA
    return len(key) >= (_SHORTEST_LATIN if key.isascii() else SHORTEST)


def _with_legal_form(plain: str, start: int, end: int) -> tuple[int, int]:
    before = LEGAL_BEFORE.search(plain[max(0, start - 12) : start])
    after = LEGAL_AFTER.match(plain, end)
    start -= len(before[0]) if before else 0
    return start, after.end() if after else end


def without_legal_form(name: str) -> str:
    """A normalised name of an organisation without what the law makes it add."""
    bare = name
    while shorter := LEGAL_END.sub("", _from_start(bare)).strip(" ,、"):
        if shorter == bare:
            break
        bare = shorter
    return bare


def _from_start(name: str) -> str:
    form = LEGAL_START.match(name)
    return name[form.end() :] if form else name


def _person_forms(name: str) -> Iterator[Form]:
    words = [key for word in re.split(r"[\s・,、.]+", name) if (key := key_of(word))]
    yield Form(key_of(name), Kind.PERSON)
    if not 2 <= len(words) <= 4:
        return
    for order in itertools.permutations(words):
        yield Form("".join(order), Kind.PERSON)
    if all(word.isascii() for word in words):
        given, family = words[0], words[-1]
        for one, other in ((given, family), (family, given)):
            if len(other) >= _SHORTEST_LATIN:
                yield Form(one[0] + other, Kind.PERSON, parted=True)
                yield Form(other + one[0], Kind.PERSON, parted=True)


def _place_forms(name: str) -> Iterator[Form]:
    bare = PLACE_SUFFIXES.sub("", name)
    for form in {name, bare}:
        if form and form not in NO_BARE_PLACES:
            small = form.casefold()
            yield Form(key_of(form), Kind.PLACE, capital=small in ALSO_WORDS)


def _organisation_forms(whole: str, name: Name, vocabulary: Vocabulary) -> Iterator[Form]:
    yield Form(key_of(whole), name.kind)
    bare = without_legal_form(whole)
    yield Form(key_of(bare), name.kind)
    if name.whole:
        return
    if has_japanese(bare):
        for part in _japanese_parts(bare, vocabulary):
            yield Form(key_of(part), name.kind)
    else:
        yield from _latin_parts(bare, name.kind, vocabulary)


def _latin_parts(bare: str, kind: Kind, vocabulary: Vocabulary) -> Iterator[Form]:
    """Words that no other organisation of the trade has in its name."""
    words = _WORD.findall(bare)
    for place, word in enumerate(words):
        small = word.casefold()
        if len(small) < _SHORTEST_LATIN or small in LATIN_TRADE or not is_latin(word[0]):
            continue
        if not vocabulary.holds(small):
            yield Form(key_of(word), kind)
        elif place == 0 and not vocabulary.is_everyday(small):
            yield Form(key_of(word), kind, capital=True)


def _japanese_parts(bare: str, vocabulary: Vocabulary) -> Iterator[str]:
    trimmed = _without_trade(bare)
    segments = _SEGMENT.findall(trimmed)
    heads = ["".join(segments[: count + 1]) for count in range(len(segments))]
    # みどり灯バイオマス発電: みどり灯 and not みどり; 大淀パワーデバイス: 大淀.
    for head in heads[:2]:
        if key_of(head) != key_of(bare) and not _is_common(head, vocabulary):
            yield head
    for segment in segments[1:]:
        if _KANA.fullmatch(segment) and len(segment) > 3 and not _is_common(segment, vocabulary):
            yield segment


def _without_trade(name: str) -> str:
    """都盆地酒造 without 酒造; 県立 and the like are taken from its beginning."""
    shorter = name
    for _ in range(4):
        start = next((word for word in TRADE_STARTS if shorter.startswith(word)), "")
        end = next((word for word in TRADE_ENDS if shorter.endswith(word)), "")
        rest = shorter[len(start) : len(shorter) - len(end)]
        if not rest or rest == shorter:
            break
        shorter = rest
    return shorter


def _is_common(part: str, vocabulary: Vocabulary) -> bool:
    known = part in TRADE_ENDS or part in TRADE_STARTS
    return known or vocabulary.is_made_of_everyday(normalise(part))


def names_of(texts: Iterable[str | None], kind: Kind, *, whole: bool = False) -> list[Name]:
    """The same thing's names in several languages, or the names of several things."""
    return [Name(text, kind, whole) for text in texts if text]
