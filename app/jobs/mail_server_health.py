"""Whether to go on with a mail server: one that is ill must not spoil a whole night's mails."""

from dataclasses import dataclass
from typing import Final

from app.emails.replies import (
    Accepted,
    Deferred,
    Envelope,
    Lost,
    Misconfigured,
    Refused,
    Unreachable,
)

REFUSED_IN_A_ROW: Final = 10
"""So many addresses are hardly dead: rather the server knows us no more, and each of them would be
suppressed."""
LOST_IN_A_ROW: Final = 3
"""Mails of which nobody will know whether they were taken."""
LONGEST_PAUSE_SECONDS: Final = 60.0


@dataclass(slots=True)
class ServerHealth:
    """What the server's last answers say about it."""

    patience_seconds: float
    """How long it may stay silent."""
    fault: str | None = None
    """Why nothing more is to be sent: a sentence for the operator."""
    quiet_until: float = float("-inf")
    """Until then it is left alone, on the caller's monotonic clock."""
    _silent: int = 0
    _silent_since: float = 0
    _refused: int = 0
    _lost: int = 0

    def heard(self, reply: Envelope | Lost, now: float) -> None:
        """Note an answer, or that there was none."""
        match reply:
            case Misconfigured():
                self.fault = reply.problem
            case Unreachable() | Deferred(code=None):
                self._nothing(now)
            case Lost():
                self._lost += 1
                self._nothing(now)
                if self._lost >= LOST_IN_A_ROW:
                    self.fault = "The mail server takes mails without an answer."
            case Refused():
                self._refused += 1
                self._something()
                if self._refused >= REFUSED_IN_A_ROW:
                    self.fault = "The mail server refuses one recipient after the other."
            case Deferred():
                self._something()
            case Accepted():
                self._refused = self._lost = 0
                self._something()

    def _something(self) -> None:
        self._silent, self.quiet_until = 0, float("-inf")

    def _nothing(self, now: float) -> None:
        if self._silent == 0:
            self._silent_since = now
        elif now - self._silent_since > self.patience_seconds:
            self.fault = "The mail server cannot be reached."
        self.quiet_until = now + min(2.0 ** min(self._silent, 30), LONGEST_PAUSE_SECONDS)
        self._silent += 1
