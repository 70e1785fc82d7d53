"""The HTTP service: `create_app` reads top to bottom."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi_offline import FastAPIOffline
from prometheus_fastapi_instrumentator import Instrumentator
from starlette.routing import Route

from app import errors
from app.access import Action, rule
from app.db import Database
from app.errors import ProblemDetails
from app.gate import Gate, make_gate
from app.jobs.uses import UsesWriter
from app.jobs.worker import EmbeddingWorker
from app.limiting import RateLimiting
from app.middleware import BodyLimit
from app.routes import (
    accounts,
    capabilities,
    clusters,
    duplicates,
    health,
    matching,
    me,
    needs,
    organisations,
    partners,
    session,
)
from app.services.encoders import Offered, Recipe
from app.services.engines import Engines, Limits
from app.services.model import load_model, model_for
from app.settings import Settings, get_settings
from matching.encoders import Encoder, make_encoder
from matching.sudachi import sudachi_words
from matching.text import BIGRAMS, read_japanese_by

DESCRIPTION: Final = """
Matches what companies need with what researchers and institutes can do, and says why.

Every call under `/v1` but signing in needs an API key, made with `enmusubi key create` and sent as
`Authorization: Bearer KEY`, or the cookie of a browser that is signed in (`POST /v1/session`); with
the cookie, calls that change something also need the header `X-CSRF-Token`. Lists are cut into
pages: ask again with the `next_cursor` of a page.
Errors are problem details (RFC 9457).
"""

LIBRARY_ROUTES: Final = frozenset({"/docs", "/docs/oauth2-redirect", "/metrics"})
"""Made by libraries, so they cannot declare their rule themselves; open, by name."""

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ProblemDetails, "description": description}
    for status, description in {
        401: "No valid API key and not signed in",
        403: "The role or the key's scopes do not allow that",
        404: "Absent, or not yours",
        409: "Stands against other data",
        413: "Body too large",
        422: "Not of the expected form",
        429: "Too many requests: wait as long as Retry-After says",
        503: "Busy or starting: try again",
    }.items()
}


def create_app(settings: Settings | None = None, engines: Engines | None = None) -> FastAPI:
    """The application. The encoder's weights are checked here and loaded in the background.

    Raises EncoderError or SudachiError if what the settings name cannot be used.
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
    )
    app.state.engines = engines
    app.state.gate = make_gate(settings)
    errors.install(app)
    app.add_middleware(BodyLimit, maximum=settings.max_body_bytes)
    app.add_middleware(RateLimiting)
    api = APIRouter(prefix="/v1", responses=PROBLEMS)
    for module in (organisations, clusters, duplicates, partners, capabilities, needs, matching):
        api.include_router(module.router)
    for module in (session, me, accounts):
        api.include_router(module.router)
    app.include_router(health.router, responses={503: PROBLEMS[503]})
    app.include_router(api)
    _expose_metrics(app)
    app.openapi = partial(_document, app)  # type: ignore[method-assign]
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, errors under the media type that they are really sent as."""
    if app.openapi_schema is None:
        document = FastAPI.openapi(app)
        for path in document["paths"].values():
            for operation in path.values():
                for status, response in operation["responses"].items():
                    if status >= "400" and "application/json" in response.get("content", {}):
                        content = response["content"]
                        content["application/problem+json"] = content.pop("application/json")
        app.openapi_schema = document
    return app.openapi_schema


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
    return Engines(
        Database.at(settings.url),
        own,
        make=partial(_make, settings=settings),
        model_of=partial(model_for, settings.model),
        limits=Limits(settings.inline_embeddings, settings.sentence_cache),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    engines: Engines = app.state.engines
    engines.open()
    # Loads the encoder, embeds what is pending and reads the corpus, while /healthz answers.
    worker = EmbeddingWorker(engines)
    engines.on_missing = worker.wake
    worker.start()
    gate: Gate = app.state.gate
    writer = UsesWriter(gate.uses, engines.database)
    writer.start()
    yield
    writer.stop()
    worker.stop()
    engines.database.engine.dispose()


def _expose_metrics(app: FastAPI) -> None:
    instrumentator = Instrumentator(
        should_group_status_codes=False, excluded_handlers=["/metrics", "/healthz"]
    )
    instrumentator.instrument(app, metric_namespace="enmusubi")
    instrumentator.expose(app, tags=["operation"])
    for route in app.routes:
        if isinstance(route, Route) and route.path in LIBRARY_ROUTES:
            rule(Action.OPEN)(route.endpoint)
