"""Translations of needs, for evaluation: the same need in the language that it was not written in.

`translations.jsonl` beside a judged set holds, for needs in one language, the `id` of the need and
the fields that it lacks. The file is never imported: a need keeps the text that its company wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ConfigDict, ValidationError

from data.importers.result import UnreadableImport
from data.lines import json_lines
from data.records import NeedRecord, NeedTitle, Record, Text
from matching.text import bilingual_text

TRANSLATIONS: Final = "translations.jsonl"

_TEXTS: Final = ("title", "brief")


@dataclass(frozen=True, slots=True)
class BothTexts:
    """A need's text in each language, as it would be matched if it had only that one."""

    ja: str
    en: str


def needs_in_both(folder: Path, needs: Sequence[NeedRecord]) -> dict[str, BothTexts]:
    """Each need's text in both languages, from its record and the folder's translations.

    Raises `UnreadableImport` if a need has no such text, or a translation no such need, or where
    a translation would replace a text of the need's own.
    """
    translations = _translations(folder / TRANSLATIONS)
    if unknown := sorted(translations.keys() - {need.id for need in needs}):
        raise UnreadableImport(f"{TRANSLATIONS} translates {unknown[0]}, and no need has that id")
    return {need.id: _both(need, translations.get(need.id)) for need in needs}


class _Translation(Record):
    """What a need lacks in one language. `fictional` is for readers of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fictional: bool = False
    title_ja: NeedTitle = None
    brief_ja: Text = None
    title_en: NeedTitle = None
    brief_en: Text = None


def _both(need: NeedRecord, translation: _Translation | None) -> BothTexts:
    texts: dict[str, str | None] = {}
    for name in (f"{text}_{language}" for text in _TEXTS for language in ("ja", "en")):
        own, other = getattr(need, name), getattr(translation, name, None)
        if own and other:
            raise UnreadableImport(
                f"{TRANSLATIONS} gives {need.id} a {name}, and the need has its own: leave one out"
            )
        texts[name] = own or other
    for text in _TEXTS:
        ja, en = texts[f"{text}_ja"], texts[f"{text}_en"]
        if bool(ja) != bool(en):
            missing = f"{text}_{'en' if ja else 'ja'}"
            raise UnreadableImport(f"{need.id} has no {missing}: add it to {TRANSLATIONS}")
    return BothTexts(
        ja=bilingual_text(texts["title_ja"], texts["brief_ja"], None, None),
        en=bilingual_text(None, None, texts["title_en"], texts["brief_en"]),
    )


def _translations(path: Path) -> dict[str, _Translation]:
    found: dict[str, _Translation] = {}
    for place, value in json_lines(path) if path.is_file() else ():
        try:
            translation = _Translation.model_validate(value)
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(str(part) for part in fault["loc"])
            raise UnreadableImport(f"{place}: {where}: {fault['msg']}") from error
        if translation.id in found:
            raise UnreadableImport(f"{place}: {translation.id} was translated in a line before")
        found[translation.id] = translation
    return found
