"""The comparison's cells on ACDC in its provider's layout, which is resampled: scored against the labels as drawn.

Where the cine series lie beside the labelled frames, the unlabelled images are slices of other moments (section 5.1).
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np

from disentangle.imaging import datasets
from disentangle.imaging.cardiac import acdc_nifti
from disentangle.imaging.cardiac.acdc import native_labels
from disentangle.imaging.cardiac.labels import UNKNOWN
from disentangle.imaging.cohort import Cohort
from disentangle.sdnet.comparison import (
    STEPS,
    cohort_of,
    configuration,
    curve,
    factor_scores,
    resized,
    segment_and_factors,
    trained,
)
from disentangle.sdnet.data import UNKNOWN as WITHHELD
from disentangle.sdnet.scores import scores_by_person, sunnybrook_scores
from disentangle.sdnet.splits import FOLDS, few_labels

POOL = 1200
"""Unlabelled slices of the training people in all, as many of each (section 5.1; a few more by rounding up)."""


@lru_cache(maxsize=1)
def cohort_with_series(data: str) -> Cohort:
    """The labelled frames, and of each person as many slices of other moments as make `POOL` in the training people."""
    training = len(acdc_nifti.find(datasets.folder(data))) * (FOLDS - 1) / FOLDS
    cohort = datasets.load(data, frames="all", between=math.ceil(POOL / training))
    return replace(cohort, labels=np.where(cohort.labels == UNKNOWN, WITHHELD, cohort.labels).astype(np.int8))


def few_labels_cell(
    data: str,
    method: str,
    labelled: int | None,
    draw: int,
    fold: int,
    seed: int,
    steps: int = STEPS,
    series: bool = False,
) -> dict:
    """As `comparison.few_labels_cell`; the predictions are brought to the grid of the files, and so is nothing else.

    With ``series`` the unlabelled images are those of `cohort_with_series`, else the training people's labelled frames.
    """
    cohort = cohort_with_series(data) if series else cohort_of(data)
    split = few_labels(cohort.samples, fold, labelled, draw)
    fitted = trained(cohort, split, method, seed, resized(configuration(steps), cohort.images.shape[-1]))
    test = cohort.select(split.test)
    guess, found = segment_and_factors(fitted, test)
    scores = {
        "labelled_people": sorted(set(cohort.samples["subject"][split.labelled])) if labelled else [],
        "unlabelled_images": int(split.unlabelled.sum()),
        "people": scores_by_person(test, guess, drawn=native_labels(datasets.folder(data))),
        "fit_seconds": round(fitted.fit_seconds, 1),
        "curve": curve(fitted),
    }
    if found is not None:
        scores["factors"] = factor_scores(found, test)
    if datasets.available("sunnybrook"):
        scores["sunnybrook"] = sunnybrook_scores(fitted, datasets.load("sunnybrook"))
    return scores
