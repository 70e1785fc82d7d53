"""Lines of a width for texts in which Japanese and Latin letters mix."""

import re
import unicodedata
from typing import Final

WIDTH: Final = 70
"""Columns of a line; a full-width letter takes two."""

_NOT_FIRST: Final = frozenset(
    "、。，．,.!?！？:;：;）)]］}｝」』】〉》〕”’・…‥%％℃"
    "ー々ゝゞぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
)
"""Signs that do not begin a line (kinsoku)."""
_NOT_LAST: Final = frozenset("(（[［{｛「『【〈《〔“‘")
"""Signs that do not end one."""
_UNIT: Final = re.compile(r"\s+|[^\s\u2e80-\U0003ffff]+|.", re.DOTALL)
"""Spaces, a word of Latin letters, or one letter of Japanese."""


def columns(text: str) -> int:
    """How wide a text is, with full-width letters as two columns."""
    return sum(map(_columns, text))


def _columns(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WFA" else 1


def wrap(text: str, *, width: int = WIDTH, first: str = "", indent: str = "") -> str:
    """The text in lines of at most that many columns, begun by `first` and, from the second on, by
    `indent`.

    Words of Latin letters are kept whole, even one that is too long by itself; Japanese breaks
    between letters, but not before a closing sign nor after an opening one.
    """
    lines: list[str] = []
    line, taken, begun = first, columns(first), False
    for unit in _units(text):
        if not begun and unit.isspace():
            continue
        wide = columns(unit)
        if begun and taken + wide > width:
            lines.append(line.rstrip())
            line, taken, begun = indent, columns(indent), False
            if unit.isspace():
                continue
        line, taken, begun = line + unit, taken + wide, True
    return "\n".join([*lines, line.rstrip()])


def _units(text: str) -> list[str]:
    """Pieces of which none may be broken up."""
    units: list[str] = []
    for unit in _UNIT.findall(text):
        glued = units and not unit.isspace() and not units[-1].isspace()
        if glued and (unit[0] in _NOT_FIRST or units[-1][-1] in _NOT_LAST):
            units[-1] += unit
        else:
            units.append(unit)
    return units
