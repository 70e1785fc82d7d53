"""Import and embedding are killed on PostgreSQL, where claims go with the connection."""

from tests.app.jobs.test_bulk_killed import *  # noqa: F403 - the same tests
