"""The recheck of a mail on PostgreSQL."""

from tests.app.services.test_mail_composing import *  # noqa: F403 - the same tests
