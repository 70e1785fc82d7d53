"""The whole run is killed on PostgreSQL, where the lock is the server's."""

from tests.app.jobs.test_nightly_killed import *  # noqa: F403 - the same tests
