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
)

from matching.text import is_reading, normalise


class Input(BaseModel):
    """A request body: unknown fields are rejected."""

    model_config = ConfigDict(extra="forbid")


class Output(BaseModel):
    """A response body, read from ORM objects or values."""

    model_config = ConfigDict(from_attributes=True)


def _clean(value: Any) -> Any:
    return normalise(value) or None if isinstance(value, str) else value


def _cleaned(value: Any) -> Any:
    return normalise(value) if isinstance(value, str) else value


def _kana(value: str | None) -> str | None:
    if value is not None and not is_reading(value):
        raise ValueError("write the reading in hiragana or katakana, such as くろき はるか")
    return value


def _distinct(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


# Optional texts, normalised; a blank one is a missing one.
Name = Annotated[Annotated[str, Field(max_length=300)] | None, BeforeValidator(_clean)]
Title = Annotated[Annotated[str, Field(max_length=500)] | None, BeforeValidator(_clean)]
LongTitle = Annotated[Annotated[str, Field(max_length=1000)] | None, BeforeValidator(_clean)]
Brief = Annotated[Annotated[str, Field(max_length=50_000)] | None, BeforeValidator(_clean)]
Place = Annotated[Annotated[str, Field(max_length=100)] | None, BeforeValidator(_clean)]
KanaName = Annotated[
    Name,
    AfterValidator(_kana),
    Field(description="How the name is read, in kana.", examples=["くろき はるか"]),
]
ExternalId = Name
Source = Annotated[str, BeforeValidator(_cleaned), Field(min_length=1, max_length=100)]
RequiredText = Annotated[str, BeforeValidator(_cleaned), Field(min_length=1, max_length=50_000)]
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
