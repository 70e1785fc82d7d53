"""Nightly runs, what they suggest, the outbox, and who may be mailed.

Revision: 0008, after 0007
"""

import sqlalchemy as sa

from alembic import op
from models.base import PortableJSON, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_runs()
    _create_suggestions()
    _create_mails()
    _create_recipients()
    # By hand, since SQLite would rebuild the table for the constraint of an added column.
    op.execute(
        "ALTER TABLE accounts ADD COLUMN digest_frequency VARCHAR(32) DEFAULT 'daily' NOT NULL"
        " CONSTRAINT ck_accounts_digest_frequency"
        " CHECK (digest_frequency IN ('daily', 'weekly', 'never'))"
    )


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column(
            "kind",
            sa.Enum(
                "suggestions", name="run_kind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("run_date", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "running",
                "finished",
                "halted",
                "failed",
                name="run_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "step",
            sa.Enum(
                "embed",
                "score",
                "plan",
                "compose",
                "deliver",
                "done",
                name="run_step",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "halt",
            sa.Enum(
                "switched_off",
                "too_late",
                "volume",
                name="halt_reason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("encoder_id", sa.String(length=200), nullable=True),
        sa.Column("corpus_revision", sa.Integer(), nullable=True),
        sa.Column("counts", PortableJSON, nullable=False),
        sa.Column("seconds", PortableJSON, nullable=False),
        sa.Column("report", PortableJSON, nullable=False),
        sa.Column("alerts", PortableJSON, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(state = 'halted') = (halt IS NOT NULL)", name=op.f("ck_runs_halted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("kind", "run_date", name=op.f("uq_runs_kind_run_date")),
    )
    op.create_table(
        "mail_halts",
        sa.Column("halted_at", UtcDateTime(), nullable=False),
        sa.Column("halted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_at", UtcDateTime(), nullable=True),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["halted_by"],
            ["accounts.id"],
            name=op.f("fk_mail_halts_halted_by_accounts"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["lifted_by"],
            ["accounts.id"],
            name=op.f("fk_mail_halts_lifted_by_accounts"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_halts")),
    )


def _create_suggestions() -> None:
    op.create_table(
        "suggestions",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("suggested_on", sa.Date(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=True),
        sa.Column("strong", sa.Boolean(), nullable=True),
        sa.Column("signals", PortableJSON, nullable=False),
        sa.Column("evidence", PortableJSON, nullable=False),
        sa.Column("need_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("partner_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["need_id"], ["needs.id"], name=op.f("fk_suggestions_need_id_needs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["partners.id"],
            name=op.f("fk_suggestions_partner_id_partners"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_suggestions_run_id_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestions")),
        sa.UniqueConstraint(
            "run_id", "need_id", "partner_id", name=op.f("uq_suggestions_run_id_need_id_partner_id")
        ),
    )
    op.create_index(
        op.f("ix_suggestions_need_id"), "suggestions", ["need_id", "partner_id"], unique=False
    )
    op.create_index(op.f("ix_suggestions_partner_id"), "suggestions", ["partner_id"], unique=False)
    op.create_table(
        "suggestion_answers",
        sa.Column("suggestion_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column(
            "side",
            sa.Enum(
                "staff",
                "company",
                "partner",
                name="side",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "answer",
            sa.Enum(
                "accept",
                "decline",
                "later",
                name="answer",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "reason",
            sa.Enum(
                "not_my_field",
                "no_time",
                "terms",
                "already_in_touch",
                "conflict_of_interest",
                "consent_withdrawn",
                "need_closed",
                "other",
                name="decline_reason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("answered_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(answer = 'decline') = (reason IS NOT NULL)",
            name=op.f("ck_suggestion_answers_decline_has_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_suggestion_answers_account_id_accounts"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["suggestion_id"],
            ["suggestions.id"],
            name=op.f("fk_suggestion_answers_suggestion_id_suggestions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion_answers")),
    )
    op.create_index(
        op.f("ix_suggestion_answers_suggestion_id"),
        "suggestion_answers",
        ["suggestion_id"],
        unique=False,
    )


def _create_mails() -> None:
    op.create_table(
        "mails",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "sending",
                "data",
                "sent",
                "unknown",
                "failed",
                "withheld",
                name="mail_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claim", sa.String(length=32), nullable=True),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("queued_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("smtp_code", sa.Integer(), nullable=True),
        sa.Column(
            "withheld",
            sa.Enum(
                "no_consent",
                "never",
                "no_address",
                "suppressed",
                "disabled",
                "nothing_left",
                "overtaken",
                name="withheld",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(state = 'withheld') = (withheld IS NOT NULL)", name=op.f("ck_mails_why_withheld")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_mails_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_mails_run_id_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sa.UniqueConstraint("message_id", name=op.f("uq_mails_message_id")),
        sa.UniqueConstraint("run_id", "account_id", name=op.f("uq_mails_run_id_account_id")),
    )
    op.create_index(op.f("ix_mails_account_id"), "mails", ["account_id"], unique=False)
    op.create_index(op.f("ix_mails_run_id"), "mails", ["run_id", "state", "due_at"], unique=False)
    op.create_table(
        "mail_items",
        sa.Column("mail_id", sa.Uuid(), nullable=False),
        sa.Column("suggestion_id", sa.Uuid(), nullable=False),
        sa.Column(
            "section",
            sa.Enum(
                "new",
                "open",
                name="mail_section",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mail_id"], ["mails.id"], name=op.f("fk_mail_items_mail_id_mails"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["suggestion_id"],
            ["suggestions.id"],
            name=op.f("fk_mail_items_suggestion_id_suggestions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("mail_id", "suggestion_id", name=op.f("pk_mail_items")),
    )
    op.create_index(
        op.f("ix_mail_items_suggestion_id"), "mail_items", ["suggestion_id"], unique=False
    )
    op.create_table(
        "mail_reminders",
        sa.Column("mail_id", sa.Uuid(), nullable=False),
        sa.Column("introduction_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["introduction_id"],
            ["introductions.id"],
            name=op.f("fk_mail_reminders_introduction_id_introductions"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["mail_id"],
            ["mails.id"],
            name=op.f("fk_mail_reminders_mail_id_mails"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("mail_id", "introduction_id", name=op.f("pk_mail_reminders")),
    )
    op.create_index(
        op.f("ix_mail_reminders_introduction_id"),
        "mail_reminders",
        ["introduction_id"],
        unique=False,
    )
    op.create_table(
        "mail_links",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("mail_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("suggestion_id", sa.Uuid(), nullable=True),
        sa.Column(
            "purpose",
            sa.Enum(
                "accept",
                "decline",
                "later",
                "stop",
                name="link_purpose",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("need_fingerprint", sa.String(length=64), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(purpose = 'stop') = (suggestion_id IS NULL)", name=op.f("ck_mail_links_is_about")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_mail_links_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["mail_id"], ["mails.id"], name=op.f("fk_mail_links_mail_id_mails"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["suggestion_id"],
            ["suggestions.id"],
            name=op.f("fk_mail_links_suggestion_id_suggestions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_links")),
        sa.UniqueConstraint("sha256", name=op.f("uq_mail_links_sha256")),
    )
    op.create_index(op.f("ix_mail_links_account_id"), "mail_links", ["account_id"], unique=False)
    op.create_index(op.f("ix_mail_links_mail_id"), "mail_links", ["mail_id"], unique=False)
    op.create_index(
        op.f("ix_mail_links_suggestion_id"), "mail_links", ["suggestion_id"], unique=False
    )


def _create_recipients() -> None:
    op.create_table(
        "account_clusters",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("cluster_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_account_clusters_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["cluster_id"],
            ["clusters.id"],
            name=op.f("fk_account_clusters_cluster_id_clusters"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "cluster_id", name=op.f("pk_account_clusters")),
    )
    op.create_index(
        op.f("ix_account_clusters_cluster_id"), "account_clusters", ["cluster_id"], unique=False
    )
    op.create_table(
        "mail_consents",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column(
            "means",
            sa.Enum(
                "written",
                "spoken",
                "e_mail",
                "web_form",
                "business_card",
                "self_service",
                "stop_link",
                "one_click",
                "address_changed",
                name="consent_means",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_mail_consents_account_id_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"],
            ["accounts.id"],
            name=op.f("fk_mail_consents_recorded_by_accounts"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_consents")),
    )
    op.create_index(
        op.f("ix_mail_consents_account_id"), "mail_consents", ["account_id"], unique=False
    )
    op.create_table(
        "mail_suppressions",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("smtp_code", sa.Integer(), nullable=False),
        sa.Column("suppressed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_mail_suppressions")),
    )


def downgrade() -> None:
    op.execute("ALTER TABLE accounts DROP COLUMN digest_frequency")
    for table in (
        "account_clusters",
        "mail_consents",
        "mail_suppressions",
        "mail_links",
        "mail_reminders",
        "mail_items",
        "mails",
        "suggestion_answers",
        "suggestions",
        "mail_halts",
        "runs",
    ):
        op.drop_table(table)
