"""Time for the delivery: the clock it goes by, and when it tries again what failed for now."""

import random
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from models import utc_now


class Clock(Protocol):
    """What time it is, and waiting."""

    def now(self) -> datetime:
        """The moment, in UTC; it may jump when somebody sets the clock."""

    def monotonic(self) -> float:
        """Seconds that never go back, for spans of time."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment."""
        return utc_now()

    def monotonic(self) -> float:
        """Since the machine was started."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let others work."""
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and when a mail that failed for now is tried again."""

    attempts: int = 6
    """With the first."""
    first: timedelta = timedelta(minutes=1)
    """After the first attempt; each time twice as long."""
    longest: timedelta = timedelta(minutes=30)
    spread: float = 0.2
    """By what share chance makes each wait longer, so that retries do not come all at once."""
    patience: timedelta = timedelta(minutes=45)
    """What must be waited for longer is left to the next call, and so is a server that stays away
    longer."""
    chance: random.Random = field(default_factory=random.Random)

    def after(self, attempts: int) -> timedelta:
        """How long to wait after so many attempts, of which there was one at least."""
        doubled: timedelta = self.first * 2 ** min(attempts - 1, 30)
        return min(doubled, self.longest) * (1 + self.spread * self.chance.random())

    @property
    def furthest(self) -> timedelta:
        """No wait is longer: what is due later was stored before the clock was set back."""
        return self.longest * (1 + self.spread)
