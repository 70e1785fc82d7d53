"""Snapshots of the corpus on the command line."""

import pytest

from app.db import Database
from app.services import corpus
from app.services.snapshots import FOLDER, LOCK
from app.settings import Settings
from tests.app.cli.test_commands import run
from tests.factories import make_capability, make_partner


def test_built_shown_and_removed(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No snapshot lies here" in run("index", "status")
    with database.writing() as session:
        make_capability(session, make_partner(session))
    monkeypatch.setattr(corpus.CorpusCache.__init__, "__kwdefaults__", _all_large())
    assert "in use" in run("index", "build")
    assert "MiB, in use" in run("index", "status")
    run("index", "remove")
    assert [path.name for path in (settings.data_dir / FOLDER).iterdir()] == [LOCK]
    assert "No snapshot lies here" in run("index", "status")


def _all_large() -> dict[str, object]:
    return {**(corpus.CorpusCache.__init__.__kwdefaults__ or {}), "large": 1}
