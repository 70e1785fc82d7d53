"""Validation errors as sentences for the person who made the file."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_LONGEST_VALUE: Final = 60
_FORMS: Final = {
    "orcid": "an ORCID looks like 0000-0002-1825-0097",
    "id": "a cluster's id holds only small letters a-z, digits and hyphens, such as food-health",
}
_FAULTS: Final = {
    "missing": "is missing",
    "enum": "{value} is not one of {expected}",
    "literal_error": "{value} is not one of {expected}",
    "greater_than_equal": "{value} is too small; the smallest allowed is {ge}",
    "less_than_equal": "{value} is too large; the largest allowed is {le}",
    "too_short": "is empty",
    "too_long": "is too long; at most {max_length} characters are allowed",
    "string_too_short": "is empty",
    "string_too_long": "is too long; at most {max_length} characters are allowed",
    "string_pattern_mismatch": "{value} has the wrong form; {form}",
    "string_type": "{value} is not a text",
    "list_type": "{value} is not a list",
    "tuple_type": "{value} is not a list",
    "model_type": "{value} is not an object such as {{'from': '2026-04-01', 'to': '2026-09-30'}}",
    "value_error": "{message}",
    "int": "{value} is not a whole number; write digits only, such as 2024",
    "float": "{value} is not a number; write digits and a decimal point, such as 31.91",
    "date": "{value} is not a date; write year-month-day, such as 2026-04-01",
}
"""By the start of pydantic's error type; the first that fits."""


def reasons(error: ValidationError, columns: Mapping[str, str]) -> list[str]:
    """One sentence for each error: the field, what is wrong, what would be right.

    `columns` maps fields to the headers of the file, if it has any.
    """
    return [_reason(detail, columns) for detail in error.errors(include_url=False)]


def quoted(value: Any) -> str:
    """A value of the file, short and printable."""
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object in braces"
    text = " ".join(str(value).split())
    if len(text) > _LONGEST_VALUE:
        text = text[:_LONGEST_VALUE] + "…"
    return f"'{''.join(c if c.isprintable() else '�' for c in text)}'"


def _reason(detail: ErrorDetails, columns: Mapping[str, str]) -> str:
    location = detail["loc"]
    if not location:
        return _own_words(detail)
    field = str(location[0])
    place = ", ".join(f"number {p + 1}" if isinstance(p, int) else p for p in location[1:])
    column = columns.get(field) or columns.get(field.removesuffix("_ja").removesuffix("_en"))
    return (
        f"{field}{f' ({place})' if place else ''}: {_fault(field, detail)}"
        f"{f'; column {column!r}' if column else ''}"
    )


def _fault(field: str, detail: ErrorDetails) -> str:
    values: dict[str, Any] = {
        **detail.get("ctx", {}),
        "value": quoted(detail["input"]),
        "form": _FORMS.get(field, "another form is expected"),
        "message": _own_words(detail),
    }
    if "expected" in values:
        values["expected"] = values["expected"].replace("' or '", "', '").replace("'", "")
    template = next(
        (text for start, text in _FAULTS.items() if detail["type"].startswith(start)),
        "{value}: {message}",
    )
    return template.format_map(values)


def _own_words(detail: ErrorDetails) -> str:
    """The records' own messages are sentences already."""
    return detail["msg"].removeprefix("Value error, ")
