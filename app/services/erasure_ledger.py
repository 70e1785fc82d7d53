"""The erasures, written down outside of the database, so that a restored backup is erased again.

A file of one JSON object a line: numbers, ids, keyed digests and times, no word of a person. Each
line carries an HMAC under the installation's secret; a line is on the disk before the deletion
that it announces begins. A last line that was cut off announces nothing: its deletion had not
begun.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

from app.errors import Problem
from app.keyring import digest
from models import new_id, utc_now

Deed = Literal["erase", "replay", "cleanse", "readmit"]
"""What a line says was begun or done: a person erased, erasures repeated in a restored database,
the bytes removed of everything before, or an erased person let in again."""

ANNOUNCES: Final = ("erase", "replay")
"""Deeds after which bytes are left until the file was cleansed."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Who was erased: the row of `erasures` and what it was about."""

    id: UUID
    kind: str
    subject_id: UUID

    @classmethod
    def of(cls, kind: str, subject_id: UUID) -> "Subject":
        """A new one."""
        return cls(new_id(), kind, subject_id)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line."""

    number: int
    deed: Deed
    at: datetime
    erasure: UUID
    """Its own id; of `readmit` that of the erasure that is taken back."""
    subjects: tuple[Subject, ...] = ()
    suppress: Mapping[str, str] | None = None
    """Digest to kind."""
    reason: str | None = None


class Ledger:
    """The file; it is made with the first line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[Entry]:
        """All lines. Problem 503 if one was changed, is missing, or bears another secret's HMAC."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        whole, _, _ = data.rpartition(b"\n")  # what follows the last line feed was cut off
        return [self._entry(line, n) for n, line in enumerate(whole.splitlines(), 1)]

    def append(
        self,
        deed: Deed,
        *,
        erasure: UUID | None = None,
        subjects: Sequence[Subject] = (),
        suppress: Mapping[str, str] | None = None,
        reason: str | None = None,
    ) -> Entry:
        """Write a line; it is on the disk when this returns."""
        with self._locked() as descriptor:
            known = self.read()
            entry = Entry(
                len(known) + 1,
                deed,
                utc_now(),
                erasure or new_id(),
                tuple(subjects),
                suppress,
                reason,
            )
            end = _end_of_lines(descriptor)
            os.ftruncate(descriptor, end)
            os.lseek(descriptor, end, os.SEEK_SET)
            line = _line(entry)
            while line:
                line = line[os.write(descriptor, line) :]
            os.fsync(descriptor)
        return entry

    def is_pending(self) -> bool:
        """True if a person was erased since the file was last cleansed."""
        last = [entry.deed for entry in self.read() if entry.deed in (*ANNOUNCES, "cleanse")]
        return bool(last) and last[-1] != "cleanse"

    def announced(self) -> int:
        """Number of the last line that announces a deletion; 0 if none does."""
        return max((entry.number for entry in self.read() if entry.deed in ANNOUNCES), default=0)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if is_new:
                _sync_folder(self.path.parent)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def _entry(self, line: bytes, number: int) -> Entry:
        try:
            values = json.loads(line)
            mac = values.pop("mac")
            entry = _parsed(values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._broken(number) from error
        if not compare_digest(str(mac), _mac(values)) or entry.number != number:
            raise self._broken(number)
        return entry

    def _broken(self, number: int) -> Problem:
        return Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"Line {number} of the erasure ledger {self.path} was changed, is missing, or was "
            "written under another secret key: bring back the ledger and the secret that belong "
            "together. Nothing is served meanwhile, since erased persons might come back.",
        )


def _line(entry: Entry) -> bytes:
    values: dict[str, Any] = {
        "number": entry.number,
        "deed": entry.deed,
        "at": entry.at.isoformat(),
        "erasure": str(entry.erasure),
        "subjects": [[str(s.id), s.kind, str(s.subject_id)] for s in entry.subjects],
        "suppress": dict(entry.suppress or {}),
        "reason": entry.reason,
    }
    return json.dumps(values | {"mac": _mac(values)}).encode() + b"\n"


def _parsed(values: dict[str, Any]) -> Entry:
    return Entry(
        number=int(values["number"]),
        deed=values["deed"],
        at=datetime.fromisoformat(values["at"]),
        erasure=UUID(values["erasure"]),
        subjects=tuple(Subject(UUID(i), kind, UUID(of)) for i, kind, of in values["subjects"]),
        suppress=dict(values["suppress"]),
        reason=values["reason"],
    )


def _mac(values: Mapping[str, Any]) -> str:
    return digest("erasures", json.dumps(values, sort_keys=True))


def _end_of_lines(descriptor: int) -> int:
    """Where the last whole line ends."""
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0).rfind(b"\n") + 1


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
