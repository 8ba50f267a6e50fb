"""Fixtures for all tests: a private cache, one thread, and the real data where they are."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session", autouse=True)
def private_cache(tmp_path_factory: pytest.TempPathFactory):
    """Tests never read or write the user's cache of models and cohorts."""
    before = os.environ.get("DISENTANGLE_CACHE")
    os.environ["DISENTANGLE_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["DISENTANGLE_CACHE"]
    else:
        os.environ["DISENTANGLE_CACHE"] = before


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets; the test is skipped where it is absent."""
    folder = Path(os.environ.get("DISENTANGLE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real data are absent: set DISENTANGLE_DATA to the folder that holds them")
    return folder
