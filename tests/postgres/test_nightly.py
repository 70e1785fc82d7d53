"""The nightly run on PostgreSQL."""

import pytest

from tests.app.jobs.test_nightly import *  # noqa: F403 - the same tests

pytestmark = pytest.mark.slow
