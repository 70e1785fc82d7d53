"""Text of others, made harmless before it stands in a mail or on a page."""

import re
from typing import Final

_BREAKS: Final = re.compile(r"[\s\x1c-\x1f\x85\u2028\u2029]+")
_UNSEEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f"  # control characters
    r"\u00ad\u061c\u200b\u200e\u200f\u2060-\u2069\u202a-\u202e\ufeff"  # bidi and zero-width signs
    r"\ufff9-\ufffb\U000e0000-\U000e007f]"  # interlinear signs, tags
)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_SCHEME: Final = re.compile(r"(?<=[A-Za-z])://|(?<![\w.])(?=www\.)", re.IGNORECASE)


def plain(text: str) -> str:
    """On one line, without signs that are not seen: none can fake a line, turn the reading
    direction around, or hide words. The joiners that scripts and emoji need stay.

    An address in it is broken by a space, so that mail programs make no link of it: every link
    in a mail is ours.
    """
    text = _SURROGATE.sub("�", _BREAKS.sub(" ", text))
    text = _SCHEME.sub(lambda found: "：// " if found[0] else "", _UNSEEN.sub("", text))
    return text.strip()
