"""Nothing that runs code while it reads data: no pickle in any dress, no eval."""

import ast
from collections.abc import Iterator

import pytest

from tests.guards.test_room_imports import ROOT, imports, name_of, sources, within

MODULES = (
    *("pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"),
    *("pickletools", "jsonpickle", "pandas.read_pickle", "numpy.core.multiarray.scalar"),
    *("sklearn.utils._joblib", "code", "codeop", "runpy"),
)
NAMES = {"eval", "exec", "compile", "__import__"}
METHODS = {"read_pickle", "to_pickle", "unsafe_load", "full_load", "load_all", "unsafe_load_all"}
LOADERS: dict[tuple[str, ...], tuple[str, bool]] = {
    # A call that ends so must have this argument as a constant of this value.
    ("np", "load"): ("allow_pickle", False),
    ("numpy", "load"): ("allow_pickle", False),
    ("np", "save"): ("allow_pickle", False),
    ("numpy", "save"): ("allow_pickle", False),
    ("torch", "load"): ("weights_only", True),
}
FORBIDDEN = {("yaml", "load"), ("torch", "jit"), ("torch", "hub"), ("subprocess", "getoutput")}


def _dotted(node: ast.expr) -> tuple[str, ...]:
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        return (*_dotted(node.value), node.attr)
    return ()


def _keyword(call: ast.Call, name: str) -> object:
    for keyword in call.keywords:
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return keyword.value.value
    return None


def offences(source: str, module: str, *, package: bool = False) -> Iterator[str]:
    """What a module does that could run code from a file or a text."""
    tree = ast.parse(source)
    for name in imports(tree, module, package=package):
        library, last = name.split(".")[0], name.split(".")[-1]
        if any(within(name, bad) for bad in MODULES):
            yield f"import {name}"
        if last == "load" and library in {"torch", "numpy", "yaml"}:
            yield f"import {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _dotted(node)[:2] in FORBIDDEN:
            yield ".".join(_dotted(node))
        if isinstance(node, ast.Name) and node.id in NAMES:
            yield node.id
        if isinstance(node, ast.Call):
            yield from _calls(node)


def _calls(call: ast.Call) -> Iterator[str]:
    called = _dotted(call.func)
    name = ".".join(called)
    if called and called[-1] in METHODS:
        yield name
    needed = LOADERS.get(called[-2:])
    if needed is not None and _keyword(call, needed[0]) is not needed[1]:
        yield f"{name} without {needed[0]}={needed[1]}"
    for switch in ("shell", "trust_remote_code"):
        if _keyword(call, switch) is True:
            yield f"{name} with {switch}"


def test_nothing_is_loaded_that_could_run() -> None:
    found: dict[str, list[str]] = {}
    for path in sources():
        package = path.name == "__init__.py"
        if wrong := list(offences(path.read_text(), name_of(path), package=package)):
            found[name_of(path)] = wrong
    assert found == {}


def test_migrations_neither() -> None:
    for path in (ROOT / "alembic").rglob("*.py"):
        assert list(offences(path.read_text(), "alembic")) == [], path


def test_no_pickled_files_are_shipped() -> None:
    endings = {".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".npy", ".dill"}
    for room in ("app", "data", "matching", "models"):
        assert [f for f in (ROOT / room).rglob("*") if f.suffix in endings] == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import joblib as j",
        "from joblib import load",
        "import marshal, os",
        "import shelve",
        "from torch import load",
        "import numpy as np\nnp.load('x')",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
        "import numpy as np\nnp.load('x', allow_pickle=flag)",
        "import torch\ntorch.load('x')",
        "import torch\ntorch.load('x', weights_only=False)",
        "import torch\ntorch.hub.load('x')",
        "import yaml\nyaml.load(f)",
        "eval('1')",
        "run = exec",
        "frame.read_pickle('x')",
        "subprocess.run('ls', shell=True)",
        "AutoModel.from_pretrained('x', trust_remote_code=True)",
        "def f():\n    import dill",
    ],
)
def test_the_guard_notices(source: str) -> None:
    assert list(offences(source, "app.example"))


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nnp.load('x', allow_pickle=False)",
        "import torch\ntorch.load('x', weights_only=True)",
        "import json\njson.load(f)",
        "model.eval()",
        "import re\nre.compile('x')",
    ],
)
def test_the_guard_lets_pass(source: str) -> None:
    assert list(offences(source, "app.example")) == []
