"""Rate limits by address and by key, counted in this process by the library `limits`."""

import math
import time
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final, Literal

from fastapi import Request
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import Problem, respond

Policy = Literal["address", "key", "sign-in"]

EXEMPT: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""For the machines that look after this one."""

_STANDINGS: Final = "enmusubi.rate_limits"
"""Where a request keeps how it stands with each limit that counted it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands with a limit."""

    policy: Policy
    quota: int
    window: int
    """Seconds in which the quota may be used."""
    remaining: int
    reset: int
    """Seconds until some of it comes back."""


class RateLimits:
    """The limits, each as `limits` writes them: 600/minute."""

    def __init__(self, *, address: str, key: str, sign_in: str, processes: int = 1) -> None:
        """`processes` count beside each other: attempts to sign in are divided among them.

        Whoever tries out passwords must not get more attempts from more processes. Everything else
        is counted by each process in full, since a client mostly stays with one.
        """
        self._items: dict[Policy, RateLimitItem] = {
            "address": parse(address),
            "key": parse(key),
            "sign-in": _share(parse(sign_in), processes),
        }
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count(self, scope: Scope, policy: Policy, who: str) -> None:
        """Count a request against a limit; Problem 429 if it is used up."""
        item = self._items[policy]
        allowed = self._limiter.hit(item, policy, who)
        stats = self._limiter.get_window_stats(item, policy, who)
        standing = Standing(
            policy=policy,
            quota=item.amount,
            window=item.get_expiry(),
            remaining=max(0, stats.remaining) if allowed else 0,
            reset=max(1, math.ceil(stats.reset_time - time.time())),
        )
        scope.setdefault(_STANDINGS, []).append(standing)
        if not allowed:
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"Too many requests: wait {standing.reset} s, and ask less often.",
                headers={"Retry-After": str(standing.reset)},
            )


def _share(item: RateLimitItem, processes: int) -> RateLimitItem:
    return type(item)(max(1, item.amount // processes), item.multiples, item.namespace)


def address_of(scope: Scope) -> str:
    """Where a request comes from, as the server has it; of IPv6 the network of one customer.

    `X-Forwarded-For` counts only as far as uvicorn trusts who sent it (`FORWARDED_ALLOW_IPS`).
    """
    client = scope.get("client")
    host = client[0] if client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host or "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((address, 64), strict=False))
    return str(address)


def limits_of(scope: Scope) -> RateLimits | None:
    """The limits of the application that answers; None where they are switched off."""
    limits: RateLimits | None = scope["app"].state.gate.limits
    return limits


def count_key(request: Request, who: str) -> None:
    """Count a request against the limit of its key; Problem 429."""
    if (limits := limits_of(request.scope)) is not None:
        limits.count(request.scope, "key", who)


def count_sign_in(request: Request) -> None:
    """Count an attempt to sign in against its address; Problem 429."""
    if (limits := limits_of(request.scope)) is not None:
        limits.count(request.scope, "sign-in", address_of(request.scope))


class RateLimiting:
    """Counts each request against its address, and says in each answer how it stands."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429."""
        limits = limits_of(scope) if scope["type"] == "http" else None
        if limits is None or scope["path"] in EXEMPT:
            await self._app(scope, receive, send)
            return
        # A list that later copies of the scope share.
        standings: list[Standing] = scope.setdefault(_STANDINGS, [])

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in headers_of(standings).items():
                    headers[name] = value
            await send(message)

        try:
            limits.count(scope, "address", address_of(scope))
        except Problem as problem:
            await respond(problem)(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)


def headers_of(standings: list[Standing]) -> dict[str, str]:
    """`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers) for all limits.

    And the three older fields, which more programs read, for the one that is nearest its end.
    """
    nearest = min(standings, key=lambda standing: standing.remaining)
    return {
        "RateLimit-Policy": ", ".join(f'"{s.policy}";q={s.quota};w={s.window}' for s in standings),
        "RateLimit": ", ".join(f'"{s.policy}";r={s.remaining};t={s.reset}' for s in standings),
        "RateLimit-Limit": str(nearest.quota),
        "RateLimit-Remaining": str(nearest.remaining),
        "RateLimit-Reset": str(nearest.reset),
    }
