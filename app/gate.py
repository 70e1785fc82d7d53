"""What stands at the door of the service: sessions, sign-in, rate limits, the uses of keys."""

from dataclasses import dataclass
from datetime import timedelta

from app.browser import Browser
from app.errors import invalid
from app.limiting import RateLimits
from app.services.oidc import Provider, is_safe
from app.services.sessions import SessionRules
from app.services.uses import Uses
from app.settings import Settings

CALLBACK = "/v1/session/oidc/callback"


@dataclass(frozen=True, slots=True)
class Gate:
    """As the settings have it; `app.state.gate`."""

    rules: SessionRules
    failures: int
    """In a row, after which an account is locked."""
    browser: Browser
    limits: RateLimits | None
    provider: Provider | None
    uses: Uses


def make_gate(settings: Settings) -> Gate:
    """The gate that the settings describe; Problem 422 if they contradict each other."""
    return Gate(
        rules=SessionRules(
            idle=timedelta(minutes=settings.session_idle_minutes),
            lifetime=timedelta(hours=settings.session_hours),
        ),
        failures=settings.sign_in_failures,
        browser=Browser(settings.public_url.rstrip("/")),
        limits=RateLimits(
            address=settings.rate_limit_address,
            key=settings.rate_limit_key,
            sign_in=settings.rate_limit_sign_in,
            processes=settings.workers,
        )
        if settings.rate_limits
        else None,
        provider=_provider(settings),
        uses=Uses(),
    )


def _provider(settings: Settings) -> Provider | None:
    if not settings.oidc_issuer:
        return None
    if not settings.oidc_client_id:
        raise invalid("ENMUSUBI_OIDC_CLIENT_ID", "is needed where ENMUSUBI_OIDC_ISSUER is set")
    if not settings.public_url:
        # Never from the request: whoever sets its Host header would choose where codes are sent.
        raise invalid("ENMUSUBI_PUBLIC_URL", "is needed where ENMUSUBI_OIDC_ISSUER is set")
    if not is_safe(settings.oidc_issuer):
        raise invalid("ENMUSUBI_OIDC_ISSUER", "must begin with https://")
    return Provider(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value().strip(),
        redirect_uri=settings.public_url.rstrip("/") + CALLBACK,
    )
