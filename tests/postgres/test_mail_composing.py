"""The recheck of a mail on PostgreSQL."""

import pytest

from tests.app.services.test_mail_composing import *  # noqa: F403 - the same tests

pytestmark = pytest.mark.slow
