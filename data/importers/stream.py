"""The records of all files of an import, one after the other, in bounded memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from data.importers.collect import Collector, Item
from data.importers.jsonl import read_jsonl
from data.importers.kinds import RecordKind, kinds_by_name
from data.importers.result import Problem, Progress, ReadResult, UnreadableImport
from data.importers.tabular import OpenTable, open_table, read_table
from data.records import (
    CapabilityRecord,
    ClusterRecord,
    NeedRecord,
    OrganisationRecord,
    PartnerRecord,
)

TABLES: Final = frozenset({".csv", ".tsv"})
_ORDER: Final = (
    RecordKind.CLUSTER,
    RecordKind.ORGANISATION,
    RecordKind.PARTNER,
    RecordKind.DOCUMENT,
    RecordKind.CAPABILITY,
    RecordKind.NEED,
)
"""What others refer to comes first; partners and documents share their ids and one place in it."""


class RecordStream:
    """Iterated once, it gives the records; then `problems` holds what was left aside."""

    def __init__(
        self,
        path: Path,
        files: Sequence[Path],
        others: Sequence[Problem],
        progress: Progress | None = None,
    ) -> None:
        """Opens the files and reads the headers of tables; raises OSError."""
        self._path = path
        self._others = list(others)
        self._rank = {file.name: number for number, file in enumerate(files)}
        self._progress = progress
        ties = any(self._may_hold_capabilities(file) for file in files)
        self._collector = Collector(ties=ties)
        self._sources = self._opened(files)

    @property
    def problems(self) -> list[Problem]:
        """So far, in the order of the files."""
        found = sorted(self._collector.problems, key=lambda p: self._rank[p.file])
        return [*self._others, *found]

    def __iter__(self) -> Iterator[Item]:
        """Raises `UnreadableImport` if a file cannot be read on."""
        with readable(self._path):
            for kind, source in self._sources:
                if isinstance(source, OpenTable):
                    yield from read_table(source, self._collector, self._progress)
                else:
                    yield from read_jsonl(source, kind, self._collector, self._progress)

    def _opened(self, files: Sequence[Path]) -> list[tuple[RecordKind, OpenTable | Path]]:
        sources: list[tuple[RecordKind, OpenTable | Path]] = []
        for file in files:
            if file.suffix.casefold() not in TABLES:
                (kind,) = kinds_by_name(file)
                sources.append((kind, file))
                continue
            table = open_table(file, self._collector)
            if table is not None:
                sources.append((table.kind, table))
            elif self._progress is not None:
                self._progress(file.stat().st_size)
        return sorted(sources, key=lambda source: _place(source[0]))

    @staticmethod
    def _may_hold_capabilities(file: Path) -> bool:
        # Of a table that its name does not tell the header decides, which is not read yet.
        kinds = kinds_by_name(file)
        return RecordKind.CAPABILITY in kinds or len(kinds) != 1


def _place(kind: RecordKind) -> int:
    return _ORDER.index(RecordKind.PARTNER if kind is RecordKind.DOCUMENT else kind)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Says `UnreadableImport` where the block meets a file that cannot be read."""
    try:
        yield
    except OSError as error:
        raise UnreadableImport(f"{error.filename or path} cannot be read: {error}") from error


def collected(stream: RecordStream) -> ReadResult:
    """All records in memory, each capability with its partner; else it is loose."""
    read = ReadResult()
    evidence: dict[str, list[CapabilityRecord]] = {}
    partners: list[PartnerRecord] = []
    for item in stream:
        match item:
            case ClusterRecord():
                read.clusters.append(item)
            case OrganisationRecord():
                read.organisations.append(item)
            case PartnerRecord():
                evidence[item.id] = list(item.evidence)
                partners.append(item)
            case NeedRecord():
                read.needs.append(item)
            case (partner, capability):
                if partner in evidence:
                    evidence[partner].append(capability)
                else:
                    read.loose_capabilities.append((partner, capability))
    read.partners.extend(p.model_copy(update={"evidence": evidence[p.id]}) for p in partners)
    read.problems.extend(stream.problems)
    return read
