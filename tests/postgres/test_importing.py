"""Bulk writing by COPY."""

from tests.app.jobs.test_importing import *  # noqa: F403 - the same tests
