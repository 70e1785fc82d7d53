"""The log of changed partners, and the snapshots of the corpus that may be used.

Revision: 0010, after 0009
"""

from uuid import uuid4

import sqlalchemy as sa

from alembic import op
from models.base import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

APPLICATION = "enmusubi_app"


def upgrade() -> None:
    op.create_table(
        "partner_changes",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("partner_id", name=op.f("pk_partner_changes")),
    )
    op.create_index(op.f("ix_partner_changes_revision"), "partner_changes", ["revision"])
    op.create_table(
        "corpus_snapshots",
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("made_of", sa.String(length=64), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corpus_snapshots")),
    )
    _extend_revision()
    if op.get_bind().dialect.name == "postgresql":
        for table in ("partner_changes", "corpus_snapshots"):
            op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APPLICATION}")


def _extend_revision() -> None:
    columns = (
        sa.Column("identity", sa.String(length=32), server_default="", nullable=False),
        sa.Column("whole", sa.Integer(), server_default="0", nullable=False),
        sa.Column("logged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("erased", sa.Integer(), server_default="0", nullable=False),
    )
    for column in columns:
        op.add_column("corpus_revision", column)
    table = sa.table(
        "corpus_revision", sa.column("identity"), sa.column("logged"), sa.column("value")
    )
    op.execute(table.update().values(identity=uuid4().hex, logged=table.c.value))


def downgrade() -> None:
    for column in ("erased", "logged", "whole", "identity"):
        op.drop_column("corpus_revision", column)
    op.drop_table("corpus_snapshots")
    op.drop_index(op.f("ix_partner_changes_revision"), table_name="partner_changes")
    op.drop_table("partner_changes")
