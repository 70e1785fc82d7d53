"""Which mail is next: no domain gets more than its rate, and none waits for another.

Only ids are kept. The largest domain whose rate allows one more mail comes first, since it needs
the longest; while it must pause, the others have their turn.
"""

from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from uuid import UUID

from limits import RateLimitItem


@dataclass(frozen=True, slots=True)
class Next:
    """A mail whose turn it is; its domain gets no other until it is put back."""

    mail_id: UUID
    domain: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing may be sent for so long."""

    seconds: float
    for_rate: bool
    """True if a domain has had its share; else all that waits is due later."""


class Schedule:
    """The mails that wait, by domain; moments are seconds of one monotonic clock."""

    def __init__(self, rate: RateLimitItem) -> None:
        self._amount = rate.amount
        self._window = float(rate.get_expiry())
        self._waiting: dict[str, deque[UUID]] = {}
        self._sent: dict[str, deque[float]] = {}
        """The last moments at which a domain was sent a mail, as many as its rate allows."""
        self._placed: set[str] = set()
        """Domains that stand in one of the next two."""
        self._ready: list[tuple[int, int, str]] = []
        self._resting: list[tuple[float, int, str]] = []
        self._later: list[tuple[float, int, UUID, str]] = []
        self._order = count()
        self._in_hand: str | None = None

    def add(self, mail_id: UUID, domain: str, *, due: float, now: float) -> None:
        """Let a mail wait, at least until it is due."""
        if due > now:
            heappush(self._later, (due, next(self._order), mail_id, domain))
        else:
            self._waiting.setdefault(domain, deque()).append(mail_id)
            self._place(domain, now)

    def note(self, domain: str, at: float) -> None:
        """Count a mail to that domain, sent no later than then. In the order of the moments."""
        self._sent.setdefault(domain, deque(maxlen=self._amount)).append(at)

    def put_back(self, domain: str, now: float) -> None:
        """Let the domain of the last mail have its turn again, when its rate allows."""
        self._in_hand = None
        self._place(domain, now)

    def next(self, now: float) -> Next | Pause | None:
        """The next mail, or how long there is none; None when none waits."""
        while self._later and self._later[0][0] <= now:
            _, _, mail_id, domain = heappop(self._later)
            self.add(mail_id, domain, due=now, now=now)
        while self._resting and self._resting[0][0] <= now:
            domain = heappop(self._resting)[2]
            self._placed.discard(domain)
            self._place(domain, now)
        if self._ready:
            domain = heappop(self._ready)[2]
            self._placed.discard(domain)
            self._in_hand = domain
            return Next(self._waiting[domain].popleft(), domain)
        return self._pause(now)

    def _pause(self, now: float) -> Pause | None:
        if not self._resting and not self._later:
            return None
        rested = self._resting[0][0] if self._resting else float("inf")
        due = self._later[0][0] if self._later else float("inf")
        return Pause(min(rested, due) - now, for_rate=rested <= due)

    def _place(self, domain: str, now: float) -> None:
        waiting = self._waiting.get(domain)
        if not waiting or domain in self._placed or domain == self._in_hand:
            return
        self._placed.add(domain)
        free = self._free(domain)
        if free > now:
            heappush(self._resting, (free, next(self._order), domain))
        else:
            heappush(self._ready, (-len(waiting), next(self._order), domain))

    def _free(self, domain: str) -> float:
        """When the domain's rate allows one more mail."""
        sent = self._sent.get(domain)
        if sent is None or len(sent) < self._amount:
            return float("-inf")
        return sent[0] + self._window
