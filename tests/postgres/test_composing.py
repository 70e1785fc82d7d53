"""What a run queues, on PostgreSQL."""

import pytest

from tests.app.jobs.test_composing import *  # noqa: F403 - the same tests

pytestmark = pytest.mark.slow
