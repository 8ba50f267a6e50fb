"""What the tests of the comparison share: drawn heads."""

import pytest
from drawn_parts import drawn_part


@pytest.fixture(scope="session")
def training():
    return drawn_part(16, 3)


@pytest.fixture(scope="session")
def held_out():
    return drawn_part(6, 3, seed=1)
