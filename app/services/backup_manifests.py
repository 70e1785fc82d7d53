"""What stands beside a backup: by which a restore knows that all parts belong together."""

import json
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import Problem, invalid
from app.keyring import digest
from app.services.audit_heads import export_head
from app.services.encoders import serving
from app.services.erasure_ledger import Ledger
from models import CorpusRevision, utc_now

FORMAT: Final = "enmusubi-backup-1"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Numbers and digests; nothing in it is confidential."""

    format: str
    made_at: str
    """ISO 8601, UTC."""
    size: int
    """Bytes of the copy."""
    sha256: str
    """Of the copy."""
    migration: str
    corpus_revision: int
    encoder: str | None
    """By which the vectors in it were made."""
    secret: str
    """Tells one secret key from another, and nothing about either."""
    ledger_lines: int
    """Of the erasure ledger at that time: one with fewer lines is older than the copy."""
    audit_head: str
    """The end of the audit log in the copy, as `enmusubi audit head` exports it."""


def describe(
    session: Session, ledger: Ledger, *, size: int, sha256: str, migration: str
) -> Manifest:
    """The manifest of a copy of which this is a session."""
    present = serving(session)
    return Manifest(
        format=FORMAT,
        made_at=utc_now().isoformat(timespec="seconds"),
        size=size,
        sha256=sha256,
        migration=migration,
        corpus_revision=session.scalar(select(CorpusRevision.value)) or 0,
        encoder=None if present is None else present.encoder_id,
        secret=secret_mark(),
        ledger_lines=len(ledger.read()),
        audit_head=export_head(session).as_json(),
    )


def secret_mark() -> str:
    """A digest under the secret key of this installation."""
    return digest("erasures", FORMAT)


def beside(copy: Path) -> Path:
    """Where the manifest of a copy lies."""
    return copy.with_name(f"{copy.name}.json")


def write(manifest: Manifest) -> str:
    """As JSON."""
    return json.dumps(asdict(manifest), indent=1) + "\n"


def read(copy: Path) -> Manifest:
    """The manifest of a copy. Problem 422 if there is none or it cannot be read."""
    path = beside(copy)
    try:
        values = json.loads(path.read_text())
        manifest = Manifest(**values)
    except FileNotFoundError:
        raise invalid(
            "file", f"lacks {path.name} beside it, which `enmusubi backup` wrote"
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise invalid("file", f"has a manifest that cannot be read: {path.name}") from error
    if manifest.format != FORMAT:
        raise invalid("file", "was written by another version of this program")
    return manifest


def require_fitting(manifest: Manifest, ledger: Ledger | None) -> None:
    """Problem 409 unless the secret key and the ledger that are in place belong to the copy.

    None: there is no ledger any more, and the operator knows.
    """
    if manifest.secret != secret_mark():
        raise Problem(
            HTTPStatus.CONFLICT,
            "This backup was made under another secret key: put the key that belongs to it in "
            "place first (ENMUSUBI_SECRET_KEY_FILE, or secret.key in the data folder). Without it "
            "the audit log does not verify and erased persons are not known again.",
        )
    if ledger is None:
        return
    lines = len(ledger.read())
    if lines < manifest.ledger_lines:
        raise Problem(
            HTTPStatus.CONFLICT,
            f"The erasure ledger {ledger.path} has {lines} lines and had {manifest.ledger_lines} "
            "when this backup was made: it is an older one. Put the newest in place first, since "
            "erased persons would come back; if it is lost for good, use --ledger-is-lost.",
        )
