"""Names: kana readings, the keys by which names are found and sorted, merged records, decisions.

The keys of stored names are computed here, so that they are found from the first request on.

Revision: 0003, after 0002
"""

from itertools import islice
from typing import Any

import sqlalchemy as sa

from alembic import op
from matching.names import name_keys, sort_key
from models.base import UtcDateTime, code_points

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

AT_ONCE = 500


def upgrade() -> None:
    for owner in ("organisation", "partner"):
        table = f"{owner}s"
        op.add_column(table, sa.Column("name_kana", sa.String(length=300), nullable=True))
        op.add_column(
            table, sa.Column("name_sort", code_points(64), nullable=False, server_default="")
        )
        op.create_index(op.f(f"ix_{table}_name_sort"), table, ["name_sort", "id"])
        _create_keys(owner)
        _fill(owner)
    op.create_table(
        "partner_aliases",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.String(length=300), nullable=True),
        sa.Column("name_ja", sa.String(length=300), nullable=True),
        sa.Column("name_kana", sa.String(length=300), nullable=True),
        sa.Column("name_en", sa.String(length=300), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"],
            ["partners.id"],
            name=op.f("fk_partner_aliases_partner_id_partners"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_aliases")),
        sa.UniqueConstraint("external_id", name=op.f("uq_partner_aliases_external_id")),
    )
    op.create_index(op.f("ix_partner_aliases_partner_id"), "partner_aliases", ["partner_id"])
    op.create_table(
        "distinct_partners",
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("second_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_distinct_partners_ordered")),
        *(
            sa.ForeignKeyConstraint(
                [column],
                ["partners.id"],
                name=op.f(f"fk_distinct_partners_{column}_partners"),
                ondelete="CASCADE",
            )
            for column in ("first_id", "second_id")
        ),
        sa.PrimaryKeyConstraint("first_id", "second_id", name=op.f("pk_distinct_partners")),
    )
    op.create_index(op.f("ix_distinct_partners_second_id"), "distinct_partners", ["second_id"])


def _create_keys(owner: str) -> None:
    table = f"{owner}_name_keys"
    op.create_table(
        table,
        sa.Column(f"{owner}_id", sa.Uuid(), nullable=False),
        sa.Column("key", code_points(64), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "written",
                "sound",
                "part",
                name="name_key_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            [f"{owner}_id"],
            [f"{owner}s.id"],
            name=op.f(f"fk_{table}_{owner}_id_{owner}s"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(f"{owner}_id", "key", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_key"), table, ["key", f"{owner}_id"])


def _fill(owner: str) -> None:
    rows = sa.table(
        f"{owner}s",
        sa.column("id", sa.Uuid()),
        *(sa.column(name, sa.String()) for name in ("name_ja", "name_en", "kind", "name_sort")),
    )
    keys = sa.table(
        f"{owner}_name_keys",
        sa.column(f"{owner}_id", sa.Uuid()),
        sa.column("key", sa.String()),
        sa.column("kind", sa.String()),
    )
    bind = op.get_bind()
    stored = iter(bind.execute(sa.select(rows)).all())
    sorting = sa.update(rows).where(rows.c.id == sa.bindparam("row"))
    while some := list(islice(stored, AT_ONCE)):
        bind.execute(
            sorting.values(name_sort=sa.bindparam("sorted")),
            [{"row": row.id, "sorted": _sorted(row)} for row in some],
        )
        found = [
            {f"{owner}_id": row.id, "key": key, "kind": kind}
            for row in some
            for key, kind in name_keys(row.name_ja, None, row.name_en).kinds().items()
        ]
        if found:
            bind.execute(sa.insert(keys), found)


def _sorted(row: Any) -> str:
    return sort_key(row.name_ja, None, row.name_en, personal=row.kind == "researcher")


def downgrade() -> None:
    op.drop_table("distinct_partners")
    op.drop_table("partner_aliases")
    for owner in ("partner", "organisation"):
        op.drop_table(f"{owner}_name_keys")
        op.drop_index(op.f(f"ix_{owner}s_name_sort"), f"{owner}s")
        op.drop_column(f"{owner}s", "name_sort")
        op.drop_column(f"{owner}s", "name_kana")
