"""The tables of the main job: organisations to matches, embeddings, API keys.

Revision: 0001, after none
"""

import sqlalchemy as sa

from alembic import op
from models.base import PortableJSON, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clusters",
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("name_ja", sa.String(length=300), nullable=True),
        sa.Column("name_en", sa.String(length=300), nullable=True),
        sa.Column("description_ja", sa.String(), nullable=True),
        sa.Column("description_en", sa.String(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clusters")),
        sa.UniqueConstraint("slug", name=op.f("uq_clusters_slug")),
    )
    op.create_table(
        "corpus_revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_corpus_revision_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corpus_revision")),
    )
    op.execute("INSERT INTO corpus_revision (id, value) VALUES (1, 0)")
    op.create_table(
        "embeddings",
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("encoder_id", sa.String(length=200), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("content_hash", "encoder_id", name=op.f("pk_embeddings")),
    )
    op.create_table(
        "organisations",
        sa.Column("external_id", sa.String(length=300), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "company",
                "university",
                "public_institute",
                "support_institution",
                "government",
                "tlo",
                name="organisation_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("name_ja", sa.String(length=300), nullable=True),
        sa.Column("name_en", sa.String(length=300), nullable=True),
        sa.Column("prefecture", sa.String(length=100), nullable=True),
        sa.Column("city", sa.String(length=100), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "name_ja IS NOT NULL OR name_en IS NOT NULL", name=op.f("ck_organisations_has_name")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("external_id", name=op.f("uq_organisations_external_id")),
    )
    op.create_table(
        "api_keys",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "coordinator",
                "company",
                "admin",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
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
    op.create_table(
        "needs",
        sa.Column("external_id", sa.String(length=300), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "technology",
                "management_information",
                "sales_channel",
                "people",
                "funding",
                "facilities",
                name="need_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("title_ja", sa.String(length=500), nullable=True),
        sa.Column("title_en", sa.String(length=500), nullable=True),
        sa.Column("brief_ja", sa.String(), nullable=True),
        sa.Column("brief_en", sa.String(), nullable=True),
        sa.Column(
            "engagement_types",
            PortableJSON,
            nullable=False,
        ),
        sa.Column("trl_from", sa.Integer(), nullable=True),
        sa.Column("trl_to", sa.Integer(), nullable=True),
        sa.Column("budget_jpy", sa.BigInteger(), nullable=True),
        sa.Column("deadline", sa.Date(), nullable=True),
        sa.Column("prefecture", sa.String(length=100), nullable=True),
        sa.Column("city", sa.String(length=100), nullable=True),
        sa.Column(
            "confidentiality",
            sa.Enum(
                "public",
                "match_only",
                "staff_only",
                "named_staff",
                name="confidentiality",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "open",
                "matched",
                "closed",
                name="need_status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("posted_on", sa.Date(), nullable=False),
        sa.Column(
            "excluded_organisations",
            PortableJSON,
            nullable=False,
        ),
        sa.Column(
            "excluded_evidence",
            PortableJSON,
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("budget_jpy >= 0", name=op.f("ck_needs_budget")),
        sa.CheckConstraint(
            "coalesce(title_ja, title_en, brief_ja, brief_en) IS NOT NULL",
            name=op.f("ck_needs_has_text"),
        ),
        sa.CheckConstraint("trl_from BETWEEN 1 AND 9", name=op.f("ck_needs_trl_from")),
        sa.CheckConstraint(
            "trl_to BETWEEN 1 AND 9 AND trl_to >= trl_from", name=op.f("ck_needs_trl_to")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_needs_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_needs")),
        sa.UniqueConstraint(
            "organisation_id", "external_id", name=op.f("uq_needs_organisation_id_external_id")
        ),
    )
    op.create_index(op.f("ix_needs_external_id"), "needs", ["external_id"])
    op.create_index(op.f("ix_needs_organisation_id"), "needs", ["organisation_id"])
    op.create_index(op.f("ix_needs_status"), "needs", ["status"])

    op.create_table(
        "organisation_clusters",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("cluster_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cluster_id"],
            ["clusters.id"],
            name=op.f("fk_organisation_clusters_cluster_id_clusters"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_organisation_clusters_organisation_id_organisations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "organisation_id", "cluster_id", name=op.f("pk_organisation_clusters")
        ),
    )
    op.create_index(
        op.f("ix_organisation_clusters_cluster_id"), "organisation_clusters", ["cluster_id"]
    )

    op.create_table(
        "partners",
        sa.Column("external_id", sa.String(length=300), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "researcher",
                "laboratory",
                "institute",
                "support_institution",
                "company",
                name="partner_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("name_ja", sa.String(length=300), nullable=True),
        sa.Column("name_en", sa.String(length=300), nullable=True),
        sa.Column("organisation_id", sa.Uuid(), nullable=True),
        sa.Column("orcid", sa.String(length=19), nullable=True),
        sa.Column("researchmap_id", sa.String(length=100), nullable=True),
        sa.Column(
            "languages",
            PortableJSON,
            nullable=False,
        ),
        sa.Column(
            "engagement_types",
            PortableJSON,
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "name_ja IS NOT NULL OR name_en IS NOT NULL", name=op.f("ck_partners_has_name")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_partners_organisation_id_organisations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partners")),
        sa.UniqueConstraint("external_id", name=op.f("uq_partners_external_id")),
        sa.UniqueConstraint("orcid", name=op.f("uq_partners_orcid")),
        sa.UniqueConstraint("researchmap_id", name=op.f("uq_partners_researchmap_id")),
    )
    op.create_index(op.f("ix_partners_organisation_id"), "partners", ["organisation_id"])

    op.create_table(
        "capabilities",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "paper",
                "patent",
                "project",
                "equipment",
                "service",
                "statement",
                name="capability_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("title_ja", sa.String(length=1000), nullable=True),
        sa.Column("title_en", sa.String(length=1000), nullable=True),
        sa.Column("text_ja", sa.String(), nullable=True),
        sa.Column("text_en", sa.String(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("external_id", sa.String(length=300), nullable=True),
        sa.Column(
            "licence_status",
            sa.Enum(
                "available",
                "non_exclusive",
                "exclusive",
                "expired",
                "unknown",
                name="licence_status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "licence_status IS NULL OR kind = 'patent'",
            name=op.f("ck_capabilities_licence_of_patent"),
        ),
        sa.CheckConstraint(
            "coalesce(title_ja, title_en, text_ja, text_en) IS NOT NULL",
            name=op.f("ck_capabilities_has_text"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["partners.id"],
            name=op.f("fk_capabilities_partner_id_partners"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capabilities")),
        sa.UniqueConstraint(
            "partner_id",
            "source",
            "external_id",
            name=op.f("uq_capabilities_partner_id_source_external_id"),
        ),
    )
    op.create_index(op.f("ix_capabilities_content_hash"), "capabilities", ["content_hash"])
    op.create_index(op.f("ix_capabilities_partner_id"), "capabilities", ["partner_id"])

    op.create_table(
        "match_runs",
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("encoder_id", sa.String(length=200), nullable=False),
        sa.Column("corpus_revision", sa.Integer(), nullable=False),
        sa.Column("asked", PortableJSON, nullable=False),
        sa.Column("blocked", PortableJSON, nullable=False),
        sa.Column(
            "weights",
            PortableJSON,
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["need_id"], ["needs.id"], name=op.f("fk_match_runs_need_id_needs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_runs")),
    )
    op.create_index(op.f("ix_match_runs_need_id"), "match_runs", ["need_id"])

    op.create_table(
        "need_clusters",
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("cluster_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cluster_id"],
            ["clusters.id"],
            name=op.f("fk_need_clusters_cluster_id_clusters"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["need_id"],
            ["needs.id"],
            name=op.f("fk_need_clusters_need_id_needs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("need_id", "cluster_id", name=op.f("pk_need_clusters")),
    )
    op.create_index(op.f("ix_need_clusters_cluster_id"), "need_clusters", ["cluster_id"])

    op.create_table(
        "partner_clusters",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("cluster_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cluster_id"],
            ["clusters.id"],
            name=op.f("fk_partner_clusters_cluster_id_clusters"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["partners.id"],
            name=op.f("fk_partner_clusters_partner_id_partners"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("partner_id", "cluster_id", name=op.f("pk_partner_clusters")),
    )
    op.create_index(op.f("ix_partner_clusters_cluster_id"), "partner_clusters", ["cluster_id"])

    op.create_table(
        "unavailabilities",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("end", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint('"end" >= start', name=op.f("ck_unavailabilities_order")),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["partners.id"],
            name=op.f("fk_unavailabilities_partner_id_partners"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unavailabilities")),
    )
    op.create_index(op.f("ix_unavailabilities_partner_id"), "unavailabilities", ["partner_id"])

    op.create_table(
        "matches",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column(
            "signals",
            PortableJSON,
            nullable=False,
        ),
        sa.Column(
            "evidence",
            PortableJSON,
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["partners.id"],
            name=op.f("fk_matches_partner_id_partners"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["match_runs.id"],
            name=op.f("fk_matches_run_id_match_runs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matches")),
        sa.UniqueConstraint("run_id", "partner_id", name=op.f("uq_matches_run_id_partner_id")),
        sa.UniqueConstraint("run_id", "rank", name=op.f("uq_matches_run_id_rank")),
    )
    op.create_index(op.f("ix_matches_partner_id"), "matches", ["partner_id"])


def downgrade() -> None:
    op.drop_table("matches")
    op.drop_table("unavailabilities")
    op.drop_table("partner_clusters")
    op.drop_table("need_clusters")
    op.drop_table("match_runs")
    op.drop_table("capabilities")
    op.drop_table("partners")
    op.drop_table("organisation_clusters")
    op.drop_table("needs")
    op.drop_table("api_keys")
    op.drop_table("organisations")
    op.drop_table("embeddings")
    op.drop_table("corpus_revision")
    op.drop_table("clusters")
