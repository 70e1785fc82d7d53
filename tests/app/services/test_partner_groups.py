"""Counting the groups behind which a candidate stands."""

from app.contexts import SYSTEM
from app.db import Database
from app.services.partner_groups import ANYBODY, count_groups
from models import PartnerKind
from tests.factories import make_cluster, make_partner


def test_each_partner_counts_in_each_of_its_groups(database: Database) -> None:
    with database.writing(SYSTEM) as session:
        food, work = make_cluster(session), make_cluster(session, slug="it-resort")
        make_partner(session, clusters=[food, work])
        make_partner(session, clusters=[food])
        make_partner(session, kind=PartnerKind.INSTITUTE, clusters=[food])
        make_partner(session)
        expected = {
            ANYBODY: 4,
            ("researcher", None): 3,
            ("institute", None): 1,
            ("researcher", "food-health"): 2,
            ("institute", "food-health"): 1,
            (None, "food-health"): 3,
            ("researcher", "it-resort"): 1,
            (None, "it-resort"): 1,
        }
        assert count_groups(session) == expected
        of_one = {key: number for key, number in expected.items() if key[1] != "food-health"}
        assert count_groups(session, clusters=["it-resort"]) == of_one


def test_of_an_empty_region_there_is_none(database: Database) -> None:
    with database.reading(SYSTEM) as session:
        assert count_groups(session) == {}
