"""What the tests of SDNet share: drawn hearts and a network small enough for them."""

import pytest
from discs import SIDE, discs

from disentangle.sdnet.config import AdversaryConfig, SDNetConfig
from disentangle.training import Settings


@pytest.fixture(scope="session")
def cohort():
    return discs()


@pytest.fixture(scope="session")
def small() -> SDNetConfig:
    return SDNetConfig(
        classes=2,
        image_size=SIDE,
        anatomy_channels=4,
        modality_size=3,
        base=4,
        segmentor_base=8,
        modality_base=4,
        adversary=AdversaryConfig(base=2, history=6),
        rotation=20.0,
        training=Settings(steps=3, batch_size=2, learning_rate=5e-3, device="cpu", precision="32"),
    )
