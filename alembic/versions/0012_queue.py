"""The queue of shared work on PostgreSQL: procrastinate's tables, in a schema of their own.

The jobs hold ids only. Whoever uses the database as `enmusubi_app` may use the queue, whatever it
acts as: there is nothing in it to protect. A later version of procrastinate that changes its
schema needs a migration here with that version's SQL.

Revision: 0012, after 0011
"""

from procrastinate.schema import SchemaManager

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SCHEMA = "enmusubi_queue"
APPLICATION = "enmusubi_app"


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    op.execute(f"CREATE SCHEMA {SCHEMA}")
    before = connection.exec_driver_sql("SHOW search_path").scalar_one()
    op.execute(f"SET LOCAL search_path TO {SCHEMA}")
    # By the driver: the SQL holds signs that are parameters to everybody else.
    driver = connection.connection.driver_connection
    driver.execute(SchemaManager.get_schema())
    op.execute(f"SET LOCAL search_path TO {before}")
    op.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {APPLICATION}")
    op.execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO {APPLICATION}"
    )
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {SCHEMA} TO {APPLICATION}")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
