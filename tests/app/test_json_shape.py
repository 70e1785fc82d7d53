import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.json_shape import DEEPEST, MOST_VALUES, JsonFault, Shape, check_json, shape_of

VALUES: Any = st.recursive(
    st.none() | st.integers() | st.text() | st.text(st.sampled_from('"\\[]{},x')),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def _separators(value: Any) -> int:
    if not isinstance(value, list | dict):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return max(len(value) - 1, 0) + sum(map(_separators, inner))


@given(VALUES, st.booleans())
def test_the_shape_is_that_of_the_value(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert shape_of(text) == Shape(_depth(value), _separators(value))


@given(st.binary())
def test_any_bytes_have_a_shape(text: bytes) -> None:
    assert shape_of(text).separators <= len(text)


@given(VALUES)
def test_what_is_json_is_taken(value: Any) -> None:
    if _depth(value) <= DEEPEST:
        check_json(json.dumps(value).encode())


@given(st.binary() | st.text('{}[]",:1eE+-.\\u ').map(str.encode))
def test_anything_else_is_refused_in_words(body: bytes) -> None:
    try:
        check_json(body)
    except JsonFault:
        return
    json.loads(body)


def test_the_limits_themselves_are_allowed() -> None:
    check_json(b"[" * DEEPEST + b"]" * DEEPEST)
    check_json(b"[" + b",".join([b"1"] * (MOST_VALUES + 1)) + b"]")
    with pytest.raises(JsonFault, match="nested"):
        check_json(b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1))
    with pytest.raises(JsonFault, match="values"):
        check_json(b"[" + b",".join([b"1"] * (MOST_VALUES + 2)) + b"]")


def test_numbers_without_end_are_refused() -> None:
    check_json(b"[" + b"9" * 4300 + b", 1e999]")
    with pytest.raises(JsonFault, match="digits"):
        check_json(b"[" + b"9" * 1_000_000 + b"]")


def test_a_field_twice_in_different_objects_is_no_fault() -> None:
    check_json(b'[{"a": 1}, {"a": {"a": 1}}]')
    with pytest.raises(JsonFault, match="twice"):
        check_json(b'[{"b": {"a": 1, "\\u0061": 2}}]')


def test_faults_do_not_quote_the_body() -> None:
    for body in (b'{"secret": 1, "secret": 2}', b'{"secret" 1}', b"secret", b'{"secret": NaN}'):
        with pytest.raises(JsonFault) as caught:
            check_json(body)
        assert "secret" not in str(caught.value)
