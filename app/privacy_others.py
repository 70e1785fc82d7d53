"""The data map of the tables that are about no person: each of their columns."""

from typing import Final

from app.privacy_tables import DataTable

OTHERS: Final = (
    DataTable(
        "needs",
        mentions=("title_ja", "title_en", "brief_ja", "brief_en"),
        none=(
            "id",
            "external_id",
            "organisation_id",
            "kind",
            "engagement_types",
            "trl_from",
            "trl_to",
            "budget_jpy",
            "deadline",
            "prefecture",
            "city",
            "confidentiality",
            "status",
            "posted_on",
            "excluded_organisations",
            "excluded_evidence",
            "created_at",
            "updated_at",
        ),
    ),
    DataTable(
        "organisations",
        mentions=("name_ja", "name_en", "name_kana"),
        none=(
            "id",
            "external_id",
            "kind",
            "name_sort",
            "prefecture",
            "city",
            "latitude",
            "longitude",
            "created_at",
            "updated_at",
        ),
    ),
    DataTable(
        "organisation_name_keys",
        none=("organisation_id", "key", "kind"),
    ),
    DataTable(
        "clusters",
        mentions=("description_ja", "description_en"),
        none=("id", "slug", "name_ja", "name_en", "created_at", "updated_at"),
    ),
    DataTable("organisation_clusters", none=("organisation_id", "cluster_id")),
    DataTable("need_clusters", none=("need_id", "cluster_id")),
    DataTable(
        "match_runs",
        none=(
            "id",
            "need_id",
            "encoder_id",
            "corpus_revision",
            "asked",
            "blocked",
            "weights",
            "strength",
            "strong",
            "created_at",
            "updated_at",
        ),
    ),
    DataTable(
        "encoders",
        none=(
            "use",
            "encoder_id",
            "name",
            "query_prompt",
            "passage_prompt",
            "since",
            "embedded",
            "total",
            "texts_per_second",
            "worked_at",
        ),
    ),
    DataTable("corpus_revision", none=("id", "value")),
)
