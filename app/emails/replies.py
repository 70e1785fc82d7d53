"""What became of a mail at the server, as values; and the steps that a transport takes apart.

A transport sends one mail to one recipient in two steps. Whoever sends can commit a mark between
them: before `data` nothing of the mail has left, from then on it may have.
"""

import re
from dataclasses import dataclass
from typing import Final, Protocol

_ENHANCED = re.compile(r"\s*5\.(\d{1,3})\.(\d{1,3})\b")

_NOT_THE_MAILBOX: Final = frozenset({500, 501, 502, 503, 504, 530, 534, 535, 538, 552, 555})
"""Codes of RFC 5321 and 4954 that speak of commands, sign-in or sizes."""
_OF_THE_SENDER: Final = frozenset({7, 8})
"""Details of an enhanced code 5.1 that speak of the sender's address (RFC 3463)."""
_OF_THE_MOMENT: Final = frozenset({2, 3})
"""Details of an enhanced code 5.2: the mailbox is full, the message too long for it."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server took what it was given."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now: the mail has not left, and may be tried again."""

    code: int | None
    """A 4xx code; None if the server said nothing or hung up before the text was sent."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """There is no connection to the server, which says nothing about this mail."""

    code: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Never: the mail has not left and will not."""

    code: int
    mailbox: bool
    """True if the server said so of the recipient's mailbox, not of the mail or of us."""


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """The server refuses us, or is not what the settings say: no mail at all can be sent."""

    problem: str
    """A sentence for the operator, without a word of the server's."""
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The text was on its way when the connection went or the answer did not come: nobody knows
    whether the mail was taken.
    """


Envelope = Accepted | Deferred | Unreachable | Refused | Misconfigured
"""What may become of sender and recipient."""
Taken = Accepted | Deferred | Refused | Lost
"""What may become of the text."""


class Transport(Protocol):
    """The way to a mail server."""

    def envelope(self, sender: str, recipient: str) -> Envelope:
        """Offer a mail from one address to one other; connects if need be. Never raises."""

    def data(self, content: bytes) -> Taken:
        """Send the text of the mail whose envelope was accepted just before. Never raises."""

    def reset(self) -> None:
        """Take back an envelope that was accepted."""

    def close(self) -> None:
        """Hang up; the next envelope connects again."""


def speaks_of_mailbox(code: int, text: str, *, at_recipient: bool) -> bool:
    """True if a 5xx reply says that the recipient's mailbox takes no mail.

    An enhanced code (RFC 3463) at the start of the text decides: 5.1 and 5.2 speak of the address
    and the mailbox, 5.7 of policy, such as a relay that does not know us. Without one, a plain
    refusal of the recipient counts, one of the text does not.
    """
    found = _ENHANCED.match(text)
    if found is not None and int(found[1]):
        subject, detail = int(found[1]), int(found[2])
        return (subject == 1 and detail not in _OF_THE_SENDER) or (
            subject == 2 and detail not in _OF_THE_MOMENT
        )
    return at_recipient and code not in _NOT_THE_MAILBOX
