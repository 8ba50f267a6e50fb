"""The published comparison's other side: a U-Net whose discriminator, like the released SDNet's, sees all masks."""

from __future__ import annotations

from disentangle.sdnet.baselines import fit_unet
from disentangle.sdnet.comparison import cohort_of, configuration, curve, resized, with_all_masks
from disentangle.sdnet.config import unet_like
from disentangle.sdnet.fitted import segment
from disentangle.sdnet.scores import scores_by_person
from disentangle.sdnet.splits import few_labels

METHOD = "gan_allmasks"


def gan_cell(data: str, method: str, labelled: int | None, draw: int, fold: int, seed: int) -> dict:
    """Train `METHOD` with the labels of ``labelled`` people (None: all) of a draw; scores of the fold's test people.

    The discriminator sees the masks of all training people, the U-Net learns from those of the labelled ones alone.
    Raises ValueError for another method.
    """
    if method != METHOD:
        raise ValueError(f"no method {method!r}, expected {METHOD!r}")
    cohort = cohort_of(data)
    split = few_labels(cohort.samples, fold, labelled, draw)
    config = with_all_masks(resized(configuration(), cohort.images.shape[-1]))
    rows = {"labelled": split.labelled[split.train], "unlabelled": split.unlabelled[split.train]}
    fitted = fit_unet(cohort.select(split.train), unet_like(config, adversary=True), seed, **rows, cache=False)
    test = cohort.select(split.test)
    return {
        "people": scores_by_person(test, segment(fitted, test)),
        "fit_seconds": round(fitted.fit_seconds, 1),
        "curve": curve(fitted),
    }
