"""Who may import whom, read from the syntax tree of every source file."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("app", "data", "matching", "models", "tests", "alembic")

MAY: dict[str, tuple[str, ...]] = {
    "models": ("models",),
    "matching": ("matching",),
    "data": ("data", "models", "matching.text"),
    "app.routes": (
        "app.routes",
        "app.presenting",
        "app.presenting_briefs",
        "app.services",
        "app.schemas",
        "app.deps",
        "app.desks",
        "app.asked",
        "app.api_route",
        "app.repeats",
        "app.idempotency",
        "app.etags",
        "app.access",
        "app.visibility",
        "app.browser",
        "app.errors",
        "models",
        "matching",
    ),
    "app.schemas": ("app.schemas", "models", "matching.text"),
    "app.services": (
        "app.services",
        "app.audited",
        "app.mail_settings",
        "app.metrics",
        "app.tracing",
        "app.schemas",
        "app.emails",
        "app.errors",
        "app.access",
        "app.visibility",
        "app.keyring",
        "app.auditing",
        "app.audit_chain",
        "app.changes",
        "app.contexts",
        "app.privacy",
        "app.db",
        "models",
        "matching",
        "data",
    ),
    "app.jobs": (
        "app.jobs",
        "app.emails",
        "app.mail_settings",
        "app.services",
        "app.errors",
        "app.changes",
        "app.contexts",
        "app.db",
        "app.clock",
        "app.metrics",
        "app.migrations",
        "app.tracing",
        "models",
        "matching",
        "data",
    ),
    "app.privacy": ("app.privacy_files", "app.privacy_others", "app.privacy_tables"),
    "app.privacy_others": ("app.privacy_tables",),
    "app.privacy_files": (),
    "app.privacy_tables": (),
    "app.presenting": ("app.access", "app.schemas", "app.services", "matching"),
    "app.presenting_briefs": ("app.schemas", "app.services", "matching", "models"),
    "app.access": ("models",),
    "app.contexts": ("app.access",),
    "app.visibility": ("app.access", "models"),
    "app.audited": ("models",),
    "app.audit_chain": ("app.contexts", "app.errors", "app.keyring", "models"),
    "app.auditing": ("app.access", "app.audit_chain", "app.audited", "app.contexts", "models"),
    "app.changes": ("models",),
    "app.db": (
        "app.access",
        "app.audit_chain",
        "app.changes",
        "app.auditing",
        "app.batching",
        "app.contexts",
        "app.db_engines",
        "app.errors",
        "app.metrics",
        "app.replicas",
        "models",
    ),
    "app.db_engines": (),
    "app.replicas": ("app.db_engines",),
    "app.admission": ("app.errors",),
    "app.errors": ("app.request_ids", "matching.encoders"),
    "app.request_ids": (),
    "app.request_log": ("app.metrics",),
    "app.metrics": (),
    "app.tracing": ("app.errors",),
    "app.otlp": ("app.tracing",),
    "app.settings": ("app.secret_files", "app.mail_settings"),
    "app.mail_settings": (),
    "app.emails": ("app.emails", "app.errors", "app.mail_settings", "models"),
    "app.secret_files": (),
    "app.middleware": ("app.errors", "app.json_shape"),
    "app.json_shape": (),
    "app.headers": (),
    "app.log_format": ("app.request_ids", "app.tracing", "matching.encoders"),
    "app.keyring": ("app.settings",),
    "app.clock": ("app.settings",),
    "app.limiting": ("app.errors",),
    "app.browser": ("app.errors", "app.keyring", "app.services.oidc"),
    "app.gate": ("app.browser", "app.limiting", "app.errors", "app.services", "app.settings"),
    "app.etags": ("app.errors",),
    "app.idempotency": (
        "app.access",
        "app.auditing",
        "app.db",
        "app.deps",
        "app.errors",
        "app.services",
        "models",
    ),
    "app.api_route": ("app.deps", "app.etags", "app.idempotency"),
}
"""The longest prefix of a module's name decides; a module not named here may import all of ours."""

