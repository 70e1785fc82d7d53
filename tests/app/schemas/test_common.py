from typing import Any
from uuid import UUID

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import Field, TypeAdapter, ValidationError

from app.schemas.common import (
    Brief,
    ExternalId,
    Input,
    LongTitle,
    Name,
    Output,
    Place,
    Slug,
    Slugs,
    Title,
    merged,
)
from app.schemas.need import NeedIn
from data.records import NeedRecord


@pytest.mark.parametrize(
    ("kind", "length"),
    [
        (Name, 300),
        (ExternalId, 300),
        (Title, 500),
        (LongTitle, 1000),
        (Place, 100),
        (Brief, 50_000),
    ],
)
def test_texts(kind: Any, length: int) -> None:
    adapter: TypeAdapter[str | None] = TypeAdapter(kind)
    assert adapter.validate_python(" ｱｵｲ\u200b  ① ") == "アオイ 1"
    assert adapter.validate_python("a\x00b") == "a b"
    for blank in ("", "  ", "\u200b", "\n\n", None):
        assert adapter.validate_python(blank) is None
    assert adapter.validate_python("x" * length) == "x" * length
    # The length is that of what is stored, after NFKC has made five letters of ㌀.
    for long in ("x" * (length + 1), "㌀" * (length // 4 + 1)):
        with pytest.raises(ValidationError):
            adapter.validate_python(long)
    for wrong in (5, ["x"], True, b"x"[0]):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)


@pytest.mark.parametrize("slug", ["a", "food-health", "0", "a" * 64])
def test_slugs(slug: str) -> None:
    assert TypeAdapter(Slug).validate_python(slug) == slug


@pytest.mark.parametrize("slug", ["", "-a", "A", "a b", "é", "a" * 65, "a\n", "ａ"])
def test_what_is_no_slug(slug: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Slug).validate_python(slug)


def test_slugs_are_distinct_and_bounded() -> None:
    adapter: TypeAdapter[list[str]] = TypeAdapter(Slugs)
    assert adapter.validate_python(["b", "a", "b"]) == ["b", "a"]
    with pytest.raises(ValidationError):
        adapter.validate_python([f"a{i}" for i in range(21)])


class _Whole(Input):
    a: int
    b: int | None = None
    c: list[int] = Field(default=[])


class _Stored(Output):
    a: int = 1
    b: int | None = 2
    c: list[int] = Field(default=[3])
    other: str = "not of the form"


class _Patch(Input):
    a: int | None = None
    b: int | None = None
    c: list[int] = Field(default=[])


def test_merged_lays_only_what_was_sent_over_the_stored() -> None:
    assert merged(_Whole, _Stored(), _Patch()) == _Whole(a=1, b=2, c=[3])
    assert merged(_Whole, _Stored(), _Patch(a=5)) == _Whole(a=5, b=2, c=[3])
    assert merged(_Whole, _Stored(), _Patch(b=None, c=[])) == _Whole(a=1, b=None, c=[])


def test_merged_refuses_what_is_invalid_as_a_whole() -> None:
    with pytest.raises(RequestValidationError):
        merged(_Whole, _Stored(), _Patch(a=None))


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        NeedIn.model_validate({"kind": "people", "title_en": "x", "colour": "red"})
    (error,) = caught.value.errors()
    assert error["loc"] == ()
    assert "colour" not in error["msg"]  # the caller's own word; known ones are told instead
    assert "brief_en" in error["msg"]


def test_a_need_keeps_the_order_of_distinct_choices() -> None:
    ids = [UUID(int=2), UUID(int=1), UUID(int=2)]
    made = NeedIn.model_validate(
        {
            "kind": "people",
            "title_en": "x",
            "excluded_organisations": ids,
            "engagement_types": ["testing", "licence", "testing"],
        }
    )
    assert made.excluded_organisations == ids[:2]
    assert made.engagement_types == ["testing", "licence"]


@pytest.mark.parametrize("field", ["title_ja", "title_en", "prefecture", "city", "external_id"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028", "\x85"])
def test_names_and_titles_are_one_line(field: str, end: str) -> None:
    """In the API and in imports alike: a line break could begin a header of a mail."""
    values = {"kind": "people", "brief_en": "x", field: f"Juice{end}\u202eBcc: a"}
    assert getattr(NeedIn.model_validate(values), field) == "Juice Bcc: a"
    if field != "external_id":
        assert getattr(NeedRecord.model_validate({"id": "n", **values}), field) == "Juice Bcc: a"


@pytest.mark.parametrize("field", ["title_ja", "title_en", "prefecture", "city"])
@pytest.mark.parametrize("text", ["=?utf-8?q?x?=", "＝？", "a\u200b=\u200b?b"])
def test_names_and_titles_do_not_begin_encoded_words(field: str, text: str) -> None:
    values = {"id": "n", "kind": "people", "brief_en": "1+1=?", field: text}
    with pytest.raises(ValidationError, match="write a space"):
        NeedRecord.model_validate(values)
    del values["id"]
    with pytest.raises(ValidationError, match="write a space"):
        NeedIn.model_validate(values)


def test_briefs_keep_their_lines() -> None:
    values = {"kind": "people", "brief_en": "One\r\ntwo\u2066\n\n1+1=?"}
    for made in (NeedIn.model_validate(values), NeedRecord.model_validate({"id": "n", **values})):
        assert made.brief_en == "One\ntwo\n1+1=?"
