"""Columns and vectorised filters against the rules written out for one partner at a time."""

from datetime import date, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from matching.columns import Labels, LabelSets, PartnerColumns
from matching.corpus import Partner, Period, Query
from matching.filters import OBSTACLES, Filters, obstacle, obstacles
from tests.matching.factories import make_partner, make_query, repeatable

DAY = date(2026, 4, 1)

names = st.sampled_from(["a", "b", "c", ""])
labels = st.none() | names
sets = st.frozensets(names, max_size=3)
days = st.integers(-2, 2).map(lambda n: DAY + timedelta(days=n))
periods = st.tuples(days, st.none() | days).map(lambda ends: Period(*ends))


@st.composite
def partners(draw: st.DrawFn) -> list[Partner]:
    return [
        make_partner(
            f"p{number}",
            kind=draw(st.sampled_from(["laboratory", "company"])),
            organisation=draw(labels),
            clusters=draw(sets),
            engagement_types=draw(sets),
            unavailable=tuple(draw(st.lists(periods, max_size=2))),
        )
        for number in range(draw(st.integers(0, 5)))
    ]


questions = st.builds(
    lambda **fields: make_query("surimi", **fields),
    organisation=labels,
    engagement_types=sets,
    excluded_organisations=sets,
    clusters=sets,
)
filters_of = st.builds(
    Filters,
    clusters=sets,
    partner_kinds=st.frozensets(st.sampled_from(["laboratory", "company", "x"])),
    engagement_types=sets,
    excluded_organisations=sets,
    available_on=st.none() | days,
)


def first_obstacle(query: Query, partner: Partner, filters: Filters) -> str | None:
    """The rules as a coordinator would say them, for one partner."""
    excluded = query.excluded_organisations | filters.excluded_organisations
    accepted = partner.engagement_types
    wanted = [types for types in (query.engagement_types, filters.engagement_types) if types]
    day = filters.available_on
    rules = {
        "own_organisation": partner.organisation is not None
        and partner.organisation == query.organisation,
        "excluded_organisation": partner.organisation in excluded,
        "organisation_unknown": excluded and partner.organisation is None,
        "cluster": filters.clusters and not filters.clusters & partner.clusters,
        "kind": filters.partner_kinds and partner.kind not in filters.partner_kinds,
        "engagement_not_stated": filters.engagement_types and not accepted,
        "engagement_refused": accepted and any(not types & accepted for types in wanted),
        "unavailable": day is not None and any(p.holds(day) for p in partner.unavailable),
    }
    return next((name for name, holds in rules.items() if holds), None)


@given(questions, partners(), filters_of)
@repeatable
def test_the_columns_say_what_the_rules_say(
    query: Query, some: list[Partner], filters: Filters
) -> None:
    found = obstacles(query, PartnerColumns.of(some), filters)
    named = [None if place < 0 else OBSTACLES[place].name for place in found]
    assert named == [first_obstacle(query, partner, filters) for partner in some]
    assert named == [obstacle(query, partner, filters) for partner in some]


@given(st.lists(labels, max_size=6), labels, sets)
@repeatable
def test_labels_compare_as_their_values_do(
    column: list[str | None], label: str | None, some: frozenset[str]
) -> None:
    found = Labels.of(column)
    assert found.known.tolist() == [value is not None for value in column]
    assert found.equal(label).tolist() == [value == label for value in column]
    assert found.among(some).tolist() == [value in some for value in column]


@given(st.lists(sets, max_size=6), sets)
@repeatable
def test_sets_share_as_their_values_do(column: list[frozenset[str]], some: frozenset[str]) -> None:
    found = LabelSets.of(column)
    assert found.stated.tolist() == [bool(value) for value in column]
    assert found.shared(some).tolist() == [len(value & some) for value in column]
    assert found.shared(some).dtype == np.int64
