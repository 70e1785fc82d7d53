"""Accounts: the people and systems who act, and how they sign in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified, PortableJSON, Timestamped, text_enum, utc_now
from models.cluster import Cluster, account_clusters
from models.enums import DigestFrequency, Role


class Account(Identified, Timestamped, Base):
    """A person who signs in, or a system that holds keys; what it may do hangs on its role."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint(
            "(role = 'company') = (organisation_id IS NOT NULL)", name="company_is_bound"
        ),
        CheckConstraint("(role = 'partner') = (partner_id IS NOT NULL)", name="partner_is_bound"),
        CheckConstraint("(oidc_issuer IS NULL) = (oidc_subject IS NULL)", name="oidc_is_whole"),
        UniqueConstraint("oidc_issuer", "oidc_subject"),
    )

    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    """In lower case; None of a system."""
    role: Mapped[Role] = mapped_column(text_enum(Role))
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    """Of a company user: the only organisation whose needs it sees."""
    partner_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("partners.id", ondelete="CASCADE"), index=True
    )
    """Of a partner's self-service: the partner it speaks for."""
    language: Mapped[str] = mapped_column(String(2), default="ja", server_default="ja")
    digest_frequency: Mapped[DigestFrequency] = mapped_column(
        text_enum(DigestFrequency),
        default=DigestFrequency.DAILY,
        server_default=DigestFrequency.DAILY.value,
    )
    """How often digests are wanted; whether they may be sent at all is in `mail_consents`."""
    password_hash: Mapped[str | None] = mapped_column(String(300))
    """argon2id; None where the account has no password."""
    oidc_issuer: Mapped[str | None] = mapped_column(String(300))
    oidc_subject: Mapped[str | None] = mapped_column(String(300))
    failed_sign_ins: Mapped[int] = mapped_column(default=0, server_default="0")
    """In a row, since the last success."""
    locked_until: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    """From then on nobody can act as this account."""

    clusters: Mapped[list[Cluster]] = relationship(
        secondary=account_clusters, order_by=Cluster.slug
    )
    """Of a coordinator: whose suggestions it is mailed; none means all."""

    @property
    def has_password(self) -> bool:
        """True if one can sign in with a password."""
        return self.password_hash is not None

    @property
    def has_openid(self) -> bool:
        """True if the account is bound to a person at an OpenID provider."""
        return self.oidc_subject is not None


class ApiKey(Identified, Timestamped, Base):
    """A key is shown once; what is kept is its hash, and a prefix to tell keys apart."""

    __tablename__ = "api_keys"

    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(200))
    prefix: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(PortableJSON, default=list)
    """What the key may be used for (`app.access.Scope`), never more than its account's role."""
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)


class SignInSession(Identified, Base):
    """A browser that is signed in: the cookie's token is kept as a hash."""

    __tablename__ = "sign_in_sessions"

    account_id: Mapped[UUID] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    last_seen_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)
