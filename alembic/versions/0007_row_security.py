"""Row-level security on PostgreSQL: the database itself keeps rows from whom they do not concern.

It mirrors `app.access` as it was when this was written, row by row (not column by column): the
rows that an actor's transaction sees are those of which the policy shows it something. Children of
a need are seen with the need. Each transaction says for whom it acts (`app.contexts`); without
that it sees nothing. Nothing is done on SQLite.

Policies of two tables must not look into each other (PostgreSQL refuses the recursion). Where they
would have to, a function looks, whose body runs as `system`; CASE keeps the order in which its
table's policy is read.

Revision: 0007, after 0006
"""

# ruff: noqa: S608 - the statements are made of the constants below

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

APPLICATION = "enmusubi_app"
COMMANDS = ("SELECT", "INSERT", "UPDATE", "DELETE")


def _setting(name: str) -> str:
    # In a subquery it is read once for a statement and not for each row.
    return f"(SELECT nullif(current_setting('enmusubi.{name}', true), ''))"


CONTEXT, ROLE = _setting("context"), _setting("role")
ACCOUNT, ORGANISATION, PARTNER = (
    f"{_setting(name)}::uuid" for name in ("account", "organisation", "partner")
)
STAFF = f"{ROLE} IN ('coordinator', 'admin')"
ADMIN = f"{ROLE} = 'admin'"
COORDINATOR = f"{ROLE} = 'coordinator'"
COMPANY = f"{ROLE} = 'company'"
OF_PARTNER = f"{ROLE} = 'partner'"
AUTHENTICATION = f"{CONTEXT} = 'authentication'"

FUNCTIONS = {
    # Staff who is named for the need.
    "enmusubi_is_named": f"need_staff s WHERE s.need_id = need AND s.account_id = {ACCOUNT}",
    # A partner to whom the need was offered, or who was introduced.
    "enmusubi_is_offered": (
        f"introductions i WHERE i.need_id = need AND i.partner_id = {PARTNER} AND i.state IN"
        " ('company_consented', 'partner_consented', 'introduced', 'met', 'agreed', 'closed')"
    ),
}
"""Whether there is such a row for a need, in the eyes of the system."""

FUNCTION = """
CREATE FUNCTION {name}(need uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    before text := coalesce(current_setting('enmusubi.context', true), '');
    found boolean;
BEGIN
    PERFORM set_config('enmusubi.context', 'system', true);
    SELECT EXISTS (SELECT 1 FROM {rows}) INTO found;
    PERFORM set_config('enmusubi.context', before, true);
    RETURN found;
END $$
"""
"""A SET clause would say it shorter, but only a superuser may name a setting of ours there."""

OFFICE = f"({STAFF} AND (confidentiality <> 'named_staff' OR enmusubi_is_named(id)))"
"""Staff who may work with the need."""
OWN_NEED = f"({COMPANY} AND organisation_id = {ORGANISATION})"


def _of_need(condition: str, need: str = "need_id") -> str:
    return f"EXISTS (SELECT 1 FROM needs WHERE needs.id = {need} AND {condition})"


NEED_SEEN = _of_need("true")
NEED_OFFICE = _of_need(OFFICE)
NEED_OWN = _of_need(OWN_NEED)
INTRODUCTION_SEEN = "EXISTS (SELECT 1 FROM introductions i WHERE i.id = introduction_id)"
TOLD_COMPANY = "state NOT IN ('suggested', 'declined')"
TOLD_PARTNER = "state NOT IN ('suggested', 'released', 'declined')"
OWN_INTRODUCTION = (
    f"({COMPANY} AND {NEED_OWN} AND {TOLD_COMPANY})"
    f" OR ({OF_PARTNER} AND partner_id = {PARTNER} AND {TOLD_PARTNER})"
)
OWN_ACCOUNT = f"account_id = {ACCOUNT}"
SAME_ACCOUNT = (
    f"id = {ACCOUNT} AND role = {ROLE} AND organisation_id IS NOT DISTINCT FROM {ORGANISATION}"
    f" AND partner_id IS NOT DISTINCT FROM {PARTNER}"
)
"""One's own account, still bound to what it was bound to."""

