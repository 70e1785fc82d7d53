"""A migration leaves what the release before reads and writes: see docs/operations.md, Upgrades.

Read from the syntax tree of `upgrade` in each migration. What takes something away is done one
release after the program has stopped using it, and says so in a line `Not gentle: …` of its
docstring; so does what cannot be done otherwise.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.migrations import FOLDER

BEFORE_RELEASE = {"0003": "an index of names, on tables of a few thousand rows at that time"}
"""Written before the rule, when no installation but tests had a database."""

MARK = "Not gentle:"
TAKES_AWAY = ("drop_column", "drop_table", "rename_table")
LARGE = frozenset(
    {
        "audit_entries",
        "capabilities",
        "embeddings",
        "mail_items",
        "mails",
        "matches",
        "needs",
        "partner_name_keys",
        "partners",
        "suggestions",
    }
)
"""Tables of which an index takes so long that writers must not wait for it."""
SQL = ("DROP TABLE", "DROP COLUMN", "SET NOT NULL", "RENAME COLUMN", "RENAME TO")


def migrations() -> list[Path]:
    """All of them in order."""
    return sorted((FOLDER / "versions").glob("*.py"))


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((word.value for word in call.keywords if word.arg == name), None)


def _is(value: ast.expr | None, constant: object) -> bool:
    return isinstance(value, ast.Constant) and value.value is constant


def _table(call: ast.Call, position: int) -> str | None:
    value = _keyword(call, "table_name") or (
        call.args[position] if len(call.args) > position else None
    )
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _made_here(upgrade: ast.AST) -> set[str]:
    return {
        table
        for call in _calls(upgrade)
        if _name(call) == "create_table" and (table := _table(call, 0))
    }


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _column_is_required(call: ast.Call) -> bool:
    """Of `add_column`: rows that are there, and the release before, have no value for it."""
    columns = [c for c in _calls(call) if _name(c) == "Column"]
    return any(
        _is(_keyword(column, "nullable"), False) and _keyword(column, "server_default") is None
        for column in columns
    )


def _fault_of_column(call: ast.Call) -> Iterator[str]:
    if _keyword(call, "type_") is not None:
        yield "another type"
    if _is(_keyword(call, "nullable"), False):
        yield "NOT NULL"
    if _keyword(call, "new_column_name") is not None:
        yield "another name"


def _fault_of_index(call: ast.Call, here: set[str]) -> Iterator[str]:
    table = _table(call, 1)
    large = table not in here and (table is None or table in LARGE)  # None: it is computed
    if large and not _is(_keyword(call, "postgresql_concurrently"), True):
        yield "an index that makes writers wait"


def _fault_of_sql(call: ast.Call) -> Iterator[str]:
    texts = (n.value for n in ast.walk(call) if isinstance(n, ast.Constant))
    said = " ".join(text.upper() for text in texts if isinstance(text, str))
    yield from (words for words in SQL if words in said)


def _faults_of(call: ast.Call, here: set[str]) -> Iterator[str]:
    name = _name(call)
    if name in TAKES_AWAY and _table(call, 0) not in here:
        yield name
    elif name == "alter_column":
        yield from _fault_of_column(call)
    elif name == "add_column" and _column_is_required(call):
        yield "a required column without a default"
    elif name == "create_index":
        yield from _fault_of_index(call, here)
    elif name in ("execute", "exec_driver_sql"):
        yield from _fault_of_sql(call)


def faults(source: str) -> list[str]:
    """What a migration does that the release before, or its writers, would not survive."""
    functions = [n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)]
    upward = [each for each in functions if each.name != "downgrade"]
    here = {table for each in upward for table in _made_here(each)}
    return [f for each in upward for call in _calls(each) for f in _faults_of(call, here)]


def reason(source: str) -> str | None:
    """Why a migration may take something away, as it says itself."""
    said = ast.get_docstring(ast.parse(source)) or ""
    lines = [line for line in said.splitlines() if line.startswith(MARK)]
    return lines[0].removeprefix(MARK).strip() if lines else None


@pytest.mark.parametrize("path", migrations(), ids=lambda path: path.stem)
def test_gentle(path: Path) -> None:
    source = path.read_text()
    number = path.stem.partition("_")[0]
    if number in BEFORE_RELEASE or reason(source):
        return
    assert faults(source) == []


def test_the_list_of_old_ones_has_nothing_more() -> None:
    for number in BEFORE_RELEASE:
        (path,) = (FOLDER / "versions").glob(f"{number}_*.py")
        assert faults(path.read_text())


@pytest.mark.parametrize(
    "line",
    [
        'op.drop_column("needs", "title_en")',
        'op.drop_table("matches")',
        'op.rename_table("needs", "wishes")',
        'op.alter_column("needs", "kind", type_=sa.Integer())',
        'op.alter_column("needs", "kind", nullable=False)',
        'op.alter_column("needs", "kind", new_column_name="sort")',
        'op.add_column("needs", sa.Column("more", sa.String(), nullable=False))',
        'op.create_index("ix", "capabilities", ["year"])',
        'op.create_index("ix", "capabilities", ["year"], postgresql_concurrently=False)',
        'op.execute("ALTER TABLE needs DROP COLUMN kind")',
        'op.execute(f"alter table {1} alter column x set not null")',
        'with op.batch_alter_table("needs") as batch:\n        batch.drop_column("kind")',
    ],
)
def test_the_guard_notices(line: str) -> None:
    assert faults(f"def upgrade():\n    {line}\n")


@pytest.mark.parametrize(
    "line",
    [
        'op.add_column("needs", sa.Column("more", sa.String(), nullable=True))',
        'op.add_column("needs", sa.Column("n", sa.Integer(), nullable=False, server_default="0"))',
        'op.create_index("ix", "capabilities", ["year"], postgresql_concurrently=True)',
        'op.create_table("new", sa.Column("id"))\n    op.create_index("ix", "new", ["id"])',
        'op.create_index("ix", "clusters", ["slug"])',
        'op.execute("INSERT INTO corpus_revision (id, value) VALUES (1, 0)")',
    ],
)
def test_the_guard_allows(line: str) -> None:
    assert faults(f"def upgrade():\n    {line}\n") == []
    assert faults("def downgrade():\n    op.drop_table('new')\n") == []


def test_a_reason_is_read() -> None:
    assert reason('"""A migration.\n\nNot gentle: nothing reads it since 1.2.\n"""') == (
        "nothing reads it since 1.2."
    )
    assert reason('"""A migration."""') is None
