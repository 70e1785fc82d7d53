"""Which encoder serves, and which one is wanted; adopted from the vectors at the next start.

Revision: 0004, after 0003
"""

import sqlalchemy as sa

from alembic import op
from models.base import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "encoders",
        sa.Column(
            "use",
            sa.Enum(
                "serving",
                "wanted",
                name="encoder_use",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("encoder_id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=1000), nullable=True),
        sa.Column("query_prompt", sa.String(), nullable=False),
        sa.Column("passage_prompt", sa.String(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("embedded", sa.Integer(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("texts_per_second", sa.Double(), nullable=True),
        sa.Column("worked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("use", name=op.f("pk_encoders")),
    )


def downgrade() -> None:
    op.drop_table("encoders")
