"""What a run queues, on PostgreSQL."""

from tests.app.jobs.test_composing import *  # noqa: F403 - the same tests
