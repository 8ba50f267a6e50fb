"""What the tests of the anomaly detector share: drawn heads, a small configuration, one trained detector."""

from dataclasses import replace

import pytest
from drawn_heads import drawn_heads

from disentangle.anatomy_uad.config import DALConfig
from disentangle.anatomy_uad.train import fit


@pytest.fixture(scope="session")
def heads():
    return drawn_heads()


@pytest.fixture(scope="session")
def small() -> DALConfig:
    tiny = DALConfig(base=4, depth=2, code_channels=4, modality_base=4, modality_size=3, combiner_blocks=1, views=1)
    tiny = tiny.with_steps(3, 3, batch_size=4, device="cpu", precision="32")
    return replace(tiny, score=replace(tiny.score, erosion_mm=2.0))


@pytest.fixture(scope="session")
def fitted(heads, small):
    """Trained long enough for anatomy to agree between sequences."""
    plainer = replace(small.augmentation, randomised=0.0)
    config = replace(small, base=8, code_channels=8, combiner_blocks=2, augmentation=plainer)
    return fit(heads[0], config.with_steps(150, 60, learning_rate=1e-2), seed=0)
