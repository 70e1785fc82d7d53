"""Row-level security for runs, suggestions, the outbox and consents; see 0007 for how it works.

Most of it is for the system alone: the nightly job acts as the system, and so does who holds the
token of a link. Staff sees runs and the states of mails, and the suggestions for needs that it may
work with; everybody the consents of the own account.

Revision: 0009, after 0008
"""

# ruff: noqa: S608 - the statements are made of the constants below

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

APPLICATION = "enmusubi_app"
COMMANDS = ("SELECT", "INSERT", "UPDATE", "DELETE")


def _setting(name: str) -> str:
    return f"(SELECT nullif(current_setting('enmusubi.{name}', true), ''))"


CONTEXT, ROLE = _setting("context"), _setting("role")
ACCOUNT = f"{_setting('account')}::uuid"
STAFF = f"{ROLE} IN ('coordinator', 'admin')"
ADMIN = f"{ROLE} = 'admin'"
OWN_ACCOUNT = f"account_id = {ACCOUNT}"
NEED_OFFICE = (
    "EXISTS (SELECT 1 FROM needs WHERE needs.id = need_id"
    f" AND {STAFF} AND (confidentiality <> 'named_staff' OR enmusubi_is_named(needs.id)))"
)

PROTECTED: dict[str, dict[str, str]] = {
    "runs": {"SELECT": STAFF},
    "mail_halts": {"SELECT": STAFF, "INSERT": ADMIN, "UPDATE": ADMIN},
    "suggestions": {"SELECT": NEED_OFFICE},
    "suggestion_answers": {
        "SELECT": f"{STAFF} AND EXISTS (SELECT 1 FROM suggestions s WHERE s.id = suggestion_id)"
    },
    "mails": {"SELECT": STAFF},
    "mail_items": {},
    "mail_reminders": {},
    "mail_links": {},
    "account_clusters": {
        "SELECT": f"{STAFF} OR {OWN_ACCOUNT}",
        "INSERT": ADMIN,
        "DELETE": ADMIN,
    },
    "mail_consents": {
        "SELECT": f"{ADMIN} OR {OWN_ACCOUNT}",
        "INSERT": f"{ADMIN} OR {OWN_ACCOUNT}",
    },
    "mail_suppressions": {"SELECT": ADMIN, "DELETE": ADMIN},
}
"""As in 0007: condition by command, `system` may all, what has no rule is left to it alone."""


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, rules in PROTECTED.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for command in COMMANDS:
            rule = rules.get(command, "false")
            condition = (
                f"CASE WHEN {CONTEXT} = 'system' THEN true ELSE coalesce(({rule}), false) END"
            )
            clauses = {
                "INSERT": f"WITH CHECK ({condition})",
                "UPDATE": f"USING ({condition}) WITH CHECK ({condition})",
            }
            op.execute(
                f"CREATE POLICY {table}_{command.lower()} ON {table} FOR {command}"
                f" {clauses.get(command, f'USING ({condition})')}"
            )
        op.execute(f"GRANT {', '.join(COMMANDS)} ON {table} TO {APPLICATION}")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in PROTECTED:
        for command in COMMANDS:
            op.execute(f"DROP POLICY {table}_{command.lower()} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM {APPLICATION}")
