"""Digests on PostgreSQL."""

import pytest

from tests.app.services.test_digests import *  # noqa: F403 - the same tests

pytestmark = pytest.mark.slow
