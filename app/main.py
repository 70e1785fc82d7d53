"""The HTTP service: `create_app` reads top to bottom."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import iter_route_contexts
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp

from app import errors, tracing
from app.access import Action, rule, rule_of
from app.access_table import RouteRule
from app.admission import Admission, admit
from app.db import Database
from app.db_engines import requests_at_once
from app.deps import get_actor
from app.errors import ProblemDetails
from app.etags import describe_tags
from app.gate import Gate, make_gate
from app.headers import SecurityHeaders
from app.jobs.erasing import cleanse, replay
from app.jobs.uses import UsesWriter
from app.jobs.worker import EmbeddingWorker
from app.limiting import RateLimiting
from app.middleware import RequestGuard
from app.monitoring import MONITOR, metrics
from app.repeats import Repeats
from app.request_ids import RequestIds
from app.request_log import RequestLog
from app.routes import (
    accounts,
    briefs,
    capabilities,
    clusters,
    duplicates,
    health,
    introductions,
    mail,
    mail_pages,
    matching,
    me,
    named_staff,
    needs,
    organisations,
    partners,
    runs,
    session,
)
from app.services.encoders import Offered, Recipe
from app.services.engines import Engines, Limits
from app.services.erasure_ledger import Ledger
from app.services.model import load_model, model_for
from app.services.snapshots import Snapshots
from app.settings import Settings, get_settings
from app.shedding import Overload, Places, Shedding
from matching.encoders import Encoder, make_encoder
from matching.sudachi import sudachi_words
from matching.text import BIGRAMS, read_japanese_by

logger = logging.getLogger(__name__)

CLEANSING_SECONDS: Final = 5.0
"""How long a start waits for other processes to let go of the database's old bytes."""

DESCRIPTION: Final = """
Matches what companies need with what researchers and institutes can do, and says why.

Every call under `/v1` but signing in needs an API key, made with `enmusubi key create` and sent as
`Authorization: Bearer KEY`, or the cookie of a browser that is signed in (`POST /v1/session`); with
the cookie, calls that change something also need the header `X-CSRF-Token`. Lists are cut into
pages: ask again with the `next_cursor` of a page.
Errors are problem details (RFC 9457). A POST that writes takes an `Idempotency-Key`, and is then
carried out once however often it is sent. What can be changed has an `ETag`; with `If-Match` a
change is made only to what you have seen.

Staff say in the header `X-Purpose` what they read needs and introductions for; it goes into the
audit log, in which each such reading and every change is an entry.
"""

ROUTERS: Final = (
    organisations,
    clusters,
    duplicates,
    partners,
    capabilities,
    needs,
    named_staff,
    introductions,
    briefs,
    matching,
    runs,
    session,
    me,
    accounts,
    mail,
)

LIBRARY_ROUTES: Final = {
    "/docs": Action.OPEN,
    "/docs/oauth2-redirect": Action.OPEN,
    "/metrics": Action.READ_METRICS,
}
"""Made by libraries, so they cannot declare their action themselves."""

CORS_REQUEST_HEADERS: Final = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-API-Key",
    "X-Purpose",
)
CORS_RESPONSE_HEADERS: Final = (
    "ETag",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Request-ID",
)

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ProblemDetails, "description": description}
    for status, description in {
        400: "Cannot be read",
        401: "No valid API key and not signed in",
        403: "The role or the key's scopes do not allow that",
        404: "Absent, or not yours",
        409: "Stands against other data, or the same request is under way",
        412: "Changed since it was read",
        413: "Body too large",
        415: "Body packed, or not JSON",
        422: "Not of the expected form",
        429: "Too many requests: wait as long as Retry-After says",
        503: "Busy or starting: try again",
        507: "The server's disk is full",
    }.items()
}


def declared_routes(app: FastAPI) -> list[RouteRule]:
    """Every route of ours with the action that it declares, for the table of the policy."""
    return [
        RouteRule(method, context.path or "", action)
        for context in iter_route_contexts(app.routes)
        if context.endpoint is not None
        and (action := rule_of(context.endpoint)) is not None
        and not (context.path or "").startswith("/docs")
        for method in sorted(context.methods or ())
    ]


