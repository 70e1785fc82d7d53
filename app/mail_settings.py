"""Settings of the nightly run and of the mail it sends."""

import re
from datetime import time
from typing import Annotated, Literal

from limits import parse
from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")


def _mail_address(text: str) -> str:
    if text and not _ADDRESS.fullmatch(text):
        raise ValueError("write one address such as office@example.jp, without a name")
    return text


def _one_line(text: str) -> str:
    if any(not sign.isprintable() for sign in text) or "=?" in text:
        raise ValueError("write one line of plain text, without =?")
    return text.strip()


def _time_of_day(text: str) -> str:
    try:
        time.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time of day such as 06:00") from error
    return text


def _known_rate(text: str) -> str:
    try:
        parse(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a rate such as 600/minute") from error
    return text


Rate = Annotated[str, AfterValidator(_known_rate)]


class MailSettings(BaseSettings):
    """A part of `app.settings.Settings`, read with it."""

    public_url: Annotated[str, Field(pattern=r"^(https?://[^/?#\s]+/?)?$")] = ""
    """As people reach the service, without a path; the links in mails begin with it."""
    smtp_host: str = ""
    """Of the server that takes our mail; empty means that no mail is sent."""
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """`tls` is implicit TLS (port 465), `none` for a server on this machine alone."""
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 30
    mail_from: Annotated[str, AfterValidator(_mail_address)] = ""
    """Address that the mails come from."""
    mail_sender: Annotated[str, AfterValidator(_one_line)] = ""
    """Name of the office that sends them."""
    mail_postal_address: Annotated[str, AfterValidator(_one_line)] = ""
    """Of the office; it stands in each mail, as the law asks."""
    mail_contact: Annotated[str, AfterValidator(_one_line)] = ""
    """Where complaints and questions go: an address, a page or a telephone number."""
    mail_rate: Rate = "60/minute"
    """Mails to one domain."""
    mail_attempts: Annotated[int, Field(ge=1, le=100)] = 6
    """After so many refusals for the present, a mail is given up."""
    link_days: Annotated[int, Field(ge=1, le=365)] = 30
    """How long the links in a mail work."""
    nightly_latest_start: Annotated[str, AfterValidator(_time_of_day)] = "06:00"
    """A run that could not start by then is not started that day."""
    nightly_weekday: Literal[
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"
    ] = "monday"
    """On which weekly digests are sent."""
    nightly_most_mails: Annotated[int, Field(ge=1)] = 2000
    """A run that would send more stops before the first."""
    nightly_per_need: Annotated[int, Field(ge=1, le=20)] = 3
    """Partners that a run suggests for one need, at most."""
    nightly_per_partner: Annotated[int, Field(ge=1, le=20)] = 3
    """Needs for which a run suggests one partner, at most."""
    nightly_per_company_and_partner: Annotated[int, Field(ge=1, le=20)] = 1
    """Of these, needs of one and the same company."""
    nightly_per_company: Annotated[int, Field(ge=1, le=100)] = 10
    """Suggestions for all needs of one company: the length of its digest."""
    nightly_per_coordinator: Annotated[int, Field(ge=1, le=500)] = 40
    """Length of a coordinator's digest; what is left out is counted in it."""
    nightly_least_probability: Annotated[float, Field(ge=0, le=1)] = 0.05
    """A pair of less is not suggested."""
    nightly_fairness: Annotated[float, Field(ge=0, le=1)] = 0.5
    """0: the greatest total; 1: the worst-served need comes first."""
    nightly_exposure: Annotated[float, Field(ge=0, le=1)] = 0.02
    """What the first suggestion of a partner long not suggested is worth, as a probability."""
    nightly_cool_down_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """A pair that has changed since it was suggested rests so long before it can be again."""
