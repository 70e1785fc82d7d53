"""Security headers on every response, those to errors included.

An ASGI wrapper around the whole application, since Starlette answers unexpected errors outside of
all middleware that is added to it.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
"""Unless the response says otherwise itself."""
POLICY: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""Of data: a browser runs and loads nothing."""
STRICT_TRANSPORT: Final = "max-age=63072000"
"""Two years; without subdomains, which may be somebody else's."""

_INLINE_SCRIPT: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


class SecurityHeaders:
    """Adds the headers; pages get a policy under which their own scripts run and no others.

    `pages` are the paths of HTML pages. Their inline scripts are allowed by hash: what somebody
    managed to add to a page has another one.
    """

    def __init__(self, app: ASGIApp, *, pages: frozenset[str], assets: str) -> None:
        """`assets`: the start of the paths of scripts and styles that may be kept by browsers."""
        self._app = app
        self._pages = pages
        self._assets = assets

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; the headers are added as the response starts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asset = scope["path"].startswith(self._assets)
        begun: list[Message] = []
        page = bytearray()

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(message, https=scope["scheme"] == "https", keep=asset)
                if scope["path"] in self._pages:
                    begun.append(message)  # until the scripts of the page are known
                    return
            elif begun:
                page.extend(message.get("body", b""))
                if message.get("more_body", False):
                    return
                start = begun.pop()
                MutableHeaders(scope=start)["Content-Security-Policy"] = policy_for(bytes(page))
                await send(start)
                message = {**message, "body": bytes(page)}
            await send(message)

        await self._app(scope, receive, secured)


def _add(start: Message, *, https: bool, keep: bool) -> None:
    headers = MutableHeaders(scope=start)
    for name, value in ALWAYS.items():
        if not (keep and name == "Cache-Control"):
            headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", POLICY)
    if https:
        headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)


def policy_for(page: bytes) -> str:
    """The policy of an HTML page: scripts of this server and those that stand in the page now."""
    digests = [hashlib.sha256(script).digest() for script in _INLINE_SCRIPT.findall(page)]
    hashes = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
    return "; ".join(
        [
            "default-src 'none'",
            " ".join(["script-src 'self'", *hashes]),
            "style-src 'self' 'unsafe-inline'",  # Swagger UI sets style attributes
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )
