"""Heads made of ellipses, without noise: a style is a grey value for each tissue, so every swap is known exactly."""

import numpy as np

from disentangle.comparison.people import SIDE, STYLES, Part
from disentangle.imaging.cohort import Provenance

GREYS = np.array(
    [
        [0, 0.1, 0.5, 0.9],
        [0, 0.9, 0.5, 0.2],
        [0, 0.15, 0.4, 0.7],
        [0, 0.8, 0.6, 0.3],
        [0, 0.2, 0.6, 0.8],
        [0, 1, 0.7, 0.4],
    ]
)
"""Of background, CSF, grey and white matter in each style."""


def drawn_part(heads: int, sections: int = 2, seed: int = 0) -> Part:
    """Heads of random size, with random shells of CSF, grey and white matter."""
    rng = np.random.default_rng([seed, heads])
    rows, columns = (np.mgrid[:SIDE, :SIDE] - SIDE / 2) / SIDE
    labels = np.zeros((heads, sections, SIDE, SIDE), np.uint8)
    for at in np.ndindex(heads, sections):
        outer = rng.uniform(0.3, 0.45)
        radius = np.hypot(rows / outer, columns / (0.8 * outer))
        for tissue, limit in ((1, 1.0), (2, rng.uniform(0.8, 0.95)), (3, rng.uniform(0.5, 0.75))):
            labels[at][radius < limit] = tissue
    images = GREYS[:, labels].transpose(1, 2, 0, 3, 4).astype(np.float32)
    assert images.shape[2] == len(STYLES)
    subjects = np.array([f"drawn{seed}_{number}" for number in range(heads)])
    return Part(images, labels, labels > 0, subjects, Provenance(False, "drawn for a test", "MIT", ""))