def create_app(settings: Settings | None = None, engines: Engines | None = None) -> FastAPI:
    """The application. The encoder's weights are checked here and loaded in the background.

    Raises EncoderError or SudachiError if what the settings name cannot be used, Problem 422 if
    traces are wanted and what sends them is not installed.
    """
    settings = settings or get_settings()
    engines = engines or make_engines(settings)
    # Its documentation page brings its own scripts: it works in a closed office network.
    app = FastAPIOffline(
        redoc_url=None,
        title="Enmusubi",
        version=version("enmusubi"),
        summary="Industry-academia partner matchmaking",
        description=DESCRIPTION,
        lifespan=_lifespan,
        redirect_slashes=False,  # a redirect would send the caller wherever its Host header says
    )
    app.state.engines = engines
    app.state.gate = make_gate(settings)
    app.state.repeats = Repeats()
    app.state.settings = settings
    errors.install(app)
    # No more than there are connections for: who has a place is let in at once.
    at_once = min(settings.requests_at_once, requests_at_once(engines.database.engine))
    places = Places(at_once, settings.requests_waiting)
    # Inside of the places: what waits outside of them would be a second queue, without an end.
    app.add_middleware(Admission, free=["/healthz"])
    app.add_middleware(Shedding, places=places)  # inside of the guard: slow bodies hold nothing
    app.add_middleware(
        RequestGuard,
        maximum=settings.max_body_bytes,
        api="/v1/",
        hosts=settings.allowed_host_names,
    )
    if settings.allowed_origins:
        # No credentials: a page from elsewhere sends a key of its own, never somebody's cookie.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=CORS_REQUEST_HEADERS,
            expose_headers=CORS_RESPONSE_HEADERS,
        )
    app.add_middleware(RateLimiting)
    api = APIRouter(prefix="/v1", responses=PROBLEMS)
    for module in ROUTERS:
        api.include_router(module.router)
    app.include_router(health.router, responses={503: PROBLEMS[503]})
    app.include_router(api)
    app.include_router(mail_pages.router, include_in_schema=False)  # for people, not programs
    _expose_metrics(app)
    app.add_middleware(RequestLog)  # around the others: it tells of what they refuse, too
    app.state.traces = tracing.start(settings.otlp_endpoint, engines.database.engine, app)
    app.openapi = partial(_document, app)  # type: ignore[method-assign]
    _secure(app, places)
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, errors under the media type that they are really sent as."""
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        for path in document["paths"].values():
            for operation in path.values():
                describe_tags(operation)
                for status, response in operation["responses"].items():
                    if status >= "400" and "application/json" in response.get("content", {}):
                        content = response["content"]
                        content["application/problem+json"] = content.pop("application/json")
        app.openapi_schema = document
    return app.openapi_schema


def _secure(app: FastAPI, places: Places) -> None:
    """Numbers and security headers around everything, also what answers unexpected errors.

    And inside of them what sends requests away that have no place.
    """
    build = app.build_middleware_stack
    pages = frozenset({"/docs", "/docs/oauth2-redirect"})

    def secured() -> ASGIApp:
        inner = Overload(build(), places=places)
        return RequestIds(SecurityHeaders(inner, pages=pages, assets="/static-offline-docs/"))

    app.build_middleware_stack = secured  # type: ignore[method-assign]


def prepare_words(settings: Settings) -> None:
    """Have this process make words as the settings say; before it reads any text.

    Raises SudachiError if they want Sudachi and it is not installed.
    """
    read_japanese_by(sudachi_words() if settings.japanese == "sudachi" else BIGRAMS)


def make_encoder_of(settings: Settings) -> Encoder:
    """The encoder that the settings name, its weights checked and not yet loaded."""
    return _make(recipe_in(settings), settings=settings)


def recipe_in(settings: Settings) -> Recipe:
    """By which the encoder of the settings is made."""
    prompts = settings.encoder_query_prompt, settings.encoder_passage_prompt
    return Recipe(settings.encoder, *prompts)


def _make(recipe: Recipe, *, settings: Settings) -> Encoder:
    return make_encoder(
        recipe.name,
        query_prompt=recipe.query_prompt,
        passage_prompt=recipe.passage_prompt,
        precision=settings.encoder_precision,
    )


def make_engines(settings: Settings) -> Engines:
    """The engines on the database of the settings; nothing is opened yet.

    Raises EncoderError, ArtefactError or SudachiError if what they name cannot be used.
    """
    prepare_words(settings)
    own = Offered(recipe_in(settings), make_encoder_of(settings))
    load_model(settings.model, own.encoder.id)  # that it fits is found out now
    database = Database.at(
        settings.url, replica=settings.read_url, connections=settings.database_connections
    )
    return Engines(
        database,
        own,
        make=partial(_make, settings=settings),
        model_of=partial(model_for, settings.model),
        limits=Limits(
            settings.inline_embeddings,
            settings.sentence_cache,
            Snapshots(settings.data_dir) if settings.snapshots else None,
            settings.vectors,
        ),
    )


def repeat_erasures(database: Database, settings: Settings) -> None:
    """Erase in a restored database who was erased since; before anything of it is shown.

    Also removes the bytes that an erasure had to leave because the file was in use, if it can.
    Problem 503 if the ledger cannot be trusted.
    """
    ledger = Ledger(settings.ledger)
    replay(database, ledger)
    if ledger.is_pending() and not cleanse(
        database, ledger, folder=settings.data_dir, patience=CLEANSING_SECONDS
    ):
        logger.warning(
            "Bytes of erased persons are left in the database file: another process holds it. Run "
            "`enmusubi person erase --finish` when it does not."
        )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    engines: Engines = app.state.engines
    admit(app, most=requests_at_once(engines.database.engine))
    repeat_erasures(engines.database, app.state.settings)
    engines.open()
    # Loads the encoder, embeds what is pending and reads the corpus, while /healthz answers.
    worker = EmbeddingWorker(engines)
    engines.on_missing = worker.wake
    worker.start()
    MONITOR.watch(engines, app.state.settings.data_dir)
    gate: Gate = app.state.gate
    writer = UsesWriter(gate.uses, engines.database)
    writer.start()
    yield
    MONITOR.leave()
    app.state.admission = None  # it belongs to the event loop that ends now
    writer.stop()
    worker.stop()
    if app.state.traces is not None:
        app.state.traces.close()
    engines.database.dispose()


def _expose_metrics(app: FastAPI) -> None:
    # Counts of requests would tell anybody how many needs there are: a key is asked for.
    answers: dict[int | str, dict[str, Any]] = {key: PROBLEMS[key] for key in (401, 403, 503)}
    app.get("/metrics", tags=["operation"], dependencies=[Depends(get_actor)], responses=answers)(
        metrics
    )
    for route in app.routes:
        if isinstance(route, Route) and route.path in LIBRARY_ROUTES:
            rule(LIBRARY_ROUTES[route.path])(route.endpoint)
