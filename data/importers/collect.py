"""From the rows of all files of an import to records and problems."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from data.importers.kinds import RecordKind
from data.importers.places import IN_ROW, Place, Places
from data.importers.prepare import prepared
from data.importers.reasons import quoted, reasons
from data.importers.result import Problem
from data.records import (
    CapabilityRecord,
    ClusterRecord,
    NeedRecord,
    OrganisationRecord,
    PartnerRecord,
    Record,
)

AnyRecord = TypeVar("AnyRecord", bound=Record)
Item = (
    ClusterRecord | OrganisationRecord | PartnerRecord | NeedRecord | tuple[str, CapabilityRecord]
)
"""A record; a capability in a row of its own with the id of its partner."""

_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_NO_COLUMNS: Final[Mapping[str, str]] = {}


class Collector:
    """Takes rows one by one and gives each back as a record, if it can be used."""

    def __init__(self, *, ties: bool = False) -> None:
        """`ties`: evidence comes in rows of its own, too, which may repeat that of a partner."""
        self._ties = ties
        self._places = Places()
        self.problems: list[Problem] = []

    def report(self, place: Place, reason: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(*place, reason))

    def add(
        self,
        kind: RecordKind,
        place: Place,
        values: Mapping[str, Any],
        columns: Mapping[str, str] = _NO_COLUMNS,
    ) -> Item | None:
        """The record of one row, or None after it was reported. `columns`: headers by field."""
        match kind:
            case RecordKind.CLUSTER:
                cluster = self._validated(ClusterRecord, kind, place, values, columns)
                return self._if_first(kind, place, cluster)
            case RecordKind.ORGANISATION:
                organisation = self._validated(OrganisationRecord, kind, place, values, columns)
                return self._if_first(kind, place, organisation)
            case RecordKind.PARTNER:
                return self._partner(place, values, columns)
            case RecordKind.CAPABILITY:
                return self._capability(place, values, columns)
            case RecordKind.NEED:
                need = self._validated(NeedRecord, kind, place, values, columns)
                return self._if_first(kind, place, need)
            case RecordKind.DOCUMENT:
                return self._document(place, values)

    def _partner(
        self, place: Place, values: Mapping[str, Any], columns: Mapping[str, str]
    ) -> PartnerRecord | None:
        own = {field: value for field, value in values.items() if field != "evidence"}
        partner = self._validated(PartnerRecord, RecordKind.PARTNER, place, own, columns)
        if partner is None or not self._is_first(RecordKind.PARTNER, place, partner.id):
            return None
        evidence = self._evidence(place, values.get("evidence"))
        return self._tied(partner.model_copy(update={"evidence": evidence}), place)

    def _tied(self, partner: PartnerRecord, place: Place) -> PartnerRecord:
        if self._ties:
            for item in partner.evidence:
                in_row = place[0], IN_ROW
                self._places.first(RecordKind.CAPABILITY, item.id, in_row, owner=partner.id)
        return partner

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

    def _capability(
        self, place: Place, values: Mapping[str, Any], columns: Mapping[str, str]
    ) -> tuple[str, CapabilityRecord] | None:
        owner = {"partner": values.get("partner")}
        partner = prepared(RecordKind.CAPABILITY, owner).get("partner")
        if isinstance(partner, int) and not isinstance(partner, bool):
            partner = str(partner)
        if not isinstance(partner, str) or not partner or _LONE_SURROGATE.search(partner):
            column = f"; column {columns['partner']!r}" if "partner" in columns else ""
            self.report(place, f"partner: the id of the partner is missing{column}")
            return None
        kind = RecordKind.CAPABILITY
        record = self._validated(CapabilityRecord, kind, place, values, columns)
        if record is None:
            return None
        first = self._places.first(kind, record.id, place, owner=partner)
        if first is place:
            return partner, record
        if first[1] == IN_ROW:
            self._places.move(kind, record.id, place, owner=partner)
            reason = f"id: {quoted(record.id)} is already among the evidence in the partner's row"
            self.report(place, reason)
        else:
            self.report(place, _twice(record.id, first, place) + f", for {quoted(partner)}")
        return None

    def _document(self, place: Place, values: Mapping[str, Any]) -> PartnerRecord | None:
        item = self._validated(CapabilityRecord, RecordKind.CAPABILITY, place, values, _NO_COLUMNS)
        if item is None:
            return None
        partner = PartnerRecord(id=item.id, evidence=[item])
        kept = self._if_first(RecordKind.PARTNER, place, partner)
        return None if kept is None else self._tied(kept, place)

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

    def _if_first(
        self, kind: RecordKind, place: Place, record: AnyRecord | None
    ) -> AnyRecord | None:
        found = record is not None and self._is_first(kind, place, record.id)
        return record if found else None

    def _is_first(self, kind: RecordKind, place: Place, record_id: str) -> bool:
        first = self._places.first(kind, record_id, place)
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
