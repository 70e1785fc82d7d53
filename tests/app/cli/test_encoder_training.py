"""`encoder train`, as far as it needs no long training."""

import sys
from pathlib import Path

import pytest

from app.cli import main


def test_missing_pairs_are_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ENMUSUBI_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(
        sys, "argv", ["enmusubi", "encoder", "train", str(tmp_path / "none"), str(tmp_path / "out")]
    )
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert "train.tsv.gz" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
