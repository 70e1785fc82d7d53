"""Text of others, made harmless before it stands in a mail or on a page."""

import re
from typing import Final

_SPACES: Final = re.compile(r"[\t-\r\x1c-\x20\x85\u2028\u2029]+")
_UNSEEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f"  # control characters
    r"\u00ad\u061c\u200b\u200e\u200f\u2060-\u2069\u202a-\u202e\ufeff"  # bidi, zero-width
    r"\ufff9-\ufffb\U000e0000-\U000e007f]"  # interlinear signs, tags
)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_SCHEME: Final = re.compile(r"(?<=[A-Za-z])://")
_WWW: Final = re.compile(r"\b(www)\.(?=\w)", re.IGNORECASE)


def plain(text: str) -> str:
    """On one line, without signs that are not seen: none can fake a line, turn the reading
    direction around, or hide words. The joiners that scripts and emoji need stay.

    An address in it is broken by a space, so that mail programs make no link of it: every link
    in a mail is ours.
    """
    text = _UNSEEN.sub("", _SPACES.sub(" ", _SURROGATE.sub("\ufffd", text)))
    return _WWW.sub(r"\1 .", _SCHEME.sub(": //", text)).strip(" ")
