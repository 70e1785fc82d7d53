"""The ledger: whole lines only, each under the installation's secret."""

import json
from pathlib import Path

import pytest

from app.errors import Problem
from app.services.erasure_ledger import Ledger, Subject
from models import new_id

pytestmark = pytest.mark.usefixtures("settings")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """With three lines, in a folder that it makes itself."""
    made = Ledger(tmp_path / "elsewhere" / "erasures.jsonl")
    for _ in range(2):
        subjects = [Subject.of("partner", new_id())]
        made.append("erase", subjects=subjects, suppress={"00ff": "orcid"}, reason="request")
    made.append("cleanse")
    return made


def test_reads_what_was_written(ledger: Ledger) -> None:
    first, second, last = ledger.read()
    assert (first.number, second.number, last.number) == (1, 2, 3)
    assert first.deed == "erase"
    assert first.suppress == {"00ff": "orcid"}
    assert first.subjects[0].kind == "partner"
    assert last.deed == "cleanse"
    assert ledger.path.stat().st_mode & 0o077 == 0


def test_there_may_be_none(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "none.jsonl")
    assert ledger.read() == []
    assert not ledger.is_pending()
    assert not ledger.path.exists()


def test_is_pending_until_cleansed(ledger: Ledger) -> None:
    assert not ledger.is_pending()
    ledger.append("replay")
    assert ledger.is_pending()
    ledger.append("readmit")
    assert ledger.is_pending()
    ledger.append("cleanse")
    assert not ledger.is_pending()


def test_a_line_that_was_cut_off_announced_nothing(ledger: Ledger) -> None:
    with ledger.path.open("ab") as file:
        file.write(b'{"number": 4, "deed": "era')
    assert len(ledger.read()) == 3
    ledger.append("replay")
    assert [entry.number for entry in ledger.read()] == [1, 2, 3, 4]


@pytest.mark.parametrize("change", ["edit", "delete", "reorder", "nonsense", "no mac"])
def test_refuses_a_ledger_that_was_changed(ledger: Ledger, change: str) -> None:
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    if change == "edit":
        lines[0] = lines[0].replace(b"request", b"unlawful")
    elif change == "delete":
        del lines[0]
    elif change == "reorder":
        lines[0], lines[1] = lines[1], lines[0]
    elif change == "nonsense":
        lines[1] = b"[]\n"
    else:
        values = json.loads(lines[1])
        del values["mac"]
        lines[1] = json.dumps(values).encode() + b"\n"
    ledger.path.write_bytes(b"".join(lines))
    with pytest.raises(Problem, match="was changed, is missing"):
        ledger.read()


def test_refuses_a_ledger_of_another_secret(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.settings import get_settings

    monkeypatch.setenv("ENMUSUBI_SECRET_KEY", "another secret of more than 32 characters")
    get_settings.cache_clear()
    with pytest.raises(Problem, match="another secret key"):
        ledger.read()
