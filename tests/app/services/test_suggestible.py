"""Which pairs a plan is made from, and how many each side can bear."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import numpy as np
import pytest

from app.mail_settings import MailSettings
from app.services.suggestible import KnownPartner, ScoredNeed, Suggestible, suggestible
from app.services.suggestion_history import History, Last, Out, Past, Tonight
from tests.app.suggesting import TONIGHT, before

COMPANY = UUID(int=100)


def settings(**values: object) -> MailSettings:
    """The defaults, unless told otherwise."""
    return MailSettings(_env_file=None).model_copy(update=values)


def listed(
    number: int,
    scores: Sequence[float],
    probabilities: Sequence[float] | None = None,
    *,
    company: UUID | None = None,
) -> ScoredNeed:
    """A need whose list holds the partners 0, 1, 2, … with these scores."""
    return ScoredNeed(
        id=UUID(int=number),
        organisation_id=company or UUID(int=1000 + number),
        fingerprint="need",
        partners=np.arange(len(scores)),
        scores=np.array(scores, np.float64),
        probabilities=None if probabilities is None else np.array(probabilities, np.float64),
        strong=None,
    )


def partner(number: int) -> UUID:
    """Id of the partner in that position."""
    return UUID(int=500 + number)


def of(
    needs: Sequence[ScoredNeed],
    history: History | None = None,
    *,
    partners: Sequence[KnownPartner] | None = None,
    today: date = TONIGHT,
    **values: object,
) -> Suggestible:
    """What three known partners may be suggested for."""
    known = partners or [KnownPartner(partner(at), "partner") for at in range(3)]
    return suggestible(needs, known, history or History(), settings=settings(**values), today=today)


def pairs(found: Suggestible) -> list[tuple[int, int]]:
    """As positions of need and partner."""
    return list(zip(found.pairs.need.tolist(), found.pairs.partner.tolist(), strict=True))


def test_everything_is_suggestible_that_nothing_rules_out() -> None:
    found = of([listed(1, [0.9, 0.4]), listed(2, [0.3, 0.2, 0.1])])
    assert pairs(found) == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    assert found.place.tolist() == [0, 1, 0, 1, 2]
    assert not found.out
    assert found.seldom.tolist() == [True] * 3


def test_a_pair_is_worth_its_probability_and_of_equals_the_better_score_more() -> None:
    found = of([listed(1, [0.9, 0.8, 0.2], [0.5, 0.5, 0.4])])
    first, second, third = found.pairs.value.tolist()
    assert first > second > third
    assert [first, second, third] == pytest.approx([0.5, 0.5, 0.4], abs=1e-3)


def test_where_nothing_is_judged_a_pair_is_worth_its_score() -> None:
    found = of([listed(1, [0.9, 0.01])], nightly_least_probability=0.5)
    assert found.pairs.value.tolist() == [0.9, 0.01]


def test_beside_judged_lists_a_score_counts_for_what_it_does_in_them() -> None:
    """On average: here a half. Partners further down than a night suggests don't count."""
    judged = listed(2, [0.8, 0.4, 0.3], [0.5, 0.1, 0.0])
    found = of([listed(1, [0.6, 0.2]), judged], nightly_per_need=2)
    assert found.pairs.value[:2].tolist() == pytest.approx([0.3, 0.1])
    assert found.pairs.value[2] == pytest.approx(0.5, abs=1e-3)


def test_where_judged_lists_hold_nobody_an_unjudged_pair_can_still_be_chosen() -> None:
    found = of([listed(1, [0.6]), listed(2, [0.8], [0.0])])
    assert pairs(found) == [(0, 0)]
    assert found.pairs.value[0] > 0


def test_what_is_improbable_is_out() -> None:
    found = of([listed(1, [0.9, 0.8], [0.05, 0.049])])
    assert pairs(found) == [(0, 0)]
    assert found.out == {Out.IMPROBABLE: 1}


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_without_a_score_or_a_probability_a_pair_is_out(wrong: float) -> None:
    by_score = of([listed(1, [wrong, 0.5])])
    by_probability = of([listed(1, [0.6, 0.5], [wrong, 0.5])])
    for found in (by_score, by_probability):
        assert pairs(found) == [(0, 1)]
        assert found.out == {Out.UNSCORED: 1}


