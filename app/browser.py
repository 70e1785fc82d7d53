"""What concerns browsers alone: the session's cookie, and that no other site acts through it."""

import hmac
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request, Response
from itsdangerous import BadData, URLSafeTimedSerializer

from app.errors import Problem
from app.keyring import derived_key, digest
from app.services.oidc import Begun

SESSION: Final = "enmusubi"
OPENID: Final = "enmusubi-openid"
CSRF_HEADER: Final = "X-CSRF-Token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
OPENID_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class Browser:
    """Cookies as this service sets them; over https under the prefix that binds them to the host.

    They last as long as the browser runs: how long a session does, the server decides.
    """

    public_url: str
    """As people reach the service, such as https://enmusubi.example; empty: as each request did."""

    def is_secure(self, request: Request) -> bool:
        """True if browsers reach the service by https."""
        return (urlsplit(self.public_url).scheme or request.url.scheme) == "https"

    def cookie(self, request: Request, name: str) -> str:
        """The full name of a cookie."""
        return f"__Host-{name}" if self.is_secure(request) else name

    def read(self, request: Request, name: str) -> str | None:
        """What the browser sent, if anything."""
        return request.cookies.get(self.cookie(request, name)) or None

    def keep(
        self, request: Request, response: Response, name: str, value: str, seconds: int | None
    ) -> None:
        """Have the browser send a value with each request, for its session or some seconds."""
        response.set_cookie(
            self.cookie(request, name),
            value,
            max_age=seconds,
            path="/",
            secure=self.is_secure(request),
            httponly=True,
            samesite="lax",
        )
        response.headers["Cache-Control"] = "no-store"

    def forget(self, request: Request, response: Response, name: str) -> None:
        """Have the browser drop it."""
        self.keep(request, response, name, "", 0)

    def require_same_origin(self, request: Request) -> None:
        """Problem 403 if the browser says that another site's page makes this request.

        By `Sec-Fetch-Site`, from older browsers by `Origin`; a program sends neither.
        """
        site = request.headers.get("Sec-Fetch-Site")
        origin = request.headers.get("Origin")
        if site is not None:
            same = site in {"same-origin", "none"}
        else:
            same = origin is None or origin.lower() == self._origin(request)
        if not same:
            raise Problem(
                HTTPStatus.FORBIDDEN, "This request comes from a page of another site: refused."
            )

    def _origin(self, request: Request) -> str:
        parts = urlsplit(self.public_url or str(request.base_url))
        return f"{parts.scheme}://{parts.netloc}".lower()


def csrf_token(session_id: UUID) -> str:
    """What the header X-CSRF-Token must hold in this session: 64 hex digits."""
    return digest("sessions", "csrf", str(session_id))


def require_csrf(request: Request, session_id: UUID) -> None:
    """Problem 403 unless the request carries the token of its session."""
    sent = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(sent.encode(), csrf_token(session_id).encode()):
        raise Problem(
            HTTPStatus.FORBIDDEN,
            f"In a browser's session this needs the header {CSRF_HEADER}: take its value from "
            "GET /v1/session.",
        )


def sealed(begun: Begun) -> str:
    """What an OpenID sign-in needs at its end, signed for the browser to keep."""
    return _serializer().dumps(asdict(begun))


def unsealed(value: str | None) -> Begun | None:
    """What was sealed, if it is ours and not too old."""
    if value is None:
        return None
    try:
        return Begun(**_serializer().loads(value, max_age=OPENID_SECONDS))
    except (BadData, TypeError):
        return None


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(derived_key("sessions"), salt="enmusubi/openid")
