"""Whether two records may be of one person, and why: for people to decide, never to merge by.

A name alone is no proof: 鈴木 浩 and 鈴木 博 sound the same. A pair is offered when names agree in
writing, or in sound where one of the two is not known in kanji; names that merely sound the same,
or whose given readings differ, need a shared organisation or work besides.
"""

from dataclasses import dataclass, field
from typing import Final

from matching.signals import Sentence

_WRITTEN: Final = 4
_SOUND: Final = 3
_HOMOPHONE: Final = 1
_ORGANISATION: Final = 2
_ONE_WORK: Final = 2
_MORE_WORKS: Final = 4
_ELSEWHERE: Final = -1
_MOST: Final = _WRITTEN + _ORGANISATION + _MORE_WORKS


@dataclass(frozen=True, slots=True)
class Person:
    """What is compared of a record."""

    written: frozenset[str] = frozenset()
    """Keys of the whole name in kanji (`NameKeys.written`)."""
    sounds: frozenset[str] = frozenset()
    """Keys of the whole name as it sounds."""
    stated: frozenset[str] = frozenset()
    """Those of the sounds that a stored kana reading gives."""
    only_initials: bool = False
    """True if all that is known is a name such as T. Takahashi."""
    organisation: str | None = None
    identities: dict[str, str] = field(default_factory=dict, hash=False)
    """ORCID iD and the like, by field."""
    works: frozenset[str] = frozenset()
    """Ids of the evidence in the files it came from."""
    texts: frozenset[str] = frozenset()
    """Titles and whole texts of the evidence."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that speaks for or against."""

    code: str
    detail: Sentence


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much speaks for one person."""

    strength: float
    """In (0, 1], to sort by; no probability."""
    reasons: tuple[Reason, ...]


def likeness(one: Person, other: Person) -> Likeness | None:
    """Why two records may be of one person; None if that is not to be asked."""
    if not (one.written & other.written or one.sounds & other.sounds):
        return None
    if any(other.identities.get(f, v) != v for f, v in one.identities.items()):
        return None  # two ORCID iDs are two people
    points, reasons = _of_names(one, other)
    support, supporting = _of_work(one, other)
    doubtful = (
        points == _HOMOPHONE
        or one.only_initials
        or other.only_initials
        or bool(one.stated and other.stated and not one.stated & other.stated)
    )
    if doubtful and support == 0:
        return None
    if one.organisation and other.organisation and one.organisation != other.organisation:
        support += _ELSEWHERE
        supporting.append(
            Reason(
                "other_organisation",
                Sentence("But the organisations differ.", "ただし所属は異なります。"),
            )
        )
    return Likeness(max(points + support, 1) / _MOST, (*reasons, *supporting))


def _of_names(one: Person, other: Person) -> tuple[int, list[Reason]]:
    if one.written & other.written:
        sentence = Sentence(
            "The names are the same in kanji, variants aside.",
            "漢字の氏名が同じです(異体字の違いを除く)。",
        )
        return _WRITTEN, [Reason("same_written_name", sentence)]
    if one.written and other.written:
        sentence = Sentence(
            "The names sound the same but are written with other kanji.",
            "氏名の読みは同じですが、漢字が異なります。",
        )
        return _HOMOPHONE, [Reason("same_sound_other_kanji", sentence)]
    sentence = Sentence("The names sound the same.", "氏名の読みが同じです。")
    return _SOUND, [Reason("same_sound", sentence)]


def _of_work(one: Person, other: Person) -> tuple[int, list[Reason]]:
    """What besides the name speaks for one person."""
    points, reasons = 0, []
    if one.organisation is not None and one.organisation == other.organisation:
        points += _ORGANISATION
        sentence = Sentence("They are at the same organisation.", "所属が同じです。")
        reasons.append(Reason("same_organisation", sentence))
    works, texts = len(one.works & other.works), len(one.texts & other.texts)
    if works or texts:
        points += _MORE_WORKS if max(works, texts) > 1 else _ONE_WORK
    if works:
        sentence = Sentence(
            f"Works with the same id: {works}.", f"同じIDの業績が{works}件あります。"
        )
        reasons.append(Reason("same_works", sentence))
    if texts:
        sentence = Sentence(
            f"Works with the same title or text: {texts}.",
            f"題名または本文が同じ業績が{texts}件あります。",
        )
        reasons.append(Reason("same_texts", sentence))
    return points, reasons
