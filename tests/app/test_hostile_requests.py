"""A real server under requests that are made to hurt it: time, memory and words of each refusal."""

import gzip
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.contexts import SYSTEM
from app.db import Database
from app.services.keys import create_key
from models import Role
from tests.app.asking import SECRET
from tests.conftest import Fresh

pytestmark = [pytest.mark.slow, pytest.mark.alone]

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 2.0
MEGABYTES = 200.0
LIMIT = 5_000_000
MILLION = 1_000_000


@dataclass
class Server:
    """The service in a process of its own."""

    process: "subprocess.Popen[bytes]"
    port: int
    key: str
    log: Path

    def memory(self, field: str) -> float:
        """VmRSS or VmHWM in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{field}:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1000

    def forget_peak(self) -> None:
        """Let VmHWM begin at what is held now."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def ask(
        self, body: bytes | Iterator[bytes], path: str = "/v1/needs", **headers: str
    ) -> tuple[int, str, bytes]:
        """Status, media type and body of the answer to a POST, or to a GET without a body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"} | named
        try:
            connection.request("POST" if body else "GET", path, body or None, sent)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("content-type", ""), answer.read()
        finally:
            connection.close()

    def raw(self, data: bytes) -> bytes:
        """What comes back for these bytes until the server closes, or within a second."""
        found = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            try:
                connection.sendall(data)
                while piece := connection.recv(65_536):
                    found += piece
            except OSError:  # it has hung up, or says no more
                pass
        return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, fresh: Fresh) -> Iterator[Server]:
    """Served by `enmusubi serve`, with a coordinator's key."""
    folder = tmp_path_factory.mktemp("hostile")
    with fresh(folder) as url:
        yield from _served(folder, url)


def _served(folder: Path, url: str) -> Iterator[Server]:
    database = Database.at(url)
    with database.writing(SYSTEM) as session:
        _, key = create_key(session, name="x", role=Role.COORDINATOR)
    database.engine.dispose()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "ENMUSUBI_DATA_DIR": str(folder),
        "ENMUSUBI_DATABASE_URL": url,
        "ENMUSUBI_ENCODER": "hashing",
        "ENMUSUBI_PORT": str(port),
        "PYTHONPATH": str(ROOT),
    }
    program = "import sys; from app.cli import main; sys.argv = ['enmusubi', 'serve']; main()"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", program], env=environment, stdout=log, stderr=log, cwd=folder
        )
    started = Server(process, port, key, folder / "log")
    try:
        for _ in range(600):
            try:
                if started.ask(b"", "/readyz")[0] == 200:
                    break
            except OSError:
                time.sleep(0.1)
        started.ask(b"{}")  # what is made once is made now
        yield started
    finally:
        process.terminate()
        process.wait(20)


def _need(**fields: object) -> bytes:
    return json.dumps({"kind": "technology"} | fields, ensure_ascii=False).encode()


def _listed(field: str, item: bytes, number: int) -> bytes:
    body = b'{"kind":"technology","%s":[' % field.encode() + b",".join([item] * number) + b"]}"
    assert len(body) < LIMIT
    return body


def _zeros(bits: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, bits)
    return b"".join([*(packer.compress(bytes(MILLION)) for _ in range(100)), packer.flush()])


BODIES: dict[str, tuple[Callable[[], bytes], int]] = {
    "10 MB": (lambda: _need(brief_en="a" * 10 * MILLION), 413),
    "just under the limit": (lambda: _need(brief_en="a" * (LIMIT - 100)), 422),
    "the same in Japanese": (lambda: _need(brief_ja="ｱ" * 1_600_000), 422),
    "signs that grow": (lambda: _need(brief_ja="\ufdfa" * 1_600_000), 422),
    "marks without end": (lambda: _need(brief_en="a" + "\u0301\u0323" * 1_200_000), 422),
    "marks as long as a brief": (lambda: _need(brief_en="a" + "\u0301\u0323" * 24_000), 422),
    "half-width marks": (lambda: _need(brief_en="a" + "\uff9e\u0323" * 24_000), 422),
    "nothing but zero-width signs": (lambda: _need(title_en="\u200b" * 1_600_000), 422),
    "brackets": (lambda: b"[" * (LIMIT - 1), 422),
    "objects": (lambda: b'{"a":' * 900_000, 422),
    "brackets closed": (lambda: b"[" * 2_000_000 + b"]" * 2_000_000, 422),
    "a million items": (lambda: _listed("x", b"1", MILLION), 422),
    "a million clusters": (lambda: _listed("clusters", b'"a"', MILLION), 422),
    "a million wrong choices": (lambda: _listed("engagement_types", b"1", MILLION), 422),
    "as many as are read": (lambda: _listed("engagement_types", b"1", 50_000), 422),
    "as many ids": (lambda: _listed("excluded_organisations", b'"x"', 50_000), 422),
    "fields": (lambda: b"{" + b",".join(b'"k%d":1' % i for i in range(400_000)) + b"}", 422),
    "as many fields as are read": (
        lambda: b"{" + b",".join(b'"k%d":1' % i for i in range(50_000)) + b"}",
        422,
    ),
    "one field again and again": (lambda: b"{" + b",".join([b'"kind":1'] * 50_000) + b"}", 422),
    "digits": (lambda: b'{"budget_jpy":' + b"9" * (LIMIT - 20) + b"}", 422),
    "decimals": (lambda: b'{"latitude":0.' + b"9" * (LIMIT - 20) + b"}", 422),
    "exponent": (lambda: b'{"kind":"technology","title_en":"x","budget_jpy":1e999}', 422),
    "NaN": (lambda: b'{"kind":"technology","title_en":"x","budget_jpy":NaN}', 422),
    "lone surrogate": (lambda: b'{"kind":"\\ud800"}', 422),
    "not UTF-8": (lambda: b'{"kind":"\xff"}', 422),
    "null bytes": (lambda: bytes(LIMIT), 422),
    "quotation marks": (lambda: b'"' * LIMIT, 422),
    "backslashes": (lambda: b'"' + b"\\" * (LIMIT - 2), 422),
    "no JSON": (SECRET.encode, 422),
}


