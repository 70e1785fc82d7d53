"""Accounts behind the keys, sessions, named staff, idempotent answers, audit log, erasures.

Each key that there is gets an account of its own with the key's role and organisation.

Revision: 0005, after 0004
"""

from typing import Any

import sqlalchemy as sa

from alembic import op
from models.base import PortableJSON, UtcDateTime, new_id

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OFFICE = ["directory", "directory:write", "introductions", "metrics", "needs", "needs:write"]
SCOPES = {
    "coordinator": OFFICE,
    "company": ["directory", "introductions", "needs", "needs:write"],
    "admin": [*OFFICE, "accounts", "audit"],
}
"""All that a key of that role could do so far."""


def upgrade() -> None:
    _create_accounts()
    _bind_keys()
    _create_sessions()
    _create_logs()


def _create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column(
            "role",
            sa.Enum(
                "coordinator",
                "company",
                "admin",
                "partner",
                "machine",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("language", sa.String(length=2), server_default="ja", nullable=False),
        sa.Column("password_hash", sa.String(length=300), nullable=True),
        sa.Column("oidc_issuer", sa.String(length=300), nullable=True),
        sa.Column("oidc_subject", sa.String(length=300), nullable=True),
        sa.Column("failed_sign_ins", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", UtcDateTime(), nullable=True),
        sa.Column("last_sign_in_at", UtcDateTime(), nullable=True),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(role = 'company') = (organisation_id IS NOT NULL)",
            name=op.f("ck_accounts_company_is_bound"),
        ),
        sa.CheckConstraint(
            "(role = 'partner') = (partner_id IS NOT NULL)",
            name=op.f("ck_accounts_partner_is_bound"),
        ),
        sa.CheckConstraint(
            "(oidc_issuer IS NULL) = (oidc_subject IS NULL)", name=op.f("ck_accounts_oidc_is_whole")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_accounts_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["partners.id"],
            name=op.f("fk_accounts_partner_id_partners"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("email", name=op.f("uq_accounts_email")),
        sa.UniqueConstraint(
            "oidc_issuer", "oidc_subject", name=op.f("uq_accounts_oidc_issuer_oidc_subject")
        ),
    )
    op.create_index(op.f("ix_accounts_organisation_id"), "accounts", ["organisation_id"])
    op.create_index(op.f("ix_accounts_partner_id"), "accounts", ["partner_id"])
    op.create_table(
        "need_staff",
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_need_staff_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["need_id"], ["needs.id"], name=op.f("fk_need_staff_need_id_needs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("need_id", "account_id", name=op.f("pk_need_staff")),
    )
    op.create_index(op.f("ix_need_staff_account_id"), "need_staff", ["account_id"])


def _create_sessions() -> None:
    op.create_table(
        "sign_in_sessions",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_sign_in_sessions_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_sessions")),
        sa.UniqueConstraint("sha256", name=op.f("uq_sign_in_sessions_sha256")),
    )
    op.create_index(op.f("ix_sign_in_sessions_account_id"), "sign_in_sessions", ["account_id"])
    op.create_index(op.f("ix_sign_in_sessions_expires_at"), "sign_in_sessions", ["expires_at"])
    op.create_table(
        "idempotent_answers",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", PortableJSON, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_idempotent_answers_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "key", name=op.f("pk_idempotent_answers")),
    )
    op.create_index(op.f("ix_idempotent_answers_created_at"), "idempotent_answers", ["created_at"])


def _create_logs() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("object_kind", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.String(length=32), nullable=True),
        sa.Column("fields", PortableJSON, nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("mac", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_entries")),
        sa.UniqueConstraint("mac", name=op.f("uq_audit_entries_mac")),
    )
    op.create_index(op.f("ix_audit_entries_event"), "audit_entries", ["event"])
    op.create_index(op.f("ix_audit_entries_object_id"), "audit_entries", ["object_id"])
    _make_append_only()
    op.create_table(
        "erasures",
        sa.Column("subject_kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index(op.f("ix_erasures_subject_id"), "erasures", ["subject_id"])
    op.create_table(
        "suppressions",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_suppressions")),
    )


NO_CHANGE = "The audit log only grows: its entries are not changed or deleted."


def _make_append_only() -> None:
    """Against mistakes: who owns the database can drop triggers, and the chain tells of it."""
    if op.get_bind().dialect.name == "sqlite":
        for happening in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_entries_no_{happening.lower()} BEFORE {happening} "
                f"ON audit_entries BEGIN SELECT RAISE(ABORT, '{NO_CHANGE}'); END"
            )
        # INSERT OR REPLACE deletes without the trigger for deletions.
        op.execute(
            "CREATE TRIGGER audit_entries_no_replace BEFORE INSERT ON audit_entries "  # noqa: S608
            "WHEN EXISTS (SELECT 1 FROM audit_entries WHERE seq = NEW.seq OR mac = NEW.mac) "
            f"BEGIN SELECT RAISE(ABORT, '{NO_CHANGE}'); END"
        )
    else:
        op.execute(
            "CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{NO_CHANGE}'; END $$"
        )
        for name, happening, each in (
            ("no_change", "UPDATE OR DELETE", "ROW"),
            ("no_truncate", "TRUNCATE", "STATEMENT"),
        ):
            op.execute(
                f"CREATE TRIGGER audit_entries_{name} BEFORE {happening} ON audit_entries "
                f"FOR EACH {each} EXECUTE FUNCTION refuse_audit_change()"
            )


OLD_KEYS = sa.table(
    "api_keys",
    sa.column("id", sa.Uuid()),
    sa.column("name", sa.String()),
    sa.column("prefix", sa.String()),
    sa.column("sha256", sa.String()),
    sa.column("role", sa.String()),
    sa.column("organisation_id", sa.Uuid()),
    sa.column("revoked_at", UtcDateTime()),
    sa.column("created_at", UtcDateTime()),
    sa.column("updated_at", UtcDateTime()),
)


def _bind_keys() -> None:
    connection = op.get_bind()
    kept = [dict(row) for row in connection.execute(sa.select(OLD_KEYS)).mappings()]
    op.drop_table("api_keys")
    keys = op.create_table(
        "api_keys",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("scopes", PortableJSON, nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_api_keys_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("sha256", name=op.f("uq_api_keys_sha256")),
    )
    op.create_index(op.f("ix_api_keys_account_id"), "api_keys", ["account_id"])
    for row in kept:
        account = _account_of(row)
        connection.execute(sa.insert(ACCOUNTS), [account])
        bound = {name: row[name] for name in row if name not in ("role", "organisation_id")}
        bound |= {"account_id": account["id"], "scopes": SCOPES[row["role"]]}
        connection.execute(sa.insert(keys), [bound])


ACCOUNTS = sa.table(
    "accounts",
    sa.column("id", sa.Uuid()),
    sa.column("name", sa.String()),
    sa.column("role", sa.String()),
    sa.column("organisation_id", sa.Uuid()),
    sa.column("created_at", UtcDateTime()),
    sa.column("updated_at", UtcDateTime()),
)


def _account_of(key: dict[str, Any]) -> dict[str, Any]:
    same = ("name", "role", "organisation_id", "created_at", "updated_at")
    return {"id": new_id(), **{name: key[name] for name in same}}


def downgrade() -> None:
    """Keys of roles that there were not before are lost."""
    for table in ("suppressions", "erasures", "audit_entries", "idempotent_answers"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_audit_change()")
    op.drop_table("sign_in_sessions")
    op.drop_table("need_staff")
    connection = op.get_bind()
    kept = connection.execute(
        sa.text(
            "SELECT k.id, k.name, k.prefix, k.sha256, a.role, a.organisation_id, k.revoked_at, "
            "k.created_at, k.updated_at FROM api_keys k JOIN accounts a ON a.id = k.account_id "
            "WHERE a.role IN ('coordinator', 'company', 'admin')"
        ).columns(
            id=sa.Uuid(),
            organisation_id=sa.Uuid(),
            revoked_at=UtcDateTime(),
            created_at=UtcDateTime(),
            updated_at=UtcDateTime(),
        )
    )
    rows = [dict(row) for row in kept.mappings()]
    op.drop_table("api_keys")
    op.drop_table("accounts")
    roles = sa.Enum(
        "coordinator",
        "company",
        "admin",
        name="role",
        native_enum=False,
        create_constraint=True,
        length=32,
    )
    op.create_table(
        "api_keys",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("role", roles, nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "(role = 'company') = (organisation_id IS NOT NULL)",
            name=op.f("ck_api_keys_company_is_bound"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_api_keys_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("sha256", name=op.f("uq_api_keys_sha256")),
    )
    if rows:
        connection.execute(sa.insert(OLD_KEYS), rows)
