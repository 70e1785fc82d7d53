"""When a mail is tried again."""

import random
from datetime import timedelta

from app.jobs.pacing import Retries, SystemClock


def test_each_wait_is_twice_as_long_up_to_the_longest() -> None:
    retries = Retries(first=timedelta(seconds=60), longest=timedelta(minutes=10), spread=0)
    assert [retries.after(n).total_seconds() for n in range(1, 7)] == [60, 120, 240, 480, 600, 600]
    assert retries.after(10_000) == timedelta(minutes=10)


def test_chance_spreads_the_waits() -> None:
    retries = Retries(chance=random.Random(1))
    waits = {retries.after(3) for _ in range(50)}
    assert len(waits) == 50
    assert min(waits) >= timedelta(minutes=4)
    assert max(waits) <= timedelta(minutes=4) * 1.2
    assert Retries().after(100) <= Retries().furthest


def test_the_machines_clock_waits() -> None:
    clock = SystemClock()
    before, instant = clock.now(), clock.monotonic()
    clock.sleep(0.01)
    assert clock.monotonic() - instant >= 0.01
    assert clock.now() > before
