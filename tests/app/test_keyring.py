"""The secret of an installation."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.keyring import SecretError, derived_key, digest
from app.settings import Settings


def at(folder: Path, **values: object) -> Settings:
    """Settings of a data folder."""
    return Settings(_env_file=None, data_dir=folder, **values)  # type: ignore[arg-type]


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = derived_key("audit", at(tmp_path / "new"))
    file = tmp_path / "new" / "secret.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]
    assert derived_key("audit", at(tmp_path / "new")) == first
    assert derived_key("audit", at(tmp_path / "other")) != first


def test_many_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: derived_key("audit", at(tmp_path)), range(64)))
    assert len(keys) == 1


def test_uses_have_different_keys(tmp_path: Path) -> None:
    assert derived_key("audit", at(tmp_path)) != derived_key("candidates", at(tmp_path))
    assert digest("audit", "ab", "c", settings=at(tmp_path)) != digest(
        "audit", "a", "bc", settings=at(tmp_path)
    )


def test_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "s" * 40
    (tmp_path / "elsewhere").write_text(secret + "\n")
    given = at(tmp_path, secret_key=secret)
    monkeypatch.setenv("ENMUSUBI_SECRET_KEY_FILE", str(tmp_path / "elsewhere"))
    assert derived_key("audit", given) == derived_key("audit", at(tmp_path))
    assert secret not in repr(given)
    assert not (tmp_path / "secret.key").exists()


def test_refused(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="shorter") as error:
        derived_key("audit", at(tmp_path, secret_key="short-1234"))
    assert "short-1234" not in str(error.value)
    (tmp_path / "file").write_text("")
    with pytest.raises(SecretError, match="cannot be made"):
        derived_key("audit", at(tmp_path / "file" / "below"))
