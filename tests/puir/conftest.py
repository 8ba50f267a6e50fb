"""What the tests of PUIR share: drawn people and a network small enough for them."""

import pytest
from heads_of_people import SIDE, drawn_people

from disentangle.puir.config import PUIRConfig
from disentangle.training import Settings

TINY = Settings(steps=4, batch_size=4, learning_rate=5e-3, device="cpu", precision="32", log_every=1)


@pytest.fixture(scope="session")
def volumes():
    return drawn_people()[0]


@pytest.fixture(scope="session")
def small() -> PUIRConfig:
    return PUIRConfig(side=SIDE, widths=(4, 8, 8), heads=2, embedding=8, pretraining=TINY, transfer=TINY)
