"""What the tests of the evaluations share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def vectors_kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of evaluations of folders that no test changes.

    Each folder is read into it once and embedded once by each encoder, whose id the vectors bear.
    """
    return tmp_path_factory.mktemp("evaluations")
