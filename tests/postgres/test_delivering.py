"""The delivery on PostgreSQL: its faults, and being killed at every checkpoint."""

from tests.app.jobs.test_delivering import *  # noqa: F403 - the same tests
from tests.app.jobs.test_delivering_killed import *  # noqa: F403 - the same tests
