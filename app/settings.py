"""Settings, each from an environment variable with the prefix ENMUSUBI_ (or a `.env` file).

Secrets are `SecretStr`, which no log and no error shows, and may come from files as well.
"""

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from app.mail_settings import MailSettings, Rate
from app.secret_files import SecretFiles

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
_HOST = re.compile(r"(\*\.)?[a-z0-9.-]+|\[[0-9a-f:]+\]")


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone such as Asia/Tokyo") from error
    return name


def _database_url(url: SecretStr) -> SecretStr:
    try:
        if url.get_secret_value():
            make_url(url.get_secret_value())
    except (ArgumentError, ValueError):  # its message may hold a part of the password
        raise ValueError(
            "is no database URL such as sqlite:////srv/enmusubi/enmusubi.db; write signs of a "
            "password that mean something in a URL as %40 (@), %3A (:), %2F (/)"
        ) from None
    return url


def _listed(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _origins(text: str) -> str:
    if not all(_ORIGIN.fullmatch(origin) for origin in _listed(text)):
        raise ValueError(
            "write origins such as https://portal.example.jp, in small letters, separated by "
            "commas, without a path; * is not taken"
        )
    return text


def _hosts(text: str) -> str:
    if not all(_HOST.fullmatch(host) for host in _listed(text)):
        raise ValueError(
            "write host names such as enmusubi.example.jp or *.example.jp, in small letters, "
            "separated by commas, without a port"
        )
    return text


class Settings(MailSettings):
    """Every field is listed in README's configuration table; a test compares the two."""

    model_config = SettingsConfigDict(
        env_prefix="ENMUSUBI_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    data_dir: Path = Path("var")
    """Folder of the database and of the evaluation's cache."""
    database_url: Annotated[SecretStr, AfterValidator(_database_url)] = SecretStr("")
    """SQLAlchemy URL, which may hold a password; empty means SQLite in `data_dir`."""
    read_database_url: Annotated[SecretStr, AfterValidator(_database_url)] = SecretStr("")
    """Of a streaming replica of the PostgreSQL database, for reads; empty means none."""
    database_connections: Annotated[int, Field(ge=8)] = 20
    """Of this process to the server, and as many again to the replica."""
    encoder: str = "bilingual"
    """bilingual, static, table, minilm, hashing, or st:NAME_OR_FOLDER."""
    encoder_query_prompt: str = ""
    encoder_passage_prompt: str = ""
    encoder_precision: Literal["auto", "bf16", "fp32"] = "auto"
    japanese: Literal["bigrams", "sudachi"] = "bigrams"
    """How the words of Japanese are made."""
    model: str = ""
    """File made by `enmusubi train`; empty means the default weights."""
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "Asia/Tokyo"
    """In which a day begins."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    newer_database: bool = False
    """Whether to serve from a database that the next release has migrated already."""
    log_format: Literal["text", "json"] = "text"
    """Of the service: lines for a person, or one JSON object a line."""
    otlp_endpoint: Annotated[str, Field(pattern=r"^(https?://[^/?#@\s]+(/[^?#\s]*)?)?$")] = ""
    """Of a collector that takes traces by OTLP over HTTP; empty means that none are made."""
    inline_embeddings: Annotated[int, Field(ge=0)] = 32
    """How many new texts a request embeds itself; more are left to the background."""
    vectors: Literal["auto", "memory", "pgvector"] = "auto"
    """Where vectors are searched: in each process, or by pgvector in the database."""
    sentence_cache: Annotated[int, Field(ge=1)] = 50_000
    """Vectors of queries and evidence sentences kept in memory (1.5 kB each with MiniLM)."""
    snapshots: bool = True
    """Whether a large corpus is saved in `data_dir`, for the next start."""
    secret_key: SecretStr = SecretStr("")
    """From which the keys of the audit log, of candidate ids and of suppressions are derived;
    empty means the file `secret.key` in `data_dir`, made at the first start."""
    require_purpose: bool = False
    """Whether staff must say by the header X-Purpose what it reads needs and introductions for."""
    erasure_ledger: str = ""
    """File of the erasures, which a restored backup is brought up to; best on another volume."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes of `enmusubi serve`; each holds the corpus and its own caches."""
    requests_at_once: Annotated[int, Field(ge=1, le=32)] = 6
    """Requests that a process works on at the same time."""
    requests_waiting: Annotated[int, Field(ge=0)] = 24
    """Requests that wait for their turn in a process; more are answered 503 at once."""
    max_body_bytes: Annotated[int, Field(ge=1024)] = 5_000_000
    """Larger request bodies are refused with 413."""
    session_idle_minutes: Annotated[int, Field(ge=1)] = 120
    """A browser that asks for nothing for so long is signed out."""
    session_hours: Annotated[int, Field(ge=1)] = 12
    """After which a browser is signed out in any case."""
    sign_in_failures: Annotated[int, Field(ge=1)] = 5
    """Wrong passwords in a row after which an account is locked for a while."""
    oidc_issuer: str = ""
    """Of the OpenID Connect provider; empty means none."""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    rate_limits: bool = True
    """False switches all three limits off."""
    rate_limit_key: Rate = "600/minute"
    """Requests of one key, or of one person in a browser."""
    rate_limit_address: Rate = "1200/minute"
    rate_limit_sign_in: Rate = "10/minute"
    """Attempts to sign in from one address."""

    cors_origins: Annotated[str, AfterValidator(_origins)] = ""
    """Origins, separated by commas, whose pages may call the API; empty means none."""
    allowed_hosts: Annotated[str, AfterValidator(_hosts)] = ""
    """Host names, separated by commas, by which the service may be called; empty means any."""

    @property
    def ledger(self) -> Path:
        """Where the erasures are written down."""
        return Path(self.erasure_ledger or self.data_dir / "erasures.jsonl")

    @field_validator("read_database_url")
    @classmethod
    def _replica_of_server(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        addresses = (url, info.data.get("database_url", SecretStr("")))
        servers = [a.get_secret_value().startswith("postgres") for a in addresses]
        if url.get_secret_value() and not all(servers):
            raise ValueError(
                "names a streaming replica of PostgreSQL: ENMUSUBI_DATABASE_URL must be the address"
                " of its primary, and this one that of the replica"
            )
        return url

    @property
    def read_url(self) -> str:
        """The replica's URL; empty if there is none."""
        return self.read_database_url.get_secret_value()

    @property
    def url(self) -> str:
        """The database's URL."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.data_dir / 'enmusubi.db'}"

    @property
    def allowed_origins(self) -> list[str]:
        """`cors_origins` one by one."""
        return _listed(self.cors_origins)

    @property
    def allowed_host_names(self) -> list[str]:
        """`allowed_hosts` one by one."""
        return _listed(self.allowed_hosts)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, the files of secrets, the environment, `.env`.

        The files come first, so that a variable that is set but empty does not hide them.
        """
        variables = (env_settings, dotenv_settings)
        return init_settings, SecretFiles(settings_cls, variables), *variables, file_secret_settings


@cache
def get_settings() -> Settings:
    """The settings of this process."""
    return Settings()
