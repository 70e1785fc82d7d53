"""The terminal is as wide as each test says."""

import pytest

from app.cli.terminal import OUT


@pytest.fixture(autouse=True)
def width_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that run tests side by side set COLUMNS, and rich keeps what it finds at first."""
    monkeypatch.setattr(OUT, "_width", None)
