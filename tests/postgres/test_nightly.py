"""The nightly run on PostgreSQL."""

from tests.app.jobs.test_nightly import *  # noqa: F403 - the same tests
