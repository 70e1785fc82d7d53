"""A process that delivers one large run, for a test that measures it: `python deliver_many.py URL
RUN PORT RATE`. Prints what was delivered, the seconds, and by how much its memory grew.
"""

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from limits import parse

from app.db import Database
from app.emails.smtp import SmtpTransport
from app.emails.smtp_server import Server
from app.jobs.delivering import deliver
from tests.app.jobs.outbox import SENDER, compose


def memory(what: str) -> int:
    """Bytes that this process holds (VmRSS), or has held at most (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{what}:"))


def main(url: str, run_id: str, port: str, rate: str) -> None:
    """Deliver the run."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak is to begin at what is held now
    before = memory("VmRSS")
    began = time.monotonic()
    done = deliver(
        Database.at(url),
        UUID(run_id),
        compose=compose,
        transport=SmtpTransport(Server("127.0.0.1", int(port), "none")),
        sender=SENDER,
        rate=parse(rate),
    )
    seconds = time.monotonic() - began
    said = asdict(done) | {"seconds": seconds, "grown": memory("VmHWM") - before}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
