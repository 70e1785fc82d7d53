"""Who may be mailed, on PostgreSQL."""

import pytest

from tests.app.services.test_recipients import *  # noqa: F403 - the same tests

pytestmark = pytest.mark.slow
