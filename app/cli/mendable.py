"""Errors that are told in a sentence, with exit code 2."""

from typing import Final

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from app.emails.headers import MailFormatError
from app.emails.smtp_server import SmtpSettingsError
from app.errors import Problem
from app.keyring import SecretError
from data.importers import UnreadableImport
from matching.artefact import ArtefactError
from matching.encoders import EncoderError
from matching.encoders.training.pairs import PairsError
from matching.sudachi import SudachiError

MENDABLE: Final[tuple[type[Exception], ...]] = (
    Problem,
    EncoderError,
    PairsError,
    ArtefactError,
    SudachiError,
    SecretError,
    UnreadableImport,
    SmtpSettingsError,
    MailFormatError,
)
"""What the user can mend: the message is the sentence."""

FORESEEN: Final[tuple[type[Exception], ...]] = (*MENDABLE, ValidationError, SQLAlchemyError)
"""All that has a sentence; that of settings and databases is not their own message."""
