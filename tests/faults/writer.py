"""A process that writes through the API in several threads until its input ends.

Prints a line for each answer: the status, and what was sent.
"""

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from fastapi.testclient import TestClient

from app.main import create_app
from tests.app.asking import organisation
from tests.conftest import with_key

THREADS = 3


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def _client(secret: str) -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False) as client:
        yield with_key(client, secret)


def main(name: str, secret: str) -> None:
    """Write as `name-thread-number`."""
    stop = threading.Event()

    def write(client: TestClient, thread: int) -> None:
        number = 0
        while not stop.is_set():
            title = f"{name}-{thread}-{number}"
            answer = client.post("/v1/organisations", json=organisation(name_en=title))
            _tell(f"{answer.status_code} {title}")
            number += 1

    with _client(secret) as client, ThreadPoolExecutor(THREADS) as pool:
        threads = [
            pool.submit(write, with_key(client, secret), thread) for thread in range(THREADS)
        ]
        sys.stdin.read()
        stop.set()
        for thread in threads:
            thread.result()


if __name__ == "__main__":
    main(*sys.argv[1:])
