"""Kill a process at every checkpoint in turn (`app.jobs.checkpoints`), and see what is left.

The work runs in a child that is forked with all modules loaded and ends by SIGKILL: no handler
runs, nothing is flushed, connections just go. The child opens connections of its own. What serves
it, such as a mail server, lives in the parent. Do the work once in the parent before: each child
then inherits the statements as they were compiled.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from itertools import count

from app.db import Database
from app.jobs import checkpoints

Work = Callable[[Database], object]
"""To be done on a database, and done again after it was killed."""


def work_until(database: Database, number: int | None, work: Work) -> str | None:
    """Do the work in a child, which is killed at that checkpoint, counted from 1, or never.

    Returns the checkpoint's name; None if the work was done before. An error of the work is a
    failure of the test.
    """
    database.engine.dispose()  # the child must not share its connections
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _child(database, number, work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        name = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return name
    assert os.waitstatus_to_exitcode(status) == 0, "the work failed, see its standard error"
    return None


def _child(database: Database, number: int | None, work: Work, writing: int) -> None:
    """Never returns: neither pytest nor the parent's threads go on in the child."""
    met = count(1)

    def watch(name: str) -> None:
        if next(met) == number:
            os.write(writing, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        checkpoints.watch = watch
        database.engine.dispose(close=False)
        work(database)
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
        os._exit(1)
    os._exit(0)


def kills(
    database: Database, work: Work, *, anew: Callable[[], None], step: int = 1
) -> Iterator[str]:
    """The name of each checkpoint at which the work was killed, one after the other.

    Before each kill everything is made `anew`; the caller looks at what is left, and resumes. Ends
    when the work is done before it comes to be killed.
    """
    for number in count(1, step):
        anew()
        name = work_until(database, number, work)
        if name is None:
            return
        yield name
