"""A number that is raised by whatever may change who is shown which match list.

Revision: 0013, after 0012
"""

import sqlalchemy as sa

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "corpus_revision", sa.Column("access", sa.Integer(), server_default="0", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("corpus_revision", "access")
