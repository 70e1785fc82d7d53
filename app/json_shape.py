"""How deep and how large a JSON text is, told before it is parsed.

A parser makes an object of 60 to 200 bytes for each value, and the validation one or more errors:
a body of 5 MB that holds nothing but `1,1,1,…` would cost gigabytes and a minute.
"""

import json
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

DEEPEST: Final = 32
"""Brackets inside each other; the API's own bodies have four."""
MOST_VALUES: Final = 50_000
"""Values besides the first of each bracket; the largest valid body of the API has 10,000."""

_Mask = NDArray[np.bool_]


class JsonFault(ValueError):
    """Why a body is not read: a sentence without anything of the body in it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The outer form of a JSON text."""

    depth: int
    """Brackets inside each other."""
    separators: int
    """Commas between values."""


def shape_of(text: bytes) -> Shape:
    """The shape of a JSON text in UTF-8, signs inside strings left out; linear, 20 bytes a byte.

    Of a text that is not JSON it tells something that the parser then refuses anyway.
    """
    if b"\\" in text:  # an escaped quotation mark does not end a string
        text = text.replace(b"\\\\", b"  ").replace(b'\\"', b"  ")
    signs = np.frombuffer(text, dtype=np.uint8)
    if not signs.size:
        return Shape(0, 0)
    outside: _Mask = ~np.logical_xor.accumulate(signs == ord('"'))
    opening = ((signs == ord("[")) | (signs == ord("{"))) & outside
    closing = ((signs == ord("]")) | (signs == ord("}"))) & outside
    level = np.cumsum(opening.astype(np.int8) - closing.astype(np.int8), dtype=np.int32)
    commas = np.count_nonzero((signs == ord(",")) & outside)
    return Shape(int(level.max()), int(commas))


def check_json(body: bytes) -> None:
    """Raise JsonFault unless the body is JSON in UTF-8 that is safe to parse and means one thing.

    Stricter than the parser of the standard library: a field twice in one object, NaN and
    Infinity are refused, since another reader of the same text could understand it otherwise.
    """
    if b"\x00" in body:  # also UTF-16 and UTF-32, which the parser would take
        raise JsonFault("is not JSON in UTF-8: it holds null bytes")
    shape = shape_of(body)
    if shape.depth > DEEPEST:
        raise JsonFault(f"is nested too deeply: at most {DEEPEST} brackets inside each other")
    if shape.separators > MOST_VALUES:
        raise JsonFault(f"holds more than {MOST_VALUES} values: send it in parts")
    try:
        json.loads(body, object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise JsonFault("is not UTF-8: save it as UTF-8") from error
    except json.JSONDecodeError as error:
        raise JsonFault(f"is not JSON: {error.msg} (character {error.pos})") from error
    except JsonFault:
        raise
    except ValueError as error:  # an integer of more than 4,300 digits
        raise JsonFault("holds a number with too many digits") from error
    except RecursionError as error:
        raise JsonFault("is nested too deeply") from error


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise JsonFault("names a field twice in one object: say each once")


def _no_constant(_: str) -> NoReturn:
    raise JsonFault("is not JSON: NaN and Infinity are no numbers there")
