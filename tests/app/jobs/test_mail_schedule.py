"""Whose turn it is: no domain above its rate, none held up by another."""

import random
from bisect import bisect_left
from collections import defaultdict
from uuid import UUID

import pytest
from limits import parse

from app.jobs.mail_schedule import Next, Pause, Schedule
from models import new_id


def _run(schedule: Schedule, seconds: float = 0.0) -> list[tuple[float, str]]:
    """When each mail goes to which domain, if each takes so long."""
    sent, now = [], 0.0
    while (turn := schedule.next(now)) is not None:
        if isinstance(turn, Pause):
            assert turn.seconds > 0
            now += turn.seconds
            continue
        now += seconds
        sent.append((now, turn.domain))
        schedule.note(turn.domain, now)
        schedule.put_back(turn.domain, now)
    return sent


def _most(moments: list[float], window: float) -> int:
    """The most moments in any window, its end left out."""
    return max(bisect_left(moments, at + window) - n for n, at in enumerate(moments))


def test_a_domain_at_its_rate_holds_up_no_other() -> None:
    schedule = Schedule(parse("2/minute"))
    for _ in range(5):
        schedule.add(new_id(), "large.jp", due=0, now=0)
    for number in range(3):
        schedule.add(new_id(), f"small{number}.jp", due=0, now=0)
    sent = _run(schedule)
    assert [at for at, domain in sent if domain == "large.jp"] == [0, 0, 60, 60, 120]
    assert {at for at, domain in sent if domain != "large.jp"} == {0}


@pytest.mark.parametrize("seed", range(20))
def test_never_above_the_rate(seed: int) -> None:
    chance = random.Random(seed)
    amount, window = chance.randint(1, 8), chance.randint(1, 30)
    schedule = Schedule(parse(f"{amount}/{window} second"))
    total = 300
    for _ in range(total):
        due = chance.choice([0.0, chance.uniform(0, 50)])
        schedule.add(new_id(), f"{chance.randint(0, 5)}.jp", due=due, now=0)
    by_domain = defaultdict(list)
    for at, domain in _run(schedule, chance.choice([0.0, 0.01, 0.7])):
        by_domain[domain].append(at)
    assert sum(map(len, by_domain.values())) == total
    assert max(_most(moments, window) for moments in by_domain.values()) <= amount


def test_what_is_due_later_waits_alone() -> None:
    schedule = Schedule(parse("100/minute"))
    late, early = new_id(), new_id()
    schedule.add(late, "a.jp", due=30, now=0)
    schedule.add(early, "a.jp", due=0, now=0)
    assert schedule.next(0) == Next(early, "a.jp")
    schedule.put_back("a.jp", 0)
    assert schedule.next(0) == Pause(30, for_rate=False)
    assert schedule.next(30) == Next(late, "a.jp")
    schedule.put_back("a.jp", 30)
    assert schedule.next(30) is None


def test_what_was_sent_before_counts() -> None:
    schedule = Schedule(parse("1/minute"))
    schedule.note("a.jp", -20)
    schedule.add(new_id(), "a.jp", due=0, now=0)
    assert schedule.next(0) == Pause(40, for_rate=True)


def test_a_mail_put_off_comes_back_to_its_own_domain() -> None:
    schedule = Schedule(parse("10/minute"))
    mail_id = new_id()
    schedule.add(mail_id, "a.jp", due=0, now=0)
    assert schedule.next(0) == Next(mail_id, "a.jp")
    schedule.add(mail_id, "a.jp", due=0, now=0)
    assert schedule.next(0) is None, "the domain has one mail at a time"
    schedule.put_back("a.jp", 0)
    assert schedule.next(0) == Next(mail_id, "a.jp")


def test_the_largest_domain_comes_first() -> None:
    schedule = Schedule(parse("10/minute"))
    ids: list[UUID] = [new_id() for _ in range(3)]
    schedule.add(ids[0], "one.jp", due=0, now=0)
    for mail_id in ids[1:]:
        schedule.add(mail_id, "two.jp", due=0, now=0)
    schedule.next(0)  # placed when it had one mail
    schedule.put_back("one.jp", 0)
    assert _run(schedule) == [(0, "two.jp"), (0, "two.jp")]
