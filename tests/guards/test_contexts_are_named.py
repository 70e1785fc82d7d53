"""Every session of ours says for whom it acts: without, PostgreSQL shows it nothing."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("path", sorted(APP.rglob("*.py")), ids=lambda p: str(p.relative_to(APP)))
def test_sessions_have_a_context(path: Path) -> None:
    assert list(nameless(path.read_text())) == [], (
        "say for whom: database.reading(actor), or SYSTEM, AUTHENTICATION or NOBODY of app.contexts"
    )


def test_the_guard_notices() -> None:
    assert list(nameless("with database.reading() as session:\n    pass")) == [1]
    assert not list(nameless("with database.writing(SYSTEM) as session:\n    pass"))
