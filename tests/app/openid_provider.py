"""A small OpenID provider on this machine: discovery, authorization, token, userinfo, keys.

It checks what a provider must: the client's secret, the redirect address, PKCE, codes used once.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

CLIENT_ID: Final = "enmusubi-test"
CLIENT_SECRET: Final = "a secret of the client"


@dataclass
class OpenIdProvider:
    """What it says of whom; a test changes what it wants to be wrong."""

    address: str = ""
    redirect_uri: str = ""
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one"}))
    shown_key: ECKey | None = None
    """In its key set, if another than it signs with."""
    claims: dict[str, Any] = field(default_factory=dict)
    """Of the ID token, over the right ones; None leaves one out."""
    userinfo: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "ES256"
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def authorize(self, url: str) -> str:
        """As if the person had signed in at the provider: the address it sends the browser to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["redirect_uri"] == self.redirect_uri
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{self.redirect_uri}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """The answer of the token endpoint; None refuses."""
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or authorization != f"Basic {basic}":
            return None
        hashed = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).decode().rstrip("=")
        if challenge != asked["code_challenge"] or form["redirect_uri"] != self.redirect_uri:
            return None
        now = int(time.time())
        claims = {
            "iss": self.address,
            "sub": "person-1",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email": "sato@example.jp",
            "email_verified": True,
        } | self.claims
        kept = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.key.kid}
        id_token = jwt.encode(header, kept, self.key, algorithms=[self.algorithm])
        return {"access_token": "access", "token_type": "Bearer", "id_token": id_token}

    def document(self, path: str, authorization: str) -> dict[str, Any] | None:
        """What is at a path; None for nothing."""
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
                "userinfo_endpoint": f"{self.address}/userinfo",
            } | self.metadata
        if path == "/keys":
            shown = self.shown_key or self.key
            return {"keys": [shown.as_dict(private=False)]}
        if path == "/userinfo" and authorization == "Bearer access":
            return {"sub": "person-1"} | self.userinfo
        return None


def _handler(provider: OpenIdProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(
                provider.document(self.path, self.headers.get("Authorization", "")), missing=404
            )

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(provider.token(form, self.headers.get("Authorization", "")), missing=400)

        def _answer(self, found: dict[str, Any] | None, *, missing: int) -> None:
            body = json.dumps({"error": "invalid_grant"} if found is None else found).encode()
            self.send_response(missing if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, *args: Any) -> None:
            """Tests are quiet."""

    return Handler


@contextmanager
def running(redirect_uri: str) -> Iterator[OpenIdProvider]:
    """A provider that serves on a free port of this machine."""
    provider = OpenIdProvider(redirect_uri=redirect_uri)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(provider))
    provider.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
