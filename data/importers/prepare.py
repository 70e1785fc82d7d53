"""Values as people write them, made ready for validation: words, ids, dates, languages."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from data.importers.kinds import VOCABULARIES, RecordKind
from data.importers.vocabulary import Vocabulary
from matching.text import language_of, normalise

IDENTIFIERS: Final = frozenset(
    {
        "id",
        "affiliation",
        "organisation",
        "partner",
        "clusters",
        "exclude_evidence",
        "new_partners",
        "new_partners_of_first_author",
    }
)
"""Fields that name a record: two spellings that differ only in width are one id."""

PLAIN_NAMES: Final[Mapping[RecordKind, Mapping[str, str]]] = {
    RecordKind.CLUSTER: {"name": "name", "description": "description"},
    RecordKind.ORGANISATION: {"name": "name"},
    RecordKind.PARTNER: {"name": "name"},
    RecordKind.CAPABILITY: {"title": "title", "text": "text", "abstract": "text"},
    RecordKind.NEED: {"title": "title", "text": "brief", "brief": "brief"},
}
_YMD: Final = re.compile(r"(\d{4}) ?[-/.年] ?(\d{1,2}) ?[-/.月] ?(\d{1,2}) ?日?")
_VISIBLE: Final = re.compile("[!-~ぁ-ゖァ-ヺ一-鿿]")
"""At the start of a text: it is not blank."""
_COMPACT_YMD: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
_REIWA: Final = re.compile(r"(?:令和|R) ?(\d{1,2}|元) ?[年.] ?(\d{1,2}) ?[月.] ?(\d{1,2}) ?日?")
_ORCID_ADDRESS: Final = re.compile(r"^(?:https?://)?orcid\.org/", re.IGNORECASE)


def prepared(kind: RecordKind, values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `values` without empty ones, in the words of the records.

    What cannot be understood is passed on as it is, for the validation to report.
    """
    ready = {
        field: _value(field, value, VOCABULARIES[kind].get(field))
        for field, value in values.items()
        if not (value is None or (isinstance(value, str) and _is_blank(value)))
    }
    _file_under_languages(kind, ready)
    return ready


def identifier(text: str) -> str:
    """An id in the one spelling under which it is stored and looked up."""
    return normalise(text).replace("\n", " ")


def as_date(value: Any) -> Any:
    """The date that a text such as 2026/4/1, 2026年4月1日, 令和8年4月1日 or 20260401 means."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    text = normalise(str(value))
    try:
        if match := _YMD.fullmatch(text) or _COMPACT_YMD.fullmatch(text):
            return date(*map(int, match.groups()))
        if match := _REIWA.fullmatch(text):
            years, month, day = match.groups()
            return date(2018 + (1 if years == "元" else int(years)), int(month), int(day))
    except ValueError:
        return text
    # The validation would take any other number for seconds since 1970: a silent wrong date.
    return f"{text} (a number)" if re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", text) else value


def _is_blank(text: str) -> bool:
    # The start settles it for nearly every text; none is normalised for this alone.
    return not _VISIBLE.match(text) and not normalise(text)


def _value(field: str, value: Any, vocabulary: Vocabulary | None) -> Any:
    if isinstance(value, list):
        return [_value(field, item, vocabulary) for item in value]
    if vocabulary is not None:
        return vocabulary.choice(value)
    if field == "deadline":
        return as_date(value)
    if field == "unavailable" and isinstance(value, Mapping):
        return {key: as_date(part) if key != "reason" else part for key, part in value.items()}
    return _text_value(field, value) if isinstance(value, str) else value


def _text_value(field: str, text: str) -> str:
    if field == "orcid":
        return _ORCID_ADDRESS.sub("", normalise(text)).upper()
    return identifier(text) if field in IDENTIFIERS else text


def _file_under_languages(kind: RecordKind, values: dict[str, Any]) -> None:
    """Move texts without a language, of every kind of record, to `_ja` or `_en`.

    A value that is no text goes to `_en`, where the validation reports it.
    """
    for plain, field in PLAIN_NAMES[kind].items():
        if plain in values:
            value = values.pop(plain)
            language = language_of(value) if isinstance(value, str) else "en"
            values.setdefault(f"{field}_{language}", value)
