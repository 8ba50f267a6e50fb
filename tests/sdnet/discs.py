"""Drawn hearts for tests: a bright disc in a darker ring, on a background, each image in its own contrast."""

import numpy as np
import pandas as pd

from disentangle.imaging.cohort import Cohort, Provenance

SIDE = 48


def discs(count: int = 12, seed: int = 0, first_person: int = 0) -> Cohort:
    """Label 1 is the ring, 2 the disc; two images a person."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    centre = rng.uniform(20, 28, (2, count, 1, 1))
    distance = np.hypot(rows - centre[0], columns - centre[1])
    inner = rng.uniform(5, 8, (count, 1, 1))
    labels = np.where(distance < inner, 2, np.where(distance < inner + 4, 1, 0)).astype(np.int16)
    levels = np.stack([rng.uniform(*span, count) for span in ((0.4, 0.6), (0.1, 0.2), (0.7, 0.9))], 1)
    images = np.take_along_axis(levels[:, :, None], labels.reshape(count, 1, -1), 1).reshape(labels.shape)
    images = np.clip(images + 0.02 * rng.standard_normal(images.shape), 0, 1)
    subjects = [f"p{first_person + i // 2}" for i in range(count)]
    return Cohort(
        "discs",
        images[:, None].astype(np.float32),
        pd.DataFrame({"subject": subjects}),
        pd.DataFrame(index=pd.Index(sorted(set(subjects)), name="subject")),
        np.ones((count, 2), np.float32),
        Provenance(real=False, source="discs", licence="none", citation="none"),
        labels=labels,
    )
