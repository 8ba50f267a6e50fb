"""Cells that ask what the pictures of the embedded cohort give away, rendered without the lesion's own ratings.

The renderer writes ratings into grey values. Where it draws them from other lesions instead, an image model can
only read the outline, and whatever it gained from the texture must vanish.
"""

from __future__ import annotations

import numpy as np

from disentangle.imaging import datasets
from disentangle.lesion_vae import splits
from disentangle.lesion_vae.baselines import fit_cnn
from disentangle.lesion_vae.config import CNNConfig
from disentangle.lesion_vae.predictions import pack_logits


def rendering_control(render: str, fold: int, seed: int) -> dict:
    """The supervised network on one outer fold of the cohort ``lidc``, rendered as ``render`` says.

    Same people, selection and settings as `prediction.honest`. Returns the packed log odds of the test slices.
    """
    cohort = datasets.load("lidc", render=render)
    split = splits.honest_split(cohort.samples, fold)
    labels = cohort.samples["malignant"].to_numpy(np.float32)
    train, validation, test = (cohort.select(rows) for rows in (split.train, split.validation, split.test))
    held_out = (validation, labels[split.validation])
    cnn = fit_cnn(train, labels[split.train], CNNConfig(), seed, validation=held_out)
    return {
        "fit_seconds": cnn.fit_seconds,
        "lesions": test.samples["lesion"].drop_duplicates().astype(int).tolist(),
        "logits": pack_logits(cnn.logits(test)),
    }
