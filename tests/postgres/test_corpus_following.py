"""What is read of the rows and logged by PostgreSQL, as on SQLite."""

from tests.app.services.test_corpus_following import *  # noqa: F403 - the same tests
