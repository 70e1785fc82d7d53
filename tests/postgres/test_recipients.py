"""Who may be mailed, on PostgreSQL."""

from tests.app.services.test_recipients import *  # noqa: F403 - the same tests
