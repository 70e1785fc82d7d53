"""Kept lists with their probabilities: unknown for lists that were kept before.

Revision: 0002, after 0001
"""

import sqlalchemy as sa

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("match_runs", sa.Column("strength", sa.Double(), nullable=True))
    op.add_column("match_runs", sa.Column("strong", sa.Boolean(), nullable=True))
    op.add_column("matches", sa.Column("probability", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("matches", "probability")
    op.drop_column("match_runs", "strong")
    op.drop_column("match_runs", "strength")
