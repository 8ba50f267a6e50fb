"""Cells that ask what SDNet's parts cost where labels are few: trained on labelled images alone, with a part less.

The steps, the labelled images and the rest of the configuration are those of the comparison. So an arm differs from the
U-Net in the parts that it keeps, and from ``sdnet_supervised`` in the part that it lacks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from disentangle.sdnet.comparison import cohort_of, configuration, curve, resized
from disentangle.sdnet.fitted import segment
from disentangle.sdnet.scores import scores_by_person
from disentangle.sdnet.splits import few_labels
from disentangle.sdnet.train import fit

ARMS: dict[str, dict[str, object]] = {
    "sdnet_supervised": {},
    "sdnet_unrounded": {"rounding": "none"},
    "sdnet_masks_alone": {"reconstruction_weight": 0.0, "kl_weight": 0.0, "z_reconstruction": "none"},
}
"""Whole; with a soft anatomy; and with nothing to draw, so that the maps of s serve the masks alone."""


def ingredient_cell(data: str, method: str, labelled: int | None, draw: int, fold: int, seed: int) -> dict:
    """Train an arm with the labels of ``labelled`` people (None: all) of a draw; scores of the fold's test people.

    Raises ValueError for an arm that is not in `ARMS`.
    """
    if method not in ARMS:
        raise ValueError(f"no arm {method!r}, expected one of {', '.join(ARMS)}")
    cohort = cohort_of(data)
    split = few_labels(cohort.samples, fold, labelled, draw)
    config = replace(resized(configuration(), cohort.images.shape[-1]), adversary=None, **ARMS[method])
    nobody = np.zeros(int(split.train.sum()), bool)
    data_of_training = cohort.select(split.train)
    labels = split.labelled[split.train]
    fitted = fit(data_of_training, config, seed, labelled=labels, unlabelled=nobody, cache=False)
    test = cohort.select(split.test)
    return {
        "people": scores_by_person(test, segment(fitted, test)),
        "fit_seconds": round(fitted.fit_seconds, 1),
        "curve": curve(fitted),
    }
