"""The outbox on PostgreSQL, where claims and stops are truly at once."""

from tests.app.services.test_mail_suppressions import *  # noqa: F403 - the same tests
from tests.app.services.test_outbox import *  # noqa: F403 - the same tests