Rules = dict[str, str]
"""Condition by command: of rows that are read, for INSERT and UPDATE of rows as they are written.
UPDATE and DELETE only reach what SELECT shows. `system` may all; a command without a rule is left
to it alone."""

PROTECTED: dict[str, Rules] = {
    "needs": {
        "SELECT": (
            f"{ADMIN} OR ({COORDINATOR} AND {OFFICE}) OR {OWN_NEED} OR ({OF_PARTNER}"
            " AND ((confidentiality IN ('public', 'match_only') AND status = 'open')"
            " OR enmusubi_is_offered(id)))"
        ),
        "INSERT": f"{STAFF} OR {OWN_NEED}",
        "UPDATE": f"{OFFICE} OR {OWN_NEED}",
    },
    "need_clusters": {
        "SELECT": NEED_SEEN,
        "INSERT": f"{NEED_OFFICE} OR {NEED_OWN}",
        "DELETE": f"{NEED_OFFICE} OR {NEED_OWN}",
    },
    "need_staff": {
        "SELECT": f"{ADMIN} OR ({COORDINATOR} AND {NEED_OFFICE})",
        "INSERT": f"{ADMIN} OR {NEED_OFFICE}",
        "DELETE": f"{ADMIN} OR {NEED_OFFICE}",
    },
    "need_versions": {
        "SELECT": (
            f"{NEED_OFFICE} OR {NEED_OWN} OR ({OF_PARTNER} AND released_at IS NOT NULL"
            " AND withdrawn_at IS NULL AND ("
            # Also of an introduction a public version is for partners while the need is public.
            + _of_need(
                "(audience = 'public' AND confidentiality = 'public'"
                " OR audience = 'teaser'"
                " AND (confidentiality = 'match_only' OR enmusubi_is_offered(id)))"
            )
            + "))"
        ),
        "INSERT": f"{NEED_OFFICE} OR (audience = 'full' AND {NEED_OWN})",
        "UPDATE": f"{NEED_OFFICE} OR {NEED_OWN}",
    },
    "disclosures": {
        "SELECT": (
            f"{OWN_ACCOUNT} OR ({ROLE} IN ('coordinator', 'admin', 'company')"
            " AND EXISTS (SELECT 1 FROM need_versions v WHERE v.id = version_id))"
        ),
        "INSERT": f"{OWN_ACCOUNT} AND role = {ROLE}",
    },
    "match_runs": dict.fromkeys(COMMANDS, NEED_OFFICE),
    "matches": dict.fromkeys(
        COMMANDS,
        "EXISTS (SELECT 1 FROM match_runs r WHERE r.id = run_id)",
    ),
    "introductions": {
        "SELECT": f"{NEED_OFFICE} OR {OWN_INTRODUCTION}",
        "INSERT": NEED_OFFICE,
        "UPDATE": f"{NEED_OFFICE} OR {OWN_INTRODUCTION}",
    },
    "introduction_steps": {
        "SELECT": INTRODUCTION_SEEN,
        "INSERT": f"{INTRODUCTION_SEEN} AND {OWN_ACCOUNT}",
    },
    "introduction_notes": dict.fromkeys(COMMANDS, f"{STAFF} AND {INTRODUCTION_SEEN}"),
    # Query vectors are made of needs; those of named_staff are never stored.
    "embeddings": {"SELECT": f"{STAFF} OR ({CONTEXT} = 'actor' AND encoder_id NOT LIKE '%/query')"},
    "accounts": {
        "SELECT": (
            f"{AUTHENTICATION} OR {ADMIN} OR id = {ACCOUNT}"
            f" OR ({COORDINATOR} AND role IN ('coordinator', 'admin'))"
        ),
        "INSERT": ADMIN,
        "UPDATE": f"{AUTHENTICATION} OR {ADMIN} OR ({SAME_ACCOUNT})",
        "DELETE": ADMIN,
    },
    "api_keys": {
        "SELECT": f"{AUTHENTICATION} OR {ADMIN} OR {OWN_ACCOUNT}",
        "INSERT": f"{ADMIN} OR {OWN_ACCOUNT}",
        "UPDATE": f"{AUTHENTICATION} OR {ADMIN} OR {OWN_ACCOUNT}",
        "DELETE": f"{ADMIN} OR {OWN_ACCOUNT}",
    },
    "sign_in_sessions": dict.fromkeys(COMMANDS, f"{AUTHENTICATION} OR {ADMIN} OR {OWN_ACCOUNT}"),
    "idempotent_answers": dict.fromkeys(COMMANDS, OWN_ACCOUNT),
    # The system appends in everybody's transactions; nobody changes or deletes.
    "audit_entries": {"SELECT": ADMIN},
}

