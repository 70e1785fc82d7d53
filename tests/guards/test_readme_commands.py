"""Every command that the documents name exists."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from app.cli import app

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r"```[^\n]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
CALL = re.compile(r"(?:^|[\s(/;&|$])enmusubi((?: +[^\s`#;|&>]+)*)", re.MULTILINE)
MAKE = re.compile(r"(?:^|[\s(;&|$])make((?: +[A-Za-z][\w=-]*)+)", re.MULTILINE)
WORD = re.compile(r"[a-z][a-z-]*")


def documents() -> list[Path]:
    """README.md and docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def code(text: str) -> Iterator[str]:
    """What is set as code in a Markdown text, comments cut off."""
    for block, inline in CODE.findall(text):
        yield from (re.sub(r"(^|\s)#.*", "", line) for line in (block or inline).splitlines())


@cache
def commands() -> dict[str, Any]:
    """The commands by their words: `serve`, `key create`."""
    found: dict[str, Any] = {}

    def walk(command: Any, words: tuple[str, ...]) -> None:
        found[" ".join(words)] = command
        for name, child in getattr(command, "commands", {}).items():
            walk(child, (*words, name))

    walk(typer.main.get_command(app), ())
    return found


def offences(line: str) -> list[str]:
    """What a line of code calls that does not exist: commands and their options."""
    known = commands()
    wrong = []
    for (tail,) in (match.groups() for match in CALL.finditer(line)):
        words = tail.split()
        depth = 0
        while getattr(known[" ".join(words[:depth])], "commands", None) and depth < len(words):
            if not WORD.fullmatch(words[depth]):
                break
            depth += 1
            if " ".join(words[:depth]) not in known:
                wrong.append(" ".join(words[:depth]))
                break
        else:
            command = known[" ".join(words[:depth])]
            options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
            wrong += [
                f"{' '.join(words[:depth])} {word}"
                for word in words[depth:]
                if re.match(r"--?[a-z]", word) and word.split("=")[0] not in options
            ]
    return wrong


def targets() -> set[str]:
    """The targets of the Makefile."""
    text = (ROOT / "Makefile").read_text()
    return set(re.findall(r"^([a-z][\w-]*):(?!=)", text, re.MULTILINE))


def asked_targets(line: str) -> list[str]:
    """The targets that a line of code makes."""
    words = [word for match in MAKE.finditer(line) for word in match.group(1).split()]
    return [word for word in words if "=" not in word]


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_exist(path: Path) -> None:
    assert [wrong for line in code(path.read_text()) for wrong in offences(line)] == []


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_make_targets_exist(path: Path) -> None:
    asked = {target for line in code(path.read_text()) for target in asked_targets(line)}
    assert asked - targets() == set()


def test_commands_of_the_makefile_exist() -> None:
    recipes = [line for line in (ROOT / "Makefile").read_text().splitlines() if line[:1] == "\t"]
    calls = [line for line in recipes if CALL.search(line)]
    assert calls
    assert [wrong for line in calls for wrong in offences(line)] == []


def test_the_readme_names_some() -> None:
    lines = list(code((ROOT / "README.md").read_text()))
    assert any(CALL.search(line) for line in lines)
    assert any(asked_targets(line) for line in lines)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("enmusubi nonsense", ["nonsense"]),
        ("$ .venv/bin/enmusubi key destroy", ["key destroy"]),
        ("enmusubi serve --colour red", ["serve --colour"]),
        ("enmusubi migrate && enmusubi nope", ["nope"]),
        ("enmusubi key create NAME --role coordinator", []),
        ("enmusubi serve --port 80", []),
        ("enmusubi --help", []),
        ("enmusubi import DIR", []),
        ("the enmusubi", []),
    ],
)
def test_the_guard_reads_commands(line: str, wrong: list[str]) -> None:
    assert offences(line) == wrong


def test_the_guard_reads_targets() -> None:
    assert asked_targets("make run ENCODER=hashing") == ["run"]
    assert asked_targets("cd x && make lint types") == ["lint", "types"]
    assert {"run", "test"} <= targets()
