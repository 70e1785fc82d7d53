"""A proxy before PostgreSQL that breaks the connection of a write at its COMMIT."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """Passes everything on, until it is armed and the statement was seen on a connection."""

    target: int
    """Port of the server."""
    listening: socket.socket = field(default_factory=socket.socket)
    statement: bytes = b""
    """Empty: not armed."""
    passing: bool = False
    """Whether the server still gets the COMMIT, and only the client never hears of it."""
    broken: int = 0
    """How many connections it broke."""

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self.listening.getsockname()[1]
        return port

    def arm(self, statement: bytes, *, passing: bool) -> None:
        """Break the next connection that commits this statement."""
        self.passing = passing
        self.statement = statement

    def serve(self) -> None:
        """Take connections until it is closed."""
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self._forth, args=(client, server), daemon=True).start()
            threading.Thread(target=_back, args=(client, server), daemon=True).start()

    def _forth(self, client: socket.socket, server: socket.socket) -> None:
        seen = False
        with client, server, suppress(OSError):
            while data := client.recv(65536):
                seen = seen or bool(self.statement and self.statement in data)
                if seen and b"COMMIT" in data:
                    self.statement = b""
                    self._break(client, server, data)
                    return
                server.sendall(data)

    def _break(self, client: socket.socket, server: socket.socket, data: bytes) -> None:
        client.shutdown(socket.SHUT_RDWR)
        if self.passing:
            server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            with suppress(OSError):
                while server.recv(65536):  # until it has done it and closes
                    pass
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        self.broken += 1


def _back(client: socket.socket, server: socket.socket) -> None:
    with suppress(OSError):
        while data := server.recv(65536):
            client.sendall(data)
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """A proxy to a port of this machine."""
    made = Proxy(target)
    made.listening.bind(("127.0.0.1", 0))
    made.listening.listen(64)
    threading.Thread(target=made.serve, daemon=True).start()
    try:
        yield made
    finally:
        made.listening.shutdown(socket.SHUT_RDWR)
        made.listening.close()
