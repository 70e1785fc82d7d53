"""Every session of ours says for whom it acts: without, PostgreSQL shows it nothing."""

import ast
from collections.abc import Iterator
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "app"


def nameless(source: str) -> Iterator[int]:
    """Lines that open a session without a context."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("reading", "writing")
            and not node.args
            and not node.keywords
        ):
            yield node.lineno


def test_sessions_have_a_context() -> None:
    lines = {
        str(path.relative_to(APP)): [*nameless(path.read_text())] for path in APP.rglob("*.py")
    }
    assert {path: found for path, found in lines.items() if found} == {}, (
        "say for whom: database.reading(actor), or SYSTEM, AUTHENTICATION or NOBODY of app.contexts"
    )


def test_the_guard_notices() -> None:
    assert list(nameless("with database.reading() as session:\n    pass")) == [1]
    assert not list(nameless("with database.writing(SYSTEM) as session:\n    pass"))
