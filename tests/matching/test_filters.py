"""Hard constraints."""

from datetime import date
from typing import Any

import pytest

from matching.corpus import Period
from matching.filters import REASONS, Filters, obstacle
from tests.matching.factories import make_partner, make_query

DAY = date(2026, 4, 1)
Fields = dict[str, Any]

BLOCKED: list[tuple[str, Fields, Fields, Fields]] = [
    # reason, query, partner, filters
    ("own_organisation", {"organisation": "o1"}, {"organisation": "o1"}, {}),
    (
        "excluded_organisation",
        {"excluded_organisations": frozenset({"o1"})},
        {"organisation": "o1"},
        {},
    ),
    ("excluded_organisation", {}, {"organisation": "o1"}, {"excluded_organisations": {"o1"}}),
    ("organisation_unknown", {}, {"organisation": None}, {"excluded_organisations": {"o1"}}),
    ("cluster", {}, {"clusters": frozenset({"it"})}, {"clusters": {"food"}}),
    ("cluster", {}, {}, {"clusters": {"food"}}),
    ("kind", {}, {"kind": "company"}, {"partner_kinds": {"laboratory", "researcher"}}),
    ("engagement_not_stated", {}, {}, {"engagement_types": {"licence"}}),
    (
        "engagement_refused",
        {},
        {"engagement_types": frozenset({"testing"})},
        {"engagement_types": {"licence"}},
    ),
    (
        "engagement_refused",
        {"engagement_types": frozenset({"licence"})},
        {"engagement_types": frozenset({"testing"})},
        {},
    ),
    ("unavailable", {}, {"unavailable": (Period(DAY, DAY),)}, {"available_on": DAY}),
    (
        "unavailable",
        {},
        {"unavailable": (Period(date(2020, 1, 1), date(2020, 2, 1)), Period(DAY))},
        {"available_on": DAY},
    ),
]

LET_IN: list[tuple[str, Fields, Fields, Fields]] = [
    # what it shows, query, partner, filters
    ("nothing asked", {}, {}, {}),
    ("both without organisation", {"organisation": None}, {"organisation": None}, {}),
    ("another organisation", {"organisation": "o1"}, {"organisation": "o2"}, {}),
    ("one shared cluster", {}, {"clusters": frozenset({"it", "food"})}, {"clusters": {"food"}}),
    ("the need's own clusters are no filter", {"clusters": frozenset({"food"})}, {}, {}),
    ("kind asked for", {}, {"kind": "laboratory"}, {"partner_kinds": {"laboratory"}}),
    (
        "one engagement type accepted",
        {"engagement_types": frozenset({"licence", "testing"})},
        {"engagement_types": frozenset({"testing"})},
        {"engagement_types": {"testing", "consulting"}},
    ),
    ("nothing stated refuses nothing", {"engagement_types": frozenset({"licence"})}, {}, {}),
    ("day not asked", {}, {"unavailable": (Period(DAY),)}, {}),
    (
        "back again",
        {},
        {"unavailable": (Period(date(2026, 1, 1), date(2026, 3, 31)),)},
        {"available_on": DAY},
    ),
]


def blocked_by(query: Fields, partner: Fields, filters: Fields) -> str | None:
    as_sets: Fields = {
        name: frozenset(value) if isinstance(value, set) else value
        for name, value in filters.items()
    }
    chosen = Filters(**as_sets)
    return obstacle(make_query("surimi", **query), make_partner("a", **partner), chosen)


@pytest.mark.parametrize(("reason", "query", "partner", "filters"), BLOCKED)
def test_blocks(reason: str, query: Fields, partner: Fields, filters: Fields) -> None:
    assert blocked_by(query, partner, filters) == reason


@pytest.mark.parametrize(("shown", "query", "partner", "filters"), LET_IN)
def test_lets_in(shown: str, query: Fields, partner: Fields, filters: Fields) -> None:
    assert blocked_by(query, partner, filters) is None, shown


def test_each_reason_has_an_example_and_a_sentence() -> None:
    assert {reason for reason, *_ in BLOCKED} == REASONS.keys()
    assert all(REASONS.values())


def test_the_first_reason_is_named() -> None:
    partner = {"organisation": "o1", "kind": "company", "unavailable": (Period(DAY),)}
    filters = {"partner_kinds": {"laboratory"}, "available_on": DAY, "clusters": {"food"}}
    assert blocked_by({"organisation": "o1"}, partner, filters) == "own_organisation"
    assert blocked_by({}, partner, filters) == "cluster"


def test_an_unknown_organisation_may_be_an_excluded_one() -> None:
    """Hard constraints fail closed when an identity is unresolved (DESIGN, Ranking rules)."""
    asked = {"excluded_organisations": frozenset({"o1"})}
    assert blocked_by(asked, {"organisation": None}, {}) is not None
