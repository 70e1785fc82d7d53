"""Digests on PostgreSQL."""

from tests.app.services.test_digests import *  # noqa: F403 - the same tests
