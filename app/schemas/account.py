"""Accounts, their keys and sessions in requests and responses."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import Body
from pydantic import AwareDatetime, ConfigDict, Field, field_validator

from app.schemas.common import Input, Output, Slugs, Stamped
from models import ApiKey, Cluster, DigestFrequency, Role

Language = Annotated[
    Literal["ja", "en"], Field(description="In which the service writes to the account.")
]
AccountName = Annotated[str, Field(min_length=1, max_length=200)]
Email = Annotated[str, Field(min_length=3, max_length=254)]
NewPassword = Annotated[str, Field(min_length=12, max_length=256)]
Password = Annotated[str, Field(min_length=1, max_length=256)]


class AccountFields(Input):
    """What may be said of an account."""

    email: Email | None = None
    organisation_id: Annotated[UUID | None, Field(description="Of a company, its own.")] = None
    partner_id: Annotated[UUID | None, Field(description="Of a partner, itself.")] = None
    language: Language = "ja"
    digest_frequency: Annotated[
        DigestFrequency, Field(description="How often digests are wanted.")
    ] = DigestFrequency.DAILY
    clusters: Annotated[
        Slugs, Field(description="Of staff: whose suggestions it is mailed; none means all.")
    ] = []


class AccountIn(AccountFields):
    """A new account: of a person with an e-mail address, of a system without."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "佐藤 明", "email": "sato@example.jp", "role": "coordinator"},
            ]
        }
    )

    name: AccountName
    role: Role


class AccountPatch(AccountFields):
    """Fields to change; those left out stay as they are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"language": "en"}]})

    name: AccountName | None = None
    role: Role | None = None


class MePatch(Input):
    """What one may change of one's own account."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"language": "en"}]})

    name: AccountName | None = None
    language: Language | None = None


class MeOut(Stamped):
    """One's own account."""

    name: str
    email: str | None
    role: Role
    organisation_id: UUID | None
    partner_id: UUID | None
    language: str
    has_password: bool
    has_openid: bool
    last_sign_in_at: datetime | None


class AccountOut(MeOut):
    """A stored account, as administrators see it."""

    digest_frequency: DigestFrequency
    clusters: list[str]
    locked_until: Annotated[
        datetime | None, Field(description="After too many wrong passwords in a row.")
    ]
    disabled_at: datetime | None

    @field_validator("clusters", mode="before")
    @classmethod
    def _slugs(cls, clusters: list[Cluster | str]) -> list[str]:
        return [c.slug if isinstance(c, Cluster) else c for c in clusters]


class PasswordSet(Input):
    """A password for somebody else."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"password": "うさぎ-kumo-47-hashi"}]}
    )

    password: NewPassword


class PasswordChange(Input):
    """A new password for oneself."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"current_password": "the old one …", "new_password": "うさぎ-kumo-47-hashi"}
            ]
        }
    )

    current_password: Password
    new_password: NewPassword


class KeyIn(Input):
    """A new key."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "nightly import", "scopes": ["directory"]}]}
    )

    name: AccountName
    scopes: Annotated[
        list[Annotated[str, Field(max_length=40)]] | None,
        Field(max_length=20, description="What it may be used for; left out: all it can have."),
    ] = None
    expires_at: Annotated[
        AwareDatetime | None,
        Field(
            description="Left out: never, or for a key that a key makes for its own account, when "
            "that one expires; a later time is then refused."
        ),
    ] = None


class KeyRotation(Input):
    """How long the second key lives."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"expires_at": "2100-01-01T00:00:00Z"}]}
    )

    expires_at: Annotated[
        AwareDatetime | None,
        Field(
            description="Left out: as long as the first one from now. A key that rotates a key of "
            "its own account makes none that lives longer than itself: left out, the new one ends "
            "with it at the latest, and a later time is refused."
        ),
    ] = None


Rotation = Annotated[KeyRotation, Body(default_factory=KeyRotation)]
"""The body of a rotation, which may be left out."""


class KeyOut(Output):
    """A key, told apart by its prefix; the key itself is not kept."""

    id: UUID
    account_id: UUID
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: Annotated[datetime | None, Field(description="Up to a minute behind.")]
    revoked_at: datetime | None


class KeyMade(KeyOut):
    """A key that was just made."""

    secret: Annotated[str, Field(description="Shown this once.")]

    @classmethod
    def of(cls, key: ApiKey, secret: str) -> Self:
        """The key with its secret."""
        return cls(**KeyOut.model_validate(key).model_dump(), secret=secret)


class SignInIn(Input):
    """Who signs in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "sato@example.jp", "password": "うさぎ-kumo-47-hashi"}]
        }
    )

    email: Email
    password: Password


class SessionOut(Output):
    """Who calls, and by what."""

    account: MeOut
    scopes: list[str]
    csrf_token: Annotated[
        str | None,
        Field(description="For the header X-CSRF-Token; null for a key, which needs none."),
    ]


class SignedIn(Output):
    """A browser in which one is signed in."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    current: Annotated[bool, Field(description="The one that asks.")]
