"""The kinds of record that a file can hold, and how its name tells them."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from data.importers.vocabulary import (
    CAPABILITY_KINDS,
    CONFIDENTIALITIES,
    ENGAGEMENT_TYPES,
    LANGUAGES,
    LICENCE_STATUSES,
    NEED_KINDS,
    NEED_STATUSES,
    ORGANISATION_KINDS,
    PARTNER_KINDS,
    Vocabulary,
)
from matching.text import normalise


class RecordKind(StrEnum):
    """What the rows of one file are."""

    CLUSTER = "cluster"
    ORGANISATION = "organisation"
    PARTNER = "partner"
    CAPABILITY = "capability"
    NEED = "need"
    DOCUMENT = "document"
    """Of a plain retrieval set: becomes a partner with this one piece of evidence."""


FILE_WORDS: Final[Mapping[RecordKind, tuple[str, ...]]] = {
    RecordKind.CLUSTER: ("cluster", "クラスター"),
    RecordKind.ORGANISATION: ("organisation", "organization", "企業", "機関"),
    RecordKind.PARTNER: ("partner", "people", "researcher", "研究者", "パートナー"),
    RecordKind.CAPABILITY: ("capabilit", "業績", "シーズ"),
    RecordKind.NEED: ("need", "queries", "ニーズ"),
    RecordKind.DOCUMENT: ("docs", "documents"),
}
"""A file is of a kind if its name, without the ending, contains one of the words."""

KNOWN_JSONL: Final = (
    "clusters.jsonl, organisations.jsonl, people.jsonl (or partners.jsonl), capabilities.jsonl,"
    " docs.jsonl, queries.jsonl (or needs.jsonl)"
)
KNOWN_CSV: Final = "clusters.csv, organisations.csv, partners.csv, capabilities.csv, needs.csv"

VOCABULARIES: Final[Mapping[RecordKind, Mapping[str, Vocabulary]]] = {
    RecordKind.CLUSTER: {},
    RecordKind.ORGANISATION: {"kind": ORGANISATION_KINDS},
    RecordKind.PARTNER: {
        "kind": PARTNER_KINDS,
        "engagement_types": ENGAGEMENT_TYPES,
        "languages": LANGUAGES,
    },
    RecordKind.CAPABILITY: {"kind": CAPABILITY_KINDS, "licence_status": LICENCE_STATUSES},
    RecordKind.NEED: {
        "kind": NEED_KINDS,
        "engagement_types": ENGAGEMENT_TYPES,
        "confidentiality": CONFIDENTIALITIES,
        "status": NEED_STATUSES,
    },
}
"""The closed list of each field that has one."""


def kinds_by_name(path: Path) -> set[RecordKind]:
    """The kinds whose words are in the file's name: one if it is clear."""
    stem = normalise(path.stem).casefold()
    return {kind for kind, words in FILE_WORDS.items() if any(word in stem for word in words)}
