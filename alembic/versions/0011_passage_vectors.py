"""Vectors of capabilities for search by pgvector, keyed by partner first.

Without the extension `vector` (pgvector 0.8 or newer) the table has no vectors and stays empty:
every process then searches in its own memory, as on SQLite. Its indexes are made by the worker,
since an index made CONCURRENTLY cannot be made in the transaction of a migration.

Not gentle: the unique index on capabilities makes writers wait for seconds per million rows; the
foreign key of the new table cannot be without it.

Revision: 0011, after 0010
"""

import logging

import sqlalchemy as sa
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy.exc import DBAPIError

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

APPLICATION = "enmusubi_app"
OLDEST = (0, 8)
"""The first pgvector that goes on with a search until enough is found."""

logger = logging.getLogger(f"alembic.runtime.{__name__}")

FORGET = """
CREATE FUNCTION enmusubi_forget_passage_vector() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM passage_vectors WHERE partner_id = NEW.partner_id AND capability_id = NEW.id;
    RETURN NULL;
END $$
"""
"""A text that changed takes its vector along at once; the new one comes with its embedding."""


def upgrade() -> None:
    op.create_index(
        "uq_capabilities_partner_id_id", "capabilities", ["partner_id", "id"], unique=True
    )
    on_server = op.get_bind().dialect.name == "postgresql"
    vector = (
        (sa.Column("vector", HALFVEC().with_variant(sa.LargeBinary(), "sqlite"), nullable=False),)
        if not on_server or _has_pgvector()
        else ()
    )
    op.create_table(
        "passage_vectors",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("capability_id", sa.Uuid(), nullable=False),
        sa.Column("encoder_id", sa.String(200), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("speech", sa.SmallInteger(), nullable=False),
        *vector,
        sa.CheckConstraint("speech BETWEEN 0 AND 3", name=op.f("ck_passage_vectors_speech")),
        sa.ForeignKeyConstraint(
            ["partner_id", "capability_id"],
            ["capabilities.partner_id", "capabilities.id"],
            name=op.f("fk_passage_vectors_partner_id_capability_id_capabilities"),
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "partner_id", "capability_id", "encoder_id", name=op.f("pk_passage_vectors")
        ),
    )
    if on_server:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON passage_vectors TO {APPLICATION}")
        op.execute(FORGET)
        op.execute(
            "CREATE TRIGGER forget_passage_vector AFTER UPDATE OF content_hash ON capabilities"
            " FOR EACH ROW WHEN (OLD.content_hash IS DISTINCT FROM NEW.content_hash)"
            " EXECUTE FUNCTION enmusubi_forget_passage_vector()"
        )


def _has_pgvector() -> bool:
    """Make the extension; False, and a sentence, if that cannot be."""
    connection = op.get_bind()
    try:
        with connection.begin_nested():
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS vector")
        (version,) = connection.exec_driver_sql(
            "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
        ).one()
        reason = f"it is {version}, and 0.8 is the oldest that will do"
        if tuple(int(part) for part in version.split(".")[:2]) >= OLDEST:
            return True
    except DBAPIError as error:
        reason = str(error.orig).splitlines()[0]
    logger.warning(
        "pgvector is not used (%s): each process searches vectors in its own memory. To change "
        "that, let a superuser run CREATE EXTENSION vector and start the service again.",
        reason,
    )
    return False


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER forget_passage_vector ON capabilities")
        op.execute("DROP FUNCTION enmusubi_forget_passage_vector()")
    op.drop_table("passage_vectors")
    op.drop_index("uq_capabilities_partner_id_id", "capabilities")