OUTSIDE: dict[str, tuple[str, ...]] = {
    "matching": ("sqlalchemy", "fastapi", "starlette", "pydantic", "pydantic_settings"),
    "models": ("fastapi", "starlette", "pydantic", "numpy", "torch"),
    "app.services": ("fastapi", "starlette", "typer", "rich", "uvicorn"),
}
"""Libraries that a room must do without: the engine knows no ORM, no HTTP, no settings."""


def name_of(path: Path) -> str:
    """The dotted name of a source file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources() -> list[Path]:
    """The source files of the four rooms."""
    return sorted(p for room in MAY_ROOMS for p in (ROOT / room).rglob("*.py"))


MAY_ROOMS = ("app", "data", "matching", "models")


def imports(tree: ast.AST, module: str, *, package: bool) -> Iterator[str]:
    """Dotted names of what a module imports, relative ones made absolute, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")
                parents = parents[: len(parents) - node.level + (1 if package else 0)]
                base = ".".join([*parents, base]).rstrip(".")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def within(name: str, prefix: str) -> bool:
    """True if the dotted name is the prefix or lies below it."""
    return name == prefix or name.startswith(f"{prefix}.")


def rule_for(module: str, rules: dict[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    """What the longest prefix of the module's name says; None if no prefix does."""
    found = [prefix for prefix in rules if within(module, prefix)]
    return rules[max(found, key=len)] if found else None


def offences(source: str, module: str, *, package: bool) -> list[str]:
    """The imports of a module that it may not make."""
    found = list(imports(ast.parse(source), module, package=package))
    ours = [name for name in found if any(within(name, room) for room in ROOMS)]
    may = rule_for(module, MAY)
    wrong = [] if may is None else [n for n in ours if not any(within(n, m) for m in may)]
    shunned = rule_for(module, OUTSIDE) or ()
    wrong += [name for name in found if any(within(name, library) for library in shunned)]
    return wrong


def test_imports() -> None:
    wrong: dict[str, list[str]] = {}
    for path in sources():
        module = name_of(path)
        if found := offences(path.read_text(), module, package=path.name == "__init__.py"):
            wrong[f"{module}, which may import {rule_for(module, MAY)}"] = found
    assert wrong == {}


def test_no_source_imports_the_tests() -> None:
    for path in sources():
        if "tests" not in (source := path.read_text()):
            continue
        found = imports(ast.parse(source), name_of(path), package=False)
        assert not [name for name in found if within(name, "tests")], path


def test_every_room_is_read() -> None:
    names = {name_of(path) for path in sources()}
    for expected in ("models.need", "matching.ranker", "data.records", "app.services.needs"):
        assert expected in names
    assert "app.routes.needs" in names


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("models.need", "import app.db"),
        ("models.need", "from matching.text import normalise"),
        ("matching.ranker", "from models import Need"),
        ("matching.ranker", "def f():\n    from app import settings"),
        ("matching.signals.place", "import sqlalchemy.orm"),
        ("data.records", "from app import db"),
        ("data.records", "from matching import ranker"),
        ("data.records", "from matching.lexical import tokens"),
        ("app.routes.needs", "from app.db import Database"),
        ("app.routes.needs", "from app import main"),
        ("app.routes.needs", "from app.cli import keys"),
        ("app.services.needs", "from app.routes import needs"),
        ("app.services.needs", "from app.deps import get_actor"),
        ("app.services.needs", "from app import deps"),
        ("app.services.needs", "from ..routes import needs"),
        ("app.services.needs", "import app.cli.keys"),
        ("app.services.needs", "from app.settings import get_settings"),
        ("app.services.needs", "from fastapi import Request"),
        ("app.schemas.need", "from app.services import needs"),
    ],
)
def test_the_guard_notices(module: str, source: str) -> None:
    assert offences(source, module, package=False)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("data.records", "from matching.text import normalise"),
        ("data.records", "from matching import text"),
        ("app.services.needs", "from app.services.paging import page"),
        ("app.services.needs", "from . import paging"),
        ("app.routes.needs", "from app.services import needs"),
        ("app.main", "from app.routes import needs"),
        ("matching.ranker", "import numpy"),
    ],
)
def test_the_guard_allows(module: str, source: str) -> None:
    assert not offences(source, module, package=False)
