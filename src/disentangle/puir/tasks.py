"""Cells of the chapter on tasks: segmentation with missing modalities, and PET from CT and back.

Every method has as many steps in all: a first stage of its own, then the task.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from disentangle.imaging.cohort import Cohort
from disentangle.metrics.volume_quality import psnr
from disentangle.puir.baselines import copy_source, fit_polynomials
from disentangle.puir.cohorts import JITTER, MARKS, people_of, regions_of, split
from disentangle.puir.config import PUIRConfig, SegmentationConfig, matched
from disentangle.puir.experiment import LEARNING_RATE, PRETRAINING, TRANSFER, configuration, curve, variant
from disentangle.puir.scores import rounded, transfer_scores
from disentangle.puir.segmentation import REGIONS, fit_segmentation, regions, segment, subsets
from disentangle.puir.train import Fitted, fine_tune, fit, pretrain, transfer

STARTS = ("puir", "matched", "scratch")
# The run of 400 steps was seen on test people, 1,000 on validation people.
SEGMENTING = 1000
"""Ours, chosen with the rate of all other trainings on the validation people: after 400 steps at a third of that rate a
network segmented worse from all contrasts than from FLAIR alone, whatever it started from."""
HALF = 0.5


def segmentation_cell(method: str, seed: int) -> dict:
    """Learn to segment after pre-training (``puir``), after reconstruction (``matched``) or from nothing.

    ``dice``: region -> subset of modalities (a word of 0 and 1) -> a value a test person. ``rare``: the same with all
    modalities for rare anatomy. Where a person has no such region, there is no Dice (None); ``false`` has the voxels
    that were drawn there nevertheless, with all modalities.
    """
    found = split("brain", JITTER)
    config = configuration(found.modalities)
    fitted = segmenting(people_of(found.training), regions(found.training.labels), config, method, seed, SEGMENTING)
    whole = np.ones((1, len(found.modalities)), bool)
    return {
        "subject": found.test.samples["subject"].tolist(),
        "dice": subset_dice(fitted, found.test, subsets(len(found.modalities))),
        "rare": {
            "subject": found.rare.samples["subject"].tolist(),
            **{mark: found.rare.subjects[mark].astype(bool).tolist() for mark in MARKS},
            "dice": subset_dice(fitted, found.rare, whole),
            "false_enhancing": drawn_without_truth(fitted, found.rare, "et"),
        },
        "fit_seconds": round(fitted.fit_seconds, 1),
    }


def segmenting(
    data, masks: np.ndarray, config: PUIRConfig, method: str, seed: int, steps: int, cache: bool = False
) -> Fitted:
    """A segmenting network of a method of `STARTS`; raises ValueError for another."""
    first = config.pretraining.steps if config.pretraining else 0
    if method == "puir":
        start = pretrain(data, config, seed, cache=cache)
    elif method == "matched":
        alone = replace(matched(config), transfer=replace(config.transfer, steps=first))
        start = fine_tune(data, alone, seed, cache=cache)
    elif method == "scratch":
        start, steps = None, steps + first
    else:
        raise ValueError(f"no method {method!r}, expected one of {', '.join(STARTS)}")
    training = replace(SegmentationConfig().training, steps=steps, learning_rate=LEARNING_RATE, **_hardware(config))
    segmentation = SegmentationConfig(training=training)
    return fit_segmentation(data, masks, config, seed, segmentation=segmentation, start=start, cache=cache)


def subset_dice(fitted: Fitted, cohort: Cohort, given: np.ndarray) -> dict:
    """Region -> subset -> Dice of each person; ``given`` (subset, modality) bool."""
    data, masks = people_of(cohort), regions(cohort.labels)
    found = {name: {} for name in REGIONS}
    for subset in given:
        drawn = segment(fitted, data, subset) > HALF
        for at, name in enumerate(REGIONS):
            word = "".join(str(int(there)) for there in subset)
            found[name][word] = [
                rounded(dice(true, guess)) for true, guess in zip(masks[:, at], drawn[:, at], strict=True)
            ]
    return found


def dice(truth: np.ndarray, drawn: np.ndarray) -> float:
    """2 |A and B| / (|A| + |B|) of two masks; NaN where the true one is empty."""
    return 2 * float((truth & drawn).sum()) / float(truth.sum() + drawn.sum()) if truth.any() else float("nan")


def drawn_without_truth(fitted: Fitted, cohort: Cohort, region: str) -> list[int | None]:
    """Voxels of a region that are drawn with all modalities in people who have none of it; None for the others."""
    at = list(REGIONS).index(region)
    drawn = segment(fitted, people_of(cohort))[:, at] > HALF
    truth = regions(cohort.labels)[:, at]
    return [None if true.any() else int(guess.sum()) for true, guess in zip(truth, drawn, strict=True)]


def pet_ct_cell(method: str, seed: int) -> dict:
    """PET from CT and CT from PET by a network, with what of PET cannot be known from CT."""
    found = split("pet_ct", JITTER)
    config = variant(configuration(found.modalities, PRETRAINING, TRANSFER), method)
    fitted = fit(people_of(found.training), config, seed, cache=False)
    scores = pet_ct_scores(found.test, lambda data: transfer(fitted, data))
    return scores | {"fit_seconds": round(fitted.fit_seconds, 1), "curve": curve(fitted)}


def pet_ct_baselines_cell() -> dict:
    """Copies of the source and polynomials on PET and CT."""
    found = split("pet_ct", JITTER)
    polynomials = fit_polynomials(people_of(found.training), found.modalities)
    draw = {"copy": lambda data: copy_source(data, found.modalities), "polynomial": polynomials.predict}
    return {name: pet_ct_scores(found.test, one) for name, one in draw.items()}


def pet_ct_scores(cohort: Cohort, draw: Callable) -> dict:
    """`transfer_scores`, each direction by itself, and mean uptake in tumour and brain, true and drawn from CT.

    ``directions``: "CT>PET" and "PET>CT" -> region -> PSNR of each person. ``uptake``: SUV over 15.
    """
    data, where = people_of(cohort), regions_of(cohort)
    truth, drawn, names = data.images.numpy(), draw(data), tuple(cohort.extra["modalities"])
    subjects = cohort.samples["subject"].tolist()
    pet, ct = names.index("PET"), names.index("CT")
    scores = transfer_scores(truth, drawn, where, subjects, names)
    scores["directions"] = {
        f"{names[s]}>{names[t]}": {
            name: [
                rounded(psnr(true[t], found[s, t], region[name]), 3)
                for true, found, region in zip(truth, drawn, where, strict=True)
            ]
            for name in ("brain", "tumour")
        }
        for s, t in ((ct, pet), (pet, ct))
    }
    scores["uptake"] = {
        name: {
            "true": [rounded(true[pet][region[name]].mean()) for true, region in zip(truth, where, strict=True)],
            "drawn": [rounded(found[ct, pet][region[name]].mean()) for found, region in zip(drawn, where, strict=True)],
        }
        for name in ("brain", "tumour")
    }
    scores["hot"] = cohort.subjects["hot"].astype(bool).tolist()
    return scores


def _hardware(config: PUIRConfig) -> dict:
    """Device and precision of a configuration's stages."""
    return {"device": config.transfer.device, "precision": config.transfer.precision}
