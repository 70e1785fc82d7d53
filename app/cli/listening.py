"""A socket for each of several processes on one port, so that the system divides connections.

Of a socket that all processes share, the first that wakes takes every connection which waits: a
load of twenty clients was served by one process of two. With SO_REUSEPORT each listens on a socket
of its own, and Linux chooses by the connection's addresses. Elsewhere the option means something
else, and the processes share one socket.
"""

import socket
import sys
from typing import Any, Self

DIVIDES = sys.platform == "linux"
"""True if the system divides connections among sockets of one port."""


class OwnSocket(socket.socket):
    """Bound to an address; a process that it is sent to gets another one, bound to the same.

    Each listens for itself. This one holds the port, and gets no connection while nobody listens
    on it.
    """

    @classmethod
    def holding(cls, host: str, port: int) -> Self:
        """Holds that address for ours; OSError if it cannot, such as where another program is."""
        if port:
            # Ours alone: sockets that divide connections would not mind a second program of ours.
            with socket.socket(_family(host)) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        made = cls.bound(host, port)
        # With it another user's program could listen here while none of ours does.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        return made

    @classmethod
    def bound(cls, host: str, port: int) -> Self:
        """Bound to that address beside others of ours; OSError if it cannot be."""
        made = cls(_family(host))
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            made.bind((host, port))
        except OSError:
            made.close()
            raise
        made.set_inheritable(True)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """As `multiprocessing` sends it to a new process."""
        host, port, *_ = self.getsockname()
        return OwnSocket.bound, (host, port)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
