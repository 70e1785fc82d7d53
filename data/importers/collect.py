"""Gathers rows from all files of an import into records and problems."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from data.importers.kinds import RecordKind
from data.importers.prepare import prepared
from data.importers.reasons import quoted, reasons
from data.importers.result import Problem, ReadResult
from data.records import (
    CapabilityRecord,
    ClusterRecord,
    NeedRecord,
    OrganisationRecord,
    PartnerRecord,
    Record,
)

AnyRecord = TypeVar("AnyRecord", bound=Record)
Place = tuple[str, int]
"""File name and line."""

_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_NO_COLUMNS: Final[Mapping[str, str]] = {}


class Collector:
    """Takes rows one by one; `result` ties capabilities to their partners."""

    def __init__(self) -> None:
        self._clusters: dict[str, ClusterRecord] = {}
        self._organisations: dict[str, OrganisationRecord] = {}
        self._partners: dict[str, PartnerRecord] = {}
        self._needs: dict[str, NeedRecord] = {}
        self._capabilities: dict[tuple[str, str], tuple[Place, CapabilityRecord]] = {}
        self._places: dict[tuple[RecordKind, str], Place] = {}
        self._problems: list[Problem] = []

    def report(self, place: Place, reason: str) -> None:
        """Note a problem."""
        self._problems.append(Problem(*place, reason))

    def add(
        self,
        kind: RecordKind,
        place: Place,
        values: Mapping[str, Any],
        columns: Mapping[str, str] = _NO_COLUMNS,
    ) -> None:
        """Validate one row and keep it, or report it. `columns`: headers by field."""
        match kind:
            case RecordKind.CLUSTER:
                cluster = self._validated(ClusterRecord, kind, place, values, columns)
                self._keep(kind, place, self._clusters, cluster)
            case RecordKind.ORGANISATION:
                organisation = self._validated(OrganisationRecord, kind, place, values, columns)
                self._keep(kind, place, self._organisations, organisation)
            case RecordKind.PARTNER:
                self._add_partner(place, values, columns)
            case RecordKind.CAPABILITY:
                self._add_capability(place, values, columns)
            case RecordKind.NEED:
                need = self._validated(NeedRecord, kind, place, values, columns)
                self._keep(kind, place, self._needs, need)
            case RecordKind.DOCUMENT:
                self._add_document(place, values)

    def result(self) -> ReadResult:
        """Everything so far; a capability whose partner came in no file is loose."""
        evidence = {partner: list(record.evidence) for partner, record in self._partners.items()}
        loose: list[tuple[str, CapabilityRecord]] = []
        known = {(p, item.id) for p, items in evidence.items() for item in items}
        for (partner, item_id), (place, record) in self._capabilities.items():
            if partner not in evidence:
                loose.append((partner, record))
            elif (partner, item_id) in known:
                reason = f"id: {quoted(item_id)} is already among the evidence in the partner's row"
                self.report(place, reason)
            else:
                evidence[partner].append(record)
        return ReadResult(
            clusters=list(self._clusters.values()),
            organisations=list(self._organisations.values()),
            partners=[
                record.model_copy(update={"evidence": evidence[partner]})
                for partner, record in self._partners.items()
            ],
            needs=list(self._needs.values()),
            loose_capabilities=loose,
            problems=list(self._problems),
        )

    def _add_partner(
        self, place: Place, values: Mapping[str, Any], columns: Mapping[str, str]
    ) -> None:
        own = {field: value for field, value in values.items() if field != "evidence"}
        partner = self._validated(PartnerRecord, RecordKind.PARTNER, place, own, columns)
        if partner is None or not self._is_first(RecordKind.PARTNER, place, partner.id):
            return
        evidence = self._evidence(place, values.get("evidence"))
        self._partners[partner.id] = partner.model_copy(update={"evidence": evidence})

    def _evidence(self, place: Place, items: Any) -> list[CapabilityRecord]:
        """The good items; a bad one is reported and does not lose the partner."""
        if items is None:
            return []
        if not isinstance(items, list):
            self.report(place, f"evidence: {quoted(items)} is not a list; the partner is kept")
            return []
        kept: dict[str, CapabilityRecord] = {}
        for number, item in enumerate(items, 1):
            if not isinstance(item, dict):
                self.report(place, f"evidence number {number}: {quoted(item)} is not an object")
                continue
            item_id = item.get("id")
            name = f"number {number}" if item_id is None else quoted(item_id)
            label = f"evidence {name}: "
            record = self._validated(
                CapabilityRecord, RecordKind.CAPABILITY, place, item, _NO_COLUMNS, label
            )
            if record is None:
                continue
            if record.id in kept:
                self.report(place, f"{label}the id is in this list twice; the first is kept")
            else:
                kept[record.id] = record
        return list(kept.values())

    def _add_capability(
        self, place: Place, values: Mapping[str, Any], columns: Mapping[str, str]
    ) -> None:
        partner = prepared(RecordKind.CAPABILITY, values).get("partner")
        if isinstance(partner, int) and not isinstance(partner, bool):
            partner = str(partner)
        if not isinstance(partner, str) or not partner or _LONE_SURROGATE.search(partner):
            column = f"; column {columns['partner']!r}" if "partner" in columns else ""
            self.report(place, f"partner: the id of the partner is missing{column}")
            return
        record = self._validated(CapabilityRecord, RecordKind.CAPABILITY, place, values, columns)
        if record is None:
            return
        key = (partner, record.id)
        if key in self._capabilities:
            first = self._capabilities[key][0]
            self.report(place, _twice(record.id, first, place) + f", for {quoted(partner)}")
        else:
            self._capabilities[key] = (place, record)

    def _add_document(self, place: Place, values: Mapping[str, Any]) -> None:
        item = self._validated(CapabilityRecord, RecordKind.CAPABILITY, place, values, _NO_COLUMNS)
        if item is not None:
            partner = PartnerRecord(id=item.id, evidence=[item])
            self._keep(RecordKind.PARTNER, place, self._partners, partner)

    def _validated(
        self,
        model: type[AnyRecord],
        kind: RecordKind,
        place: Place,
        values: Mapping[str, Any],
        columns: Mapping[str, str],
        label: str = "",
    ) -> AnyRecord | None:
        """The record, or None after its faults were reported, each after `label`."""
        broken = [field for field, value in values.items() if _is_broken(value)]
        if broken:
            names = ", ".join(quoted(field) for field in broken)
            self.report(place, f"{label}{names}: holds half of a character; write the text again")
            return None
        try:
            return model.model_validate(prepared(kind, values))
        except ValidationError as error:
            for reason in reasons(error, columns):
                self.report(place, label + reason)
            return None

    def _keep(
        self, kind: RecordKind, place: Place, kept: dict[str, AnyRecord], record: AnyRecord | None
    ) -> None:
        if record is not None and self._is_first(kind, place, record.id):
            kept[record.id] = record

    def _is_first(self, kind: RecordKind, place: Place, record_id: str) -> bool:
        first = self._places.setdefault((kind, record_id), place)
        if first is not place:
            self.report(place, _twice(record_id, first, place))
        return first is place


def _twice(record_id: str, first: Place, second: Place) -> str:
    where = f"line {first[1]}" if first[0] == second[0] else f"{first[0]}, line {first[1]}"
    return f"id: {quoted(record_id)} was already given in {where}, which is kept"


def _is_broken(value: Any) -> bool:
    """True of text that cannot be stored: JSON may carry one half of a surrogate pair."""
    if isinstance(value, str):
        return _LONE_SURROGATE.search(value) is not None
    if isinstance(value, list):
        return any(_is_broken(item) for item in value if isinstance(item, str | dict))
    if isinstance(value, dict):
        return any(_is_broken(item) for item in value.values() if isinstance(item, str))
    return False
