"""Cells that ask why SDNet gains or loses where labels are few: the same model with one ingredient less, or another.

They differ from the comparison's SDNet in what `ARMS` says, and in nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from disentangle.imaging.cohort import Cohort
from disentangle.sdnet.comparison import cohort_of, configuration, curve, factor_scores, resized, segment_and_factors
from disentangle.sdnet.config import SDNetConfig
from disentangle.sdnet.scores import scores_by_person
from disentangle.sdnet.splits import FewLabels, few_labels
from disentangle.sdnet.train import Fitted, fit

ARMS: dict[str, Callable[[SDNetConfig], SDNetConfig]] = {
    "sdnet_supervised": lambda config: replace(config, adversary=None),
    "sdnet_no_adversary": lambda config: replace(config, adversary=None),
    "sdnet_rounded": lambda config: replace(config, rounding="round"),
    "sdnet_every_step": lambda config: replace(config, unlabelled_every=1),
}
"""Without a step on unlabelled images; with those steps, but nothing that judges their masks; rounded at one half, as
published; and with steps on unlabelled images at every iteration, as published."""


def reason_cell(data: str, method: str, labelled: int | None, draw: int, fold: int, seed: int) -> dict:
    """Train an arm with the labels of ``labelled`` people (None: all) of a draw; scores of the fold's test people."""
    cohort = cohort_of(data)
    split = few_labels(cohort.samples, fold, labelled, draw)
    fitted = trained(cohort, split, method, seed, resized(configuration(), cohort.images.shape[-1]))
    test = cohort.select(split.test)
    guess, found = segment_and_factors(fitted, test)
    return {
        "people": scores_by_person(test, guess),
        "factors": factor_scores(found, test),
        "fit_seconds": round(fitted.fit_seconds, 1),
        "curve": curve(fitted),
    }


def trained(cohort: Cohort, split: FewLabels, arm: str, seed: int, config: SDNetConfig) -> Fitted:
    """An arm of `ARMS` fitted to the training people of a split; raises ValueError for another arm."""
    if arm not in ARMS:
        raise ValueError(f"no arm {arm!r}, expected one of {', '.join(ARMS)}")
    unlabelled = np.zeros_like(split.unlabelled) if arm == "sdnet_supervised" else split.unlabelled
    rows = {"labelled": split.labelled[split.train], "unlabelled": unlabelled[split.train]}
    return fit(cohort.select(split.train), ARMS[arm](config), seed, **rows, cache=False)
