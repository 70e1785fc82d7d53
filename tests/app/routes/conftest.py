"""A suggestion in three mails, and the service that shows the pages behind their links."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.db import Database
from app.services.corpus import Engine
from tests.app.mailing import Posted, post_suggestion
from tests.conftest import engines_of


@pytest.fixture
def pages(application: FastAPI, engine: Engine) -> TestClient:
    """The real application without its background work, which writes by itself."""
    application.state.engines = engines_of(engine)
    return TestClient(application, raise_server_exceptions=False, follow_redirects=False)


@pytest.fixture
def posted(database: Database) -> Posted:
    """A suggestion in three mails."""
    return post_suggestion(database)
