"""Twenty thousand recipients: memory, pace, and a rate that is kept for each domain."""

import json
import os
import subprocess
import sys
from bisect import bisect_left
from collections import Counter, defaultdict
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select

from app.contexts import SYSTEM
from app.db import Database
from app.settings import Settings
from models import Account, Mail, MailState, Role, new_id
from tests.app.emails.sink import Sink, running
from tests.app.jobs import deliver_many
from tests.app.jobs.outbox import make_run

RECIPIENTS = 20_000
LARGE, AMOUNT = 400, 8
"""Mails to one large domain, of which so many may go out in a second: its rate binds all along."""
SMALL_DOMAINS = 400


def _email(number: int) -> str:
    domain = "large.example" if number < LARGE else f"{number % SMALL_DOMAINS}.example"
    return f"{number}@{domain}"


def _fill(database: Database) -> UUID:
    with database.writing(SYSTEM) as session:
        run_id = make_run(session).id
        keys = [new_id() for _ in range(RECIPIENTS)]
        session.execute(
            insert(Account),
            [
                {"id": key, "name": "A", "email": _email(number), "role": Role.COORDINATOR}
                for number, key in enumerate(keys)
            ],
        )
        session.execute(
            insert(Mail),
            [
                {"run_id": run_id, "account_id": key, "message_id": f"<{key}@office.example>"}
                for key in keys
            ],
        )
    return run_id


def _most_in_a_second(sink: Sink) -> dict[str, int]:
    """By domain, of any second."""
    moments: dict[str, list[float]] = defaultdict(list)
    for mail in sink.received:
        moments[mail.recipients[0].partition("@")[2]].append(mail.at)
    return {
        domain: max(bisect_left(times, at + 1) - n for n, at in enumerate(times))
        for domain, times in moments.items()
    }


@pytest.mark.slow
@pytest.mark.alone
def test_twenty_thousand_recipients(settings: Settings, database: Database) -> None:
    run_id = _fill(database)
    with running(Sink(keep_content=False)) as sink:
        done = subprocess.run(
            [
                sys.executable,
                str(Path(deliver_many.__file__)),
                settings.url,
                str(run_id),
                str(sink.port),
                f"{AMOUNT}/second",
            ],
            env=os.environ.copy(),
            capture_output=True,
            text=True,
            check=True,
        )
    said = json.loads(done.stdout)
    assert (said["sent"], said["pending"], said["unknown"]) == (RECIPIENTS, 0, 0)
    assert set(Counter(sink.recipients).values()) == {1}
    assert len(sink.recipients) == RECIPIENTS
    assert set(sink.message_ids.values()) == {1}
    assert said["grown"] < 512 * 2**20
    most = _most_in_a_second(sink)
    assert max(most.values()) <= AMOUNT
    assert most["large.example"] == AMOUNT, "its rate bound"
    with database.reading(SYSTEM) as session:
        sent = select(func.count()).where(Mail.state == MailState.SENT)
        assert session.scalar(sent) == RECIPIENTS
