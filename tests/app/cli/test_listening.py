"""Processes that listen on one port get each a share of its connections."""

import socket
from multiprocessing.reduction import ForkingPickler
from pickle import loads

import pytest

from app.cli import serving
from app.cli.listening import DIVIDES, OwnSocket
from app.errors import Problem

pytestmark = pytest.mark.skipif(not DIVIDES, reason="only Linux divides connections")
CONNECTIONS = 100


def sent(own: OwnSocket) -> socket.socket:
    """As another process gets it."""
    return loads(ForkingPickler.dumps(own))  # type: ignore[no-any-return]


def taken(listener: socket.socket) -> int:
    """How many connections wait at a socket."""
    listener.setblocking(False)
    number = 0
    while True:
        try:
            accepted, _ = listener.accept()
        except BlockingIOError:
            return number
        accepted.close()
        number += 1


def test_each_process_gets_a_share_and_who_only_holds_the_port_none() -> None:
    with OwnSocket.holding("127.0.0.1", 0) as own, sent(own) as first, sent(own) as second:
        assert first.getsockname() == second.getsockname() == own.getsockname()
        assert len({own.fileno(), first.fileno(), second.fileno()}) == 3
        for listener in (first, second):
            listener.listen(CONNECTIONS)
        callers = [socket.create_connection(own.getsockname()) for _ in range(CONNECTIONS)]
        shares = [taken(first), taken(second)]
        for caller in callers:
            caller.close()
    assert sum(shares) == CONNECTIONS
    assert min(shares) >= 15  # of 100 coins, fewer heads come once in 10 to the 13


@pytest.mark.parametrize("listens", [False, True])
def test_nobody_else_gets_the_port(listens: bool) -> None:
    with OwnSocket.holding("127.0.0.1", 0) as own, sent(own) as worker:
        port = own.getsockname()[1]
        if listens:
            worker.listen()
        with pytest.raises(OSError, match="in use"):
            OwnSocket.holding("127.0.0.1", port)
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError, match="in use"):
                other.bind(("127.0.0.1", port))


@pytest.mark.usefixtures("settings")
def test_a_port_in_use_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "logging_as", lambda _: None)  # the other tests' log stays
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Problem, match="cannot be listened on"):
            serving._run("app.cli.serving:make_worker", "127.0.0.1", port, workers=2, factory=True)
