"""When a delivery gives up on a server, before it spoils more mails."""

import pytest

from app.emails.replies import (
    Accepted,
    Deferred,
    Envelope,
    Lost,
    Misconfigured,
    Refused,
    Unreachable,
)
from app.jobs.mail_server_health import LOST_IN_A_ROW, REFUSED_IN_A_ROW, ServerHealth

GONE = Refused(550, mailbox=True)


def test_a_wrong_setting_ends_it() -> None:
    health = ServerHealth(60)
    health.heard(Misconfigured("The mail server is wrong.", 535), 0)
    assert health.fault == "The mail server is wrong."


@pytest.mark.parametrize(
    ("reply", "most"), [(GONE, REFUSED_IN_A_ROW), (Lost(), LOST_IN_A_ROW)], ids=["refused", "lost"]
)
def test_too_many_in_a_row(reply: Envelope | Lost, most: int) -> None:
    health = ServerHealth(60)
    for _ in range(most - 1):
        health.heard(reply, 0)
    health.heard(Accepted(), 0)
    for _ in range(most - 1):
        health.heard(reply, 0)
    assert health.fault is None
    health.heard(reply, 0)
    assert health.fault is not None


@pytest.mark.parametrize("reply", [Unreachable(), Deferred(None)], ids=["no connection", "silent"])
def test_a_silent_server_is_left_alone_for_longer_and_longer(reply: Envelope) -> None:
    health, now, pauses = ServerHealth(300), 0.0, []
    while health.fault is None:
        health.heard(reply, now)
        pauses.append(health.quiet_until - now)
        now = health.quiet_until
    assert pauses[:7] == [1, 2, 4, 8, 16, 32, 60]
    assert now > 300
    assert health.fault == "The mail server cannot be reached."


def test_a_word_of_the_server_ends_its_silence() -> None:
    health = ServerHealth(300)
    health.heard(Unreachable(), 0)
    health.heard(Deferred(450), 1)
    assert health.quiet_until < 1
    health.heard(Unreachable(), 1000)
    health.heard(Unreachable(), 1001)
    assert health.fault is None
    assert health.quiet_until == 1003
