"""The thread of the service that writes down when keys and sessions were last used."""

import logging
import threading
from typing import Final

from app.db import Database
from app.services.uses import Uses

logger = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 60.0


class UsesWriter(threading.Thread):
    """Writes once a minute, and at the end; what cannot be written is tried again then."""

    def __init__(self, uses: Uses, database: Database) -> None:
        super().__init__(name="uses-writer", daemon=True)
        self._uses = uses
        self._database = database
        self._stopping = threading.Event()

    def run(self) -> None:
        """Work until stopped."""
        while not self._stopping.wait(INTERVAL_SECONDS):
            self.write()

    def stop(self) -> None:
        """End, with a last writing."""
        self._stopping.set()
        self.join()
        self.write()

    def write(self) -> None:
        """Write now what there is."""
        try:
            self._uses.write(self._database)
        except Exception:
            # The thread must outlive a busy database or a full disk.
            logger.exception("the last uses of keys could not be written; they are tried again")
