from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from app.errors import Problem
from app.gate import make_gate
from app.settings import Settings

OPENID: dict[str, Any] = {
    "oidc_issuer": "https://login.example",
    "oidc_client_id": "enmusubi",
    "public_url": "https://enmusubi.example/",
}


def _settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)


def test_the_defaults() -> None:
    gate = make_gate(_settings())
    assert gate.rules.idle == timedelta(hours=2)
    assert gate.rules.lifetime == timedelta(hours=12)
    assert gate.failures == 5
    assert gate.provider is None


def test_openid() -> None:
    gate = make_gate(_settings(**OPENID, oidc_client_secret="hush"))
    assert gate.provider is not None
    assert gate.provider.redirect_uri == "https://enmusubi.example/v1/session/oidc/callback"
    assert gate.provider.client_secret == "hush"
    assert "hush" not in repr(gate)


@pytest.mark.parametrize(
    ("changes", "variable"),
    [
        ({"oidc_client_id": ""}, "ENMUSUBI_OIDC_CLIENT_ID"),
        ({"public_url": ""}, "ENMUSUBI_PUBLIC_URL"),
        ({"oidc_issuer": "http://login.example"}, "ENMUSUBI_OIDC_ISSUER"),
    ],
)
def test_half_of_it_is_refused(changes: dict[str, Any], variable: str) -> None:
    with pytest.raises(Problem, match=variable):
        make_gate(_settings(**(OPENID | changes)))


@pytest.mark.parametrize(
    "values",
    [
        {"rate_limit_key": "often"},
        {"rate_limit_address": ""},
        {"public_url": "enmusubi.example"},
        {"public_url": "https://enmusubi.example/path"},
        {"session_hours": 0},
        {"sign_in_failures": 0},
    ],
    ids=str,
)
def test_settings_that_cannot_be_used(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        _settings(**values)
