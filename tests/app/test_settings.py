import os
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings

from app.cli import main
from app.db import Database
from app.secret_files import secret_fields
from app.settings import Settings, get_settings

PASSWORD = "pass-4711-word"
URL = f"postgresql+psycopg://enmusubi:{PASSWORD}@127.0.0.1:9/none"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of the developer's."""
    for name in list(os.environ):
        if name.upper().startswith("ENMUSUBI_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()


def _file(tmp_path: Path, content: str) -> str:
    file = tmp_path / "secret"
    file.write_text(content)
    return str(file)


def test_the_database_url_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENMUSUBI_DATABASE_URL", URL)
    settings = Settings()
    assert settings.url == URL
    shown = (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json())
    assert not [text for text in shown if PASSWORD in text]
    assert "database_url" in secret_fields(Settings)


def test_every_field_that_sounds_like_a_secret_is_one() -> None:
    words = ("secret", "password", "token", "key", "url")
    named = {
        name
        for name in Settings.model_fields
        if any(word in name for word in words) and not name.endswith("_file")
    } - {"rate_limit_key", "public_url"}  # a rate, and an address that everybody knows
    assert named <= set(secret_fields(Settings))


def test_a_secret_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ENMUSUBI_DATABASE_URL_FILE", _file(tmp_path, f"{URL}\n"))
    assert Settings().url == URL
    monkeypatch.setenv("ENMUSUBI_DATABASE_URL", "")  # as compose files leave it
    assert Settings().url == URL


def test_the_file_may_be_named_in_dot_env(tmp_path: Path) -> None:
    Path(".env").write_text(f"ENMUSUBI_DATABASE_URL_FILE={_file(tmp_path, URL)}\n")
    assert Settings().url == URL
    assert Settings(_env_file=None).url.startswith("sqlite")


def test_an_optional_secret_and_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class More(Settings):
        mail_password: SecretStr | None = None

    assert More().mail_password is None
    monkeypatch.setenv("ENMUSUBI_MAIL_PASSWORD_FILE", _file(tmp_path, PASSWORD))
    found = More().mail_password
    assert found is not None
    assert found.get_secret_value() == PASSWORD
    monkeypatch.setenv("ENMUSUBI_HOST_FILE", _file(tmp_path, "0.0.0.0"))
    assert More().host == "127.0.0.1"  # no secret, so there is no file of it


@pytest.mark.parametrize("content", ["", " \n", "x" * 100_000, None, b"\xff\xfe"])
def test_files_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str | bytes | None,
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    monkeypatch.setenv("ENMUSUBI_DATABASE_URL_FILE", str(file))
    with pytest.raises(ValidationError, match="the file"):
        Settings()
    assert "ENMUSUBI_DATABASE_URL_FILE: the file" in _error(monkeypatch, capsys)


def test_a_file_that_is_a_setting_itself_is_left_to_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class More(Settings):
        mail_password: SecretStr | None = None
        mail_password_file: str = ""

    monkeypatch.setenv("ENMUSUBI_MAIL_PASSWORD_FILE", _file(tmp_path, PASSWORD))
    assert More().mail_password is None
    assert More().mail_password_file


def test_both_are_one_too_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ENMUSUBI_DATABASE_URL_FILE", _file(tmp_path, URL))
    monkeypatch.setenv("ENMUSUBI_DATABASE_URL", URL)
    with pytest.raises(ValidationError, match="not both") as caught:
        Settings()
    assert PASSWORD not in str(caught.value)


def _error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What a command says that cannot start."""
    monkeypatch.setattr("sys.argv", ["enmusubi", "key", "list"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert PASSWORD not in told.out + told.err
    return " ".join(told.err.split())


@pytest.mark.parametrize(
    "url", [URL, f"nonsense://a:{PASSWORD}@b", PASSWORD, f"postgresql://a:{PASSWORD}@b:port/x"]
)
def test_commands_do_not_tell_the_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    monkeypatch.setenv("ENMUSUBI_DATABASE_URL", url)
    assert "database" in _error(monkeypatch, capsys)


def test_the_engine_does_not_tell_the_password() -> None:
    database = Database.at(URL)
    assert PASSWORD not in repr(database)
    assert PASSWORD not in str(database.engine.url)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://*.example.jp"),
        ("CORS_ORIGINS", "https://a.example, null"),
        ("CORS_ORIGINS", "https://a.example/path"),
        ("CORS_ORIGINS", "https://a.example/"),
        ("CORS_ORIGINS", "a.example"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "https://a.example"),
        ("ALLOWED_HOSTS", "a.example:8000"),
    ],
)
def test_origins_and_hosts_that_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"ENMUSUBI_{name}", value)
    with pytest.raises(ValidationError, match="separated by commas"):
        Settings()


def test_origins_and_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().allowed_origins == Settings().allowed_host_names == []
    monkeypatch.setenv("ENMUSUBI_CORS_ORIGINS", "https://a.example:8443, http://[::1]:3000,")
    monkeypatch.setenv("ENMUSUBI_ALLOWED_HOSTS", "a.example,*.b.example , [::1]")
    assert Settings().allowed_origins == ["https://a.example:8443", "http://[::1]:3000"]
    assert Settings().allowed_host_names == ["a.example", "*.b.example", "[::1]"]


def test_secrets_are_found_in_any_settings() -> None:
    class Some(BaseSettings):
        plain: str = ""
        one: SecretStr = SecretStr("")
        two: SecretStr | None = None
        three: list[SecretStr] = []

    assert secret_fields(Some) == ["one", "two", "three"]


@pytest.mark.parametrize("primary", ["", "sqlite:////srv/office.db"], ids=["none", "sqlite"])
def test_a_replica_needs_a_primary(monkeypatch: pytest.MonkeyPatch, primary: str) -> None:
    monkeypatch.setenv("ENMUSUBI_READ_DATABASE_URL", URL)
    monkeypatch.setenv("ENMUSUBI_DATABASE_URL", primary)
    with pytest.raises(ValidationError, match="streaming replica") as raised:
        Settings()
    assert PASSWORD not in str(raised.value)
    assert raised.value.errors()[0]["loc"] == ("read_database_url",)
    monkeypatch.setenv("ENMUSUBI_DATABASE_URL", URL)
    assert Settings().read_url == URL
    assert PASSWORD not in repr(Settings())
