"""Versions of briefs, the ledger of who has seen them, introductions.

Each need that there is gets its text as the first full version.

Revision: 0006, after 0005
"""

import sqlalchemy as sa

from alembic import op
from models.base import PortableJSON, UtcDateTime, new_id, utc_now

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_versions()
    _create_introductions()
    _first_versions()


def _create_versions() -> None:
    op.create_table(
        "need_versions",
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column(
            "audience",
            sa.Enum(
                "full",
                "teaser",
                "public",
                name="audience",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title_ja", sa.String(length=500), nullable=True),
        sa.Column("title_en", sa.String(length=500), nullable=True),
        sa.Column("brief_ja", sa.String(), nullable=True),
        sa.Column("brief_en", sa.String(), nullable=True),
        sa.Column("drafted_by", sa.Uuid(), nullable=True),
        sa.Column("released_by", sa.Uuid(), nullable=True),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("accepted_findings", sa.Integer(), server_default="0", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "coalesce(title_ja, title_en, brief_ja, brief_en) IS NOT NULL",
            name=op.f("ck_need_versions_has_text"),
        ),
        sa.CheckConstraint(
            "withdrawn_at IS NULL OR released_at IS NOT NULL", name=op.f("ck_need_versions_order")
        ),
        sa.ForeignKeyConstraint(
            ["drafted_by"],
            ["accounts.id"],
            name=op.f("fk_need_versions_drafted_by_accounts"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["need_id"],
            ["needs.id"],
            name=op.f("fk_need_versions_need_id_needs"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["released_by"],
            ["accounts.id"],
            name=op.f("fk_need_versions_released_by_accounts"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need_versions")),
        sa.UniqueConstraint(
            "need_id", "audience", "number", name=op.f("uq_need_versions_need_id_audience_number")
        ),
    )
    op.create_index(op.f("ix_need_versions_need_id"), "need_versions", ["need_id"])
    op.create_table(
        "disclosures",
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
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
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.String(length=16), server_default="api", nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_disclosures_account_id_accounts"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["partners.id"],
            name=op.f("fk_disclosures_partner_id_partners"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["need_versions.id"],
            name=op.f("fk_disclosures_version_id_need_versions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disclosures")),
    )
    op.create_index(op.f("ix_disclosures_version_id"), "disclosures", ["version_id"])


def _create_introductions() -> None:
    op.create_table(
        "introductions",
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "suggested",
                "released",
                "company_consented",
                "partner_consented",
                "introduced",
                "met",
                "agreed",
                "closed",
                "declined",
                name="introduction_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("company_contact", PortableJSON, nullable=True),
        sa.Column("partner_contact", PortableJSON, nullable=True),
        sa.Column(
            "declined_by",
            sa.Enum(
                "staff",
                "company",
                "partner",
                name="side",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column(
            "decline_reason",
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
        sa.Column(
            "outcome",
            sa.Enum(
                "joint_research",
                "licence",
                "consulting",
                "contract",
                "venture",
                "other_agreement",
                "no_agreement",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("remind_on", sa.Date(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "state = 'declined' OR (state = 'closed') = (outcome IS NOT NULL)",
            name=op.f("ck_introductions_closed"),
        ),
        sa.CheckConstraint(
            "(state = 'declined') = (declined_by IS NOT NULL)",
            name=op.f("ck_introductions_declined"),
        ),
        sa.ForeignKeyConstraint(
            ["need_id"],
            ["needs.id"],
            name=op.f("fk_introductions_need_id_needs"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["partners.id"],
            name=op.f("fk_introductions_partner_id_partners"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["need_versions.id"],
            name=op.f("fk_introductions_version_id_need_versions"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_introductions")),
    )
    op.create_index(op.f("ix_introductions_need_id"), "introductions", ["need_id"])
    op.create_index(op.f("ix_introductions_partner_id"), "introductions", ["partner_id"])
    op.create_index(op.f("ix_introductions_remind_on"), "introductions", ["remind_on"])
    op.create_index(op.f("ix_introductions_state"), "introductions", ["state"])
    op.create_index(op.f("ix_introductions_version_id"), "introductions", ["version_id"])
    op.create_index(
        "uq_introductions_live_pair",
        "introductions",
        ["need_id", "partner_id"],
        unique=True,
        sqlite_where=sa.text("state NOT IN ('closed', 'declined')"),
        postgresql_where=sa.text("state NOT IN ('closed', 'declined')"),
    )
    op.create_table(
        "introduction_steps",
        sa.Column("introduction_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "suggested",
                "released",
                "company_consented",
                "partner_consented",
                "introduced",
                "met",
                "agreed",
                "closed",
                "declined",
                name="introduction_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
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
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_introduction_steps_account_id_accounts"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["introduction_id"],
            ["introductions.id"],
            name=op.f("fk_introduction_steps_introduction_id_introductions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_introduction_steps")),
    )
    op.create_index(
        op.f("ix_introduction_steps_introduction_id"), "introduction_steps", ["introduction_id"]
    )
    op.create_table(
        "introduction_notes",
        sa.Column("introduction_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.String(length=10000), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name=op.f("fk_introduction_notes_account_id_accounts"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["introduction_id"],
            ["introductions.id"],
            name=op.f("fk_introduction_notes_introduction_id_introductions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_introduction_notes")),
    )
    op.create_index(
        op.f("ix_introduction_notes_introduction_id"), "introduction_notes", ["introduction_id"]
    )


TEXTS = ("title_ja", "title_en", "brief_ja", "brief_en")
NEEDS = sa.table("needs", sa.column("id", sa.Uuid()), *map(sa.column, TEXTS))
VERSIONS = sa.table(
    "need_versions",
    sa.column("id", sa.Uuid()),
    sa.column("need_id", sa.Uuid()),
    sa.column("audience", sa.String()),
    sa.column("number", sa.Integer()),
    sa.column("created_at", UtcDateTime()),
    sa.column("updated_at", UtcDateTime()),
    *map(sa.column, TEXTS),
)


def _first_versions() -> None:
    connection = op.get_bind()
    for need in connection.execute(sa.select(NEEDS)).mappings().all():
        row = {
            "id": new_id(),
            "need_id": need["id"],
            "audience": "full",
            "number": 1,
            "created_at": utc_now(),
            "updated_at": utc_now(),
        }
        texts = {name: need[name] for name in TEXTS}
        connection.execute(sa.insert(VERSIONS), [row | texts])


def downgrade() -> None:
    for table in ("introduction_notes", "introduction_steps", "introductions"):
        op.drop_table(table)
    op.drop_table("disclosures")
    op.drop_table("need_versions")
