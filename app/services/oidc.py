"""Signing in through an OpenID Connect provider: authorization code, PKCE, nonce.

Authlib speaks the protocol, joserfc checks the token's signature. Nobody gets an account by
signing in: there must be one, found by the provider's subject, or at the first time by an e-mail
address that the provider says it has verified, and bound to that subject from then on.
"""

import logging
import secrets
import ssl
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import Problem
from app.services.accounts import fold_email
from models import Account

logger = logging.getLogger(__name__)

SCOPE: Final = "openid email"
TIMEOUT_SECONDS: Final = 10.0
METADATA_SECONDS: Final = 3600.0
LEEWAY_SECONDS: Final = 60
"""By which the two clocks may differ."""
ALGORITHMS: Final = ["RS256", "PS256", "ES256", "Ed25519", "EdDSA"]
"""Of signatures; none that the client's secret could make."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What the browser keeps, signed, from the start to the callback."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says has signed in."""

    issuer: str
    subject: str
    email: str | None
    """Only one that the provider has verified."""


@dataclass(slots=True)
class Provider:
    """An OpenID provider at which this service is registered."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _metadata: dict[str, Any] = field(default_factory=dict, repr=False)
    _keys: KeySet | None = field(default=None, repr=False)
    _read_at: float = 0.0

    def begin(self) -> tuple[str, Begun]:
        """The address at which the person signs in, and what to keep until then.

        Problem 503 if the provider does not answer as it should.
        """
        begun = Begun(*(secrets.token_urlsafe(32) for _ in range(3)))
        with self._client() as client:
            url, _ = client.create_authorization_url(
                self._endpoint("authorization_endpoint"),
                state=begun.state,
                nonce=begun.nonce,
                code_verifier=begun.verifier,
            )
        return str(url), begun

    def finish(self, begun: Begun, code: str) -> Identity:
        """Who has signed in, by the code that the provider sent the browser back with.

        Problem 401 if the code or its token is not good, 503 if the provider does not answer.
        """
        endpoint = self._endpoint("token_endpoint")
        try:
            with self._client() as client:
                token = client.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    redirect_uri=self.redirect_uri,
                    code_verifier=begun.verifier,
                )
                claims = self._claims(token, begun)
                if "email" not in claims:
                    claims |= self._userinfo(client, claims["sub"])
        except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError) as error:
            # The kind alone: the texts of these errors come from outside.
            logger.warning("a sign-in through OpenID was refused: %s", type(error).__name__)
            raise refused() from error
        except httpx2.HTTPError as error:
            raise _unavailable(error) from error
        email = claims.get("email")
        if claims.get("email_verified") is not True or not isinstance(email, str):
            email = None
        return Identity(
            self.issuer, str(claims["sub"]), None if email is None else fold_email(email)
        )

    def _client(self) -> Any:
        return OAuth2Client(
            client_id=self.client_id,
            client_secret=self.client_secret or None,
            redirect_uri=self.redirect_uri,
            scope=SCOPE,
            code_challenge_method="S256",
            timeout=TIMEOUT_SECONDS,
            verify=_trusted(),
        )

    def _claims(self, token: Any, begun: Begun) -> dict[str, Any]:
        """What the ID token says, its signature, issuer, audience, times and nonce checked."""
        try:
            decoded = jwt.decode(token["id_token"], self._key_set(), algorithms=ALGORITHMS)
        except (InvalidKeyIdError, ValueError):
            # The provider may have changed its keys since they were read.
            decoded = jwt.decode(token["id_token"], self._key_set(anew=True), algorithms=ALGORITHMS)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "value": self.client_id},
                "sub": {"essential": True, "allow_blank": False},
            },
            {
                "nonce": begun.nonce,
                "client_id": self.client_id,
                "access_token": token["access_token"],
            },
        )
        claims.validate(leeway=LEEWAY_SECONDS)
        return dict(claims)

    def _userinfo(self, client: Any, subject: str) -> dict[str, Any]:
        """The e-mail address, from providers that do not put it into the token."""
        if "userinfo_endpoint" not in self._read():
            return {}
        answer = client.get(self._endpoint("userinfo_endpoint"))
        answer.raise_for_status()
        said = answer.json()
        if said["sub"] != subject:
            raise ValueError("userinfo is about somebody else")
        return {name: said[name] for name in ("email", "email_verified") if name in said}

    def _endpoint(self, name: str) -> str:
        address = self._read().get(name)
        if not isinstance(address, str) or not is_safe(address):
            raise _unavailable(ValueError(name))
        return address

    def _read(self) -> dict[str, Any]:
        """The provider's description of itself, read once an hour."""
        with self._lock:
            if not self._metadata or time.monotonic() - self._read_at > METADATA_SECONDS:
                path = "/.well-known/openid-configuration"
                found = _fetch(self.issuer.rstrip("/") + path)
                if found.get("issuer") != self.issuer:
                    raise _unavailable(ValueError("issuer"))
                self._metadata, self._keys = found, None
                self._read_at = time.monotonic()
            return self._metadata

    def _key_set(self, *, anew: bool = False) -> KeySet:
        address = self._endpoint("jwks_uri")
        with self._lock:
            if self._keys is None or anew:
                found: Any = _fetch(address)
                self._keys = KeySet.import_key_set(found)
            return self._keys


def is_safe(address: str) -> bool:
    """True for https, and for http on this very machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}
    )


def bound_account(session: Session, identity: Identity) -> Account | None:
    """The account of that identity, bound to it now if it was found by its address; else None."""
    same = select(Account).where(
        Account.oidc_issuer == identity.issuer, Account.oidc_subject == identity.subject
    )
    account = session.scalar(same)
    if account is None and identity.email is not None:
        unbound = select(Account).where(
            Account.email == identity.email, Account.oidc_subject.is_(None)
        )
        account = session.scalar(unbound)
    if account is None or account.disabled_at is not None:
        return None
    account.oidc_issuer, account.oidc_subject = identity.issuer, identity.subject
    session.flush()
    return account


def refused() -> Problem:
    """The one answer to every sign-in through the provider that fails."""
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "This sign-in led to no account here: begin again, or ask the office for an account.",
        headers={"WWW-Authenticate": "Bearer"},
    )


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted, read once: it takes longer than the requests."""
    return httpx2.create_ssl_context()


def _fetch(address: str) -> dict[str, Any]:
    try:
        answer = httpx2.get(address, timeout=TIMEOUT_SECONDS, verify=_trusted())
        answer.raise_for_status()
        found = answer.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise _unavailable(error) from error
    if not isinstance(found, dict):
        raise _unavailable(ValueError("not an object"))
    return found


def _unavailable(error: Exception) -> Problem:
    logger.error("the OpenID provider cannot be used: %s", type(error).__name__)
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The sign-in service does not answer as it should: try again later.",
        headers={"Retry-After": "30"},
    )
