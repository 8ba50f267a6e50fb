"""Drawn people for tests: a ball of two tissues with a lesion, each modality with grey values of its own."""

import numpy as np

SIDE = 16
LEVELS = {"t1": (0, 0.4, 0.7, 0.3), "t1ce": (0, 0.4, 0.7, 0.95), "t2": (0, 0.6, 0.3, 0.8), "flair": (0, 0.5, 0.3, 0.9)}


def drawn_people(count: int = 6, seed: int = 0, side: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    """Images (person, 4, side, side, side) float32 in 0..1 and labels (person, ...): 1, 2 tissues, 3 lesion."""
    rng = np.random.default_rng(seed)
    grid = np.moveaxis(np.indices((side,) * 3), 0, -1)[None] / side - 0.5
    centre = rng.uniform(-0.06, 0.06, (count, 1, 1, 1, 3))
    stretch = rng.uniform(0.8, 1.2, (count, 1, 1, 1, 3))
    distance = np.linalg.norm((grid - centre) * stretch, axis=-1)
    labels = np.where(distance < 0.22, 2, np.where(distance < 0.4, 1, 0))
    spot = np.linalg.norm(grid - centre - rng.uniform(-0.15, 0.15, (count, 1, 1, 1, 3)), axis=-1)
    labels[spot < 0.12] = 3
    images = np.stack([np.asarray(levels)[labels] for levels in LEVELS.values()], 1)
    images = np.where(labels[:, None] > 0, images + 0.01 * rng.standard_normal(images.shape), 0)
    return np.clip(images, 0, 1).astype(np.float32), labels
