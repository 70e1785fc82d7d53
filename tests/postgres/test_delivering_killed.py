"""The delivery is killed on PostgreSQL, where a transaction of the dead may live on for a while."""

from tests.app.jobs.test_delivering_killed import *  # noqa: F403 - the same tests
