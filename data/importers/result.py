"""What a read of files gives back, and the one error that stops it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from data.records import (
    CapabilityRecord,
    ClusterRecord,
    NeedRecord,
    OrganisationRecord,
    PartnerRecord,
)

Progress = Callable[[int], None]
"""Called with the number of bytes read since the last call; they add up to `import_size`."""


class UnreadableImport(Exception):
    """Nothing can be read from this path; the message says what is expected there."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a file that was left aside, for the person who made the file."""

    file: str
    line: int
    """1-based; of a row with line breaks in its cells, the line where it starts."""
    reason: str


@dataclass(frozen=True, slots=True)
class ReadResult:
    """The records that can be used, in the order of the files, and what was left aside."""

    clusters: list[ClusterRecord] = field(default_factory=list)
    organisations: list[OrganisationRecord] = field(default_factory=list)
    partners: list[PartnerRecord] = field(default_factory=list)
    needs: list[NeedRecord] = field(default_factory=list)
    loose_capabilities: list[tuple[str, CapabilityRecord]] = field(default_factory=list)
    """Partner id and evidence, of partners that are not in this import but may be stored."""
    problems: list[Problem] = field(default_factory=list)