def test_a_partner_that_is_not_among_the_rows_is_out() -> None:
    gone = [KnownPartner(partner(0), None), KnownPartner(partner(1), "partner")]
    found = of([listed(1, [0.9, 0.5])], partners=gone)
    assert pairs(found) == [(0, 1)]
    assert found.out == {Out.UNIDENTIFIED: 1}


def test_the_history_is_asked_with_the_pair_as_it_stands() -> None:
    last = Last(before(40), Tonight(0.5, "another need", "partner"))
    risen = History({UUID(int=1): {partner(0): Past(last), partner(1): Past(last)}})
    found = of([listed(1, [0.6, 0.5, 0.4])], risen)
    assert pairs(found) == [(0, 0), (0, 2)]
    assert found.out == {Out.SUGGESTED: 1}
    assert pairs(of([listed(1, [0.6, 0.5, 0.4])], risen, nightly_cool_down_days=41)) == [(0, 2)]


def test_a_partner_without_time_is_out() -> None:
    found = of([listed(1, [0.9, 0.5])], History(resting={partner(0)}))
    assert pairs(found) == [(0, 1)]
    assert found.out == {Out.PARTNER_RESTS: 1}


@pytest.mark.parametrize(
    ("unanswered", "room"), [(0, 3), (3, 3), (4, 2), (5, 1), (6, 0), (9, 0)], ids=str
)
def test_unanswered_suggestions_leave_less_room(unanswered: int, room: int) -> None:
    history = History()
    history.of_partner[partner(0)] = unanswered
    history.of_need[UUID(int=2)] = unanswered
    found = of([listed(1, [0.9, 0.5]), listed(2, [0.9, 0.5])], history)
    assert found.limits.per_partner.tolist() == [room, 3, 3]
    assert found.limits.per_need.tolist() == [3, room]
    if room:
        assert pairs(found) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    else:
        assert pairs(found) == [(0, 1)]
        assert found.out == {Out.PARTNER_WAITS: 2, Out.NEED_WAITS: 1}


@pytest.mark.parametrize(
    ("unanswered", "left"), [(1, [0, 1, 2]), (2, [1]), (3, [])], ids=["two", "one", "none"]
)
def test_a_company_keeps_within_its_room_with_a_partner(unanswered: int, left: list[int]) -> None:
    """Of which the most valuable pairs are left; other companies and partners have their own."""
    history = History()
    history.together[COMPANY, partner(0)] = unanswered
    needs = [listed(n, [score, 0.1], company=COMPANY) for n, score in enumerate([0.7, 0.9, 0.8])]
    found = of([*needs, listed(9, [0.5])], history, nightly_per_company_and_partner=2)
    assert [need for need, at in pairs(found) if at == 0] == [*left, 3]
    assert [need for need, at in pairs(found) if at == 1] == [0, 1, 2]
    assert found.out[Out.COMPANY_WAITS] == 3 - len(left)


def test_limits_are_those_of_the_settings() -> None:
    needs = [listed(1, [0.9], company=COMPANY), listed(2, [0.9]), listed(3, [0.9], company=COMPANY)]
    limits = of(
        needs,
        nightly_per_need=2,
        nightly_per_partner=4,
        nightly_per_company=7,
        nightly_per_company_and_partner=2,
    ).limits
    assert limits.per_need.tolist() == [2, 2, 2]
    assert limits.per_partner.tolist() == [4, 4, 4]
    assert limits.organisation.tolist() == [0, 1, 0]
    assert limits.per_organisation.tolist() == [7, 7]
    assert limits.per_organisation_and_partner == 2


def test_who_was_suggested_not_long_ago_is_not_seldom() -> None:
    assert of([listed(1, [0.9])], History(recent={partner(1)})).seldom.tolist() == [
        True,
        False,
        True,
    ]


def test_without_needs_there_is_nothing() -> None:
    found = of([])
    assert len(found.pairs) == 0
    assert len(found.limits.per_need) == 0