OPEN = (
    "capabilities",
    "clusters",
    "corpus_revision",
    "distinct_partners",
    "encoders",
    "erasures",
    "organisation_clusters",
    "organisation_name_keys",
    "organisations",
    "partner_aliases",
    "partner_clusters",
    "partner_name_keys",
    "partners",
    "suppressions",
    "unavailabilities",
)
"""The directory, which the ranking reads for everybody, and tables that say nothing of a need."""


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    _make_role()
    for name, rows in FUNCTIONS.items():
        op.execute(FUNCTION.format(name=name, rows=rows))
    for table, rules in PROTECTED.items():
        _protect(table, rules)
    for table in OPEN:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APPLICATION}")
    op.execute(f"GRANT SELECT ON alembic_version TO {APPLICATION}")


def _make_role() -> None:
    """The role takes no part in ownership; whoever migrates may act as it."""
    connection = op.get_bind()
    there = connection.exec_driver_sql(
        f"SELECT 1 FROM pg_roles WHERE rolname = '{APPLICATION}'"
    ).scalar()
    (may,) = connection.exec_driver_sql(
        "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    ).one()
    if not there:
        if not may:
            raise RuntimeError(
                f"The role {APPLICATION} is missing and this user may not make it: let a superuser"
                f" run `CREATE ROLE {APPLICATION} NOLOGIN; GRANT {APPLICATION} TO` this user, then"
                " migrate again. See docs/operations.md."
            )
        op.execute(
            f"DO $$ BEGIN CREATE ROLE {APPLICATION} NOLOGIN;"
            " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        )
    op.execute(
        f"DO $$ BEGIN IF NOT pg_has_role(current_user, '{APPLICATION}', 'SET') THEN"
        f" EXECUTE format('GRANT {APPLICATION} TO %I', current_user); END IF; END $$"
    )
    op.execute(
        f"DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO {APPLICATION}',"
        " current_schema()); END $$"
    )


def _protect(table: str, rules: Rules) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for command in _commands(table):
        rule = rules.get(command, "false")
        condition = f"CASE WHEN {CONTEXT} = 'system' THEN true ELSE coalesce(({rule}), false) END"
        clauses = {
            "INSERT": f"WITH CHECK ({condition})",
            "UPDATE": f"USING ({condition}) WITH CHECK ({condition})",
        }
        op.execute(
            f"CREATE POLICY {table}_{command.lower()} ON {table} FOR {command}"
            f" {clauses.get(command, f'USING ({condition})')}"
        )
    op.execute(f"GRANT {', '.join(_commands(table))} ON {table} TO {APPLICATION}")


def _commands(table: str) -> tuple[str, ...]:
    return ("SELECT", "INSERT") if table == "audit_entries" else COMMANDS


def downgrade() -> None:
    """The role stays: it belongs to the server and may serve another database."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in PROTECTED:
        for command in _commands(table):
            op.execute(f"DROP POLICY {table}_{command.lower()} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM {APPLICATION}")
    for table in (*OPEN, "alembic_version"):
        op.execute(f"REVOKE ALL ON {table} FROM {APPLICATION}")
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}(uuid)")