def _check(server: Server, ask: Callable[[], tuple[int, str, bytes]], status: int) -> None:
    server.forget_peak()
    held = server.memory("VmRSS")
    begun = time.perf_counter()
    answered, media, body = ask()
    seconds = time.perf_counter() - begun
    grown = server.memory("VmHWM") - held
    assert answered == status, body[:500]
    assert media == "application/problem+json"
    problem = json.loads(body)
    assert problem["status"] == status
    assert problem["detail"].endswith(".") or problem["errors"]
    assert len(body) < 20_000
    assert SECRET.encode() not in body
    assert b"Traceback" not in body
    assert seconds < SECONDS
    assert grown < MEGABYTES


@pytest.mark.parametrize("name", BODIES)
def test_bodies(server: Server, name: str) -> None:
    make, status = BODIES[name]
    body = make()
    _check(server, lambda: server.ask(body), status)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_packed_bodies(server: Server, coding: str) -> None:
    packed = _zeros(31 if coding == "gzip" else 15)
    assert len(packed) < 200_000
    assert coding != "gzip" or len(gzip.decompress(packed)) == 100 * MILLION
    _check(server, lambda: server.ask(packed, Content_Encoding=coding), 415)


def test_chunks_without_a_length(server: Server) -> None:
    _check(server, lambda: server.ask(iter([bytes(1000)] * 20_000)), 413)


def test_addresses(server: Server) -> None:
    _check(server, lambda: server.ask(b"", f"/v1/needs?external_id={'a' * 60_000}"), 422)
    many = "&".join(f"a{i}=1" for i in range(7000))
    _check(server, lambda: server.ask(b"", f"/v1/needs?{many}"), 422)
    _check(server, lambda: server.ask(b"", f"/v1/needs/{SECRET}"), 422)
    _check(server, lambda: server.ask(b"", f"/{SECRET}/%2e%2e/%2e%2e/etc/passwd"), 404)


@pytest.mark.parametrize(
    "data",
    [
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20 * MILLION,
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * MILLION,
        b"GET /" + b"a" * 20 * MILLION,
        b"POST /v1/needs HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"\x00\xff\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz\r\nX: y HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
    ids=["header", "headers", "address", "two lengths", "garbage", "no host", "injection"],
)
def test_requests_that_are_none(server: Server, data: bytes) -> None:
    """Refused by the server before the application; it hangs up, and memory does not grow."""
    server.forget_peak()
    held = server.memory("VmRSS")
    begun = time.perf_counter()
    answer = server.raw(data)
    assert time.perf_counter() - begun < SECONDS
    assert server.memory("VmHWM") - held < MEGABYTES
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


def test_two_kinds_of_length(server: Server) -> None:
    """Of which a proxy in front may believe the other one."""
    heading = b"POST /v1/needs HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
    answer = server.raw(heading + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"connection: close" in answer.lower()


def test_it_still_serves_and_its_log_is_clean(server: Server) -> None:
    """The last one in this file."""
    assert server.ask(b"", f"/v1/needs?external_id={SECRET}")[0] == 200
    assert server.ask(b"", f"/healthz?key={server.key}")[0] == 200
    log = server.log.read_text()
    assert "Traceback" not in log
    assert " GET /v1/needs 200 " in log
    assert server.key not in log
    assert SECRET not in log
