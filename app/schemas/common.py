"""Shared pieces of the API's schemas."""

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from fastapi.exceptions import RequestValidationError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from matching.text import is_reading, tidy_line, tidy_text


class Input(BaseModel):
    """A request body: unknown fields are rejected, without repeating their names."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _known_fields(cls, values: Any) -> Any:
        # Before pydantic makes an error, with the name in it, of each unknown field.
        if isinstance(values, dict) and not values.keys() <= cls.model_fields.keys():
            known = ", ".join(cls.model_fields)
            raise PydanticCustomError(
                "unknown_field",
                "has a field that is not known here; known are: {known}",
                {"known": known},
            )
        return values


class Output(BaseModel):
    """A response body, read from ORM objects or values; its errors do not quote them in logs."""

    model_config = ConfigDict(from_attributes=True, hide_input_in_errors=True)


def _text(most: int, *, empty: str | None = None) -> BeforeValidator:
    """Cleans a text of several lines; a blank one becomes `empty`."""
    return BeforeValidator(
        lambda value: (tidy_text(value, most) or empty) if isinstance(value, str) else value
    )


def _line(most: int, *, empty: str | None = None) -> BeforeValidator:
    """Cleans a text of one line; a blank one becomes `empty`."""
    return BeforeValidator(
        lambda value: (tidy_line(value, most) or empty) if isinstance(value, str) else value
    )


def _kana(value: str | None) -> str | None:
    if value is not None and not is_reading(value):
        raise ValueError("write the reading in hiragana or katakana, such as くろき はるか")
    return value


def _distinct(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


# Optional texts, normalised; a blank one is a missing one. Names and titles are one line.
Name = Annotated[Annotated[str, Field(max_length=300)] | None, _line(300)]
Title = Annotated[Annotated[str, Field(max_length=500)] | None, _line(500)]
LongTitle = Annotated[Annotated[str, Field(max_length=1000)] | None, _line(1000)]
Brief = Annotated[Annotated[str, Field(max_length=50_000)] | None, _text(50_000)]
Place = Annotated[Annotated[str, Field(max_length=100)] | None, _line(100)]
KanaName = Annotated[
    Name,
    AfterValidator(_kana),
    Field(description="How the name is read, in kana.", examples=["くろき はるか"]),
]
ExternalId = Name
Source = Annotated[str, _line(100, empty=""), Field(min_length=1, max_length=100)]
RequiredText = Annotated[str, _text(50_000, empty=""), Field(min_length=1, max_length=50_000)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$", examples=["food-health"])]
Slugs = Annotated[list[Slug], Field(max_length=20), AfterValidator(_distinct)]
DistinctList = AfterValidator(_distinct)

NAMED = (
    "A name, or part of one, as people write it: kanji (variants too), kana or romaji, surname "
    "and given name in either order, with or without a space."
)
ORDERED = (
    "`name`: in the order of the kana, by the reading where it is known. A page that is asked for "
    "after its last row was removed answers 422: begin again."
)
Order = Literal["created", "name"]

Item = TypeVar("Item")


class Page(Output, Generic[Item]):
    """Some items, oldest first; ask again with `cursor=next_cursor` for those that follow."""

    items: list[Item]
    next_cursor: str | None = Field(
        description="Null on the last page.", examples=["MDE5M2Y1YjAtN2U0ZC03"]
    )


class Stamped(Output):
    """What every stored object has."""

    id: UUID
    created_at: datetime
    updated_at: datetime


Whole = TypeVar("Whole", bound=Input)


def merged(whole: type[Whole], current: Output, patch: Input) -> Whole:
    """The values of a stored object with those of the patch laid over them.

    Raises RequestValidationError where the result as a whole is not valid.
    """
    values = current.model_dump(include=set(whole.model_fields))
    try:
        return whole.model_validate(values | patch.model_dump(exclude_unset=True))
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error
