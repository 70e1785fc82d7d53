"""Who is embedding which text right now, so that no two processes do the same.

On PostgreSQL a claim is an advisory lock of a connection: it goes with the process that holds it,
however that ends. On SQLite there is one process, and nothing to claim.
"""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import Final, Self

from sqlalchemy import BigInteger, Connection, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from app.db import Database
from matching.encoders import Encoder

WAIT_SECONDS: Final = 0.5


class Claims:
    """The claims of one run, held by a connection of their own."""

    def __init__(self, connection: Connection | None, encoder_id: str) -> None:
        self._connection = connection
        self._encoder_id = encoder_id

    @classmethod
    @contextmanager
    def of(cls, database: Database, encoder: Encoder) -> Iterator[Self]:
        """For texts that are read by that encoder."""
        if database.engine.dialect.name != "postgresql":
            yield cls(None, encoder.id)
            return
        # In no transaction: one that stays open would keep old rows from being cleared away.
        with database.engine.connect() as plain:
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            yield cls(connection, encoder.id)

    @contextmanager
    def claimed(self, hashes: Collection[str]) -> Iterator[frozenset[str]]:
        """Those of these texts that nobody else is at; they are ours until the block ends."""
        if self._connection is None:
            yield frozenset(hashes)
            return
        keys = {self._key(text): text for text in hashes}
        key = func.unnest(cast(list(keys), ARRAY(BigInteger))).column_valued("key")
        try:
            rows = self._connection.execute(select(key, func.pg_try_advisory_lock(key)))
            yield frozenset(keys[row[0]] for row in rows if row[1])
        finally:
            self._connection.execute(select(func.pg_advisory_unlock_all()))

    def wait(self) -> None:
        """Until it is worth looking again."""
        time.sleep(WAIT_SECONDS)

    def _key(self, text: str) -> int:
        """Of 64 bits: were two texts to share one, the second would only wait for the first."""
        mark = blake2b(f"{self._encoder_id} {text}".encode(), digest_size=8, person=b"enm-embed")
        return int.from_bytes(mark.digest(), signed=True)
