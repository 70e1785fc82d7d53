"""The delivery on PostgreSQL."""

import pytest

from tests.app.jobs.test_delivering import *  # noqa: F403 - the same tests

pytestmark = pytest.mark.slow
