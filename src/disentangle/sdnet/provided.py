"""The comparison's cells on ACDC in its provider's layout, which is resampled: scored against the labels as drawn."""

from __future__ import annotations

from disentangle.imaging import datasets
from disentangle.imaging.cardiac.acdc import native_labels
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
from disentangle.sdnet.scores import scores_by_person, sunnybrook_scores
from disentangle.sdnet.splits import few_labels


def few_labels_cell(
    data: str, method: str, labelled: int | None, draw: int, fold: int, seed: int, steps: int = STEPS
) -> dict:
    """As `comparison.few_labels_cell`; the predictions are brought to the grid of the files, and so is nothing else."""
    cohort = cohort_of(data)
    split = few_labels(cohort.samples, fold, labelled, draw)
    fitted = trained(cohort, split, method, seed, resized(configuration(steps), cohort.images.shape[-1]))
    test = cohort.select(split.test)
    guess, found = segment_and_factors(fitted, test)
    scores = {
        "labelled_people": sorted(set(cohort.samples["subject"][split.labelled])) if labelled else [],
        "people": scores_by_person(test, guess, drawn=native_labels(datasets.folder(data))),
        "fit_seconds": round(fitted.fit_seconds, 1),
        "curve": curve(fitted),
    }
    if found is not None:
        scores["factors"] = factor_scores(found, test)
    if datasets.available("sunnybrook"):
        scores["sunnybrook"] = sunnybrook_scores(fitted, datasets.load("sunnybrook"))
    return scores
