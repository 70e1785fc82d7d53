"""The program's secret, and the keys that are derived from it, one for each use."""

import hashlib
import hmac
import os
import secrets
from functools import cache
from pathlib import Path
from typing import Final, Literal

from app.settings import Settings, get_settings

Use = Literal["audit", "candidates", "suppressions", "erasures", "sessions", "links", "addresses"]
"""What a key is for: a key for one use tells nothing about the others."""

BYTES: Final = 32
LEAST: Final = 32
"""Characters of a secret that somebody sets."""


class SecretError(Exception):
    """The secret key cannot be used; the message says why."""


def derived_key(use: Use, settings: Settings | None = None) -> bytes:
    """The key (32 bytes) for that use: HMAC-SHA-256 of its name under the secret.

    Raises SecretError if the secret is too short or its file cannot be read or made.
    """
    secret = _secret(settings or get_settings())
    return hmac.new(secret, f"enmusubi/{use}".encode(), hashlib.sha256).digest()


def digest(use: Use, *parts: str, settings: Settings | None = None) -> str:
    """HMAC-SHA-256 (64 hex digits) over the parts, whose borders count, under the key of a use."""
    mac = hmac.new(derived_key(use, settings), digestmod=hashlib.sha256)
    for part in parts:
        data = part.encode()
        mac.update(len(data).to_bytes(8, "big") + data)
    return mac.hexdigest()


def _secret(settings: Settings) -> bytes:
    given = settings.secret_key.get_secret_value().strip()
    if given:
        return _checked(given, "ENMUSUBI_SECRET_KEY")
    path = settings.data_dir / "secret.key"
    if not path.exists():
        _make(path)
    return _in_file(path)


@cache
def _in_file(path: Path) -> bytes:
    try:
        return _checked(path.read_text().strip(), str(path))
    except OSError as error:
        raise SecretError(f"The secret key in {path} cannot be read: {error.strerror}.") from error


def _checked(secret: str, where: str) -> bytes:
    if len(secret) < LEAST:
        raise SecretError(f"The secret key in {where} is shorter than {LEAST} characters.")
    return secret.encode()


def _make(path: Path) -> None:
    """A new secret that only its owner can read; the first of several processes wins."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise SecretError(f"The secret key {path} cannot be made: {error.strerror}.") from error
