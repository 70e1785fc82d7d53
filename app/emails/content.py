"""What a digest says, as values: chosen by the services, worded by `app.emails.digest`.

All texts are in the recipient's language already, and hold nothing that the recipient may not see.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from models import Side

Language = Literal["ja", "en"]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, as the law wants it named in each mail."""

    name: str
    address: str
    """Of e-mail."""
    postal_address: str
    contact: str
    """Where questions and complaints go."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where one answers to one suggestion."""

    accept: str
    decline: str
    later: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One suggestion as its recipient may see it."""

    who: str
    """The other side: for staff the partner with its organisation, for a company the coarse words
    for an anonymous candidate, for a partner the title of the need."""
    reason: str
    """Why, in one line."""
    evidence: str
    """What speaks for it, in one line; empty where the recipient may not see it."""
    is_new: bool
    links: Links | None = None
    """None in a preview."""
    suggested_on: date | None = None
    """Of one that is not new."""


@dataclass(frozen=True, slots=True)
class Group:
    """The suggestions for one need (staff and companies), or for one recipient (partners)."""

    heading: str
    """Title of the need; for staff with its company."""
    about: str
    """One line more: cluster and level for staff, else empty."""
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An introduction that waits for the recipient."""

    title: str
    """What it is about, as far as the recipient may see it."""
    step: str
    """What the recipient is asked to do."""
    reference: str
    """Id of the introduction."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Everything that one mail says."""

    side: Side
    language: Language
    recipient: str
    """The recipient's name."""
    day: date
    groups: tuple[Group, ...]
    waiting: tuple[Waiting, ...] = ()
    left_out: int = 0
    """Suggestions for which there was no room."""

    @property
    def new(self) -> int:
        """How many suggestions are new."""
        return sum(pair.is_new for group in self.groups for pair in group.pairs)

    @property
    def open(self) -> int:
        """How many were made before and wait for an answer."""
        return sum(not pair.is_new for group in self.groups for pair in group.pairs)
