"""Cells of the chapter on the factors: SDNet and what the paper argues for taken away, on MR and CT phantoms.

One model learns from both modalities with all labels and no discriminator, as in sections 5.3 and 5.4. What its
factors hold is then measured on other people, against pictures of the same anatomy in the other modality. How large
the factors must be (section 5.6) is asked with other numbers of channels of s and dimensions of z. The learning rate,
a cell's parameter, is chosen for SDNet alone, by the masks of validation people: see `rate_cell`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd

from disentangle.imaging import datasets
from disentangle.imaging.cohort import Cohort
from disentangle.sdnet.config import ABLATIONS, SDNetConfig
from disentangle.sdnet.disentanglement import (
    anatomy_features,
    anatomy_targets,
    dependence,
    image_mean_sd,
    posterior_variance,
    style_targets,
    unassigned_share,
)
from disentangle.sdnet.probes import ProbeScore, probe_scores
from disentangle.sdnet.scores import scores_by_person
from disentangle.sdnet.splits import few_labels
from disentangle.sdnet.swaps import draw_pairs, swap_errors, swap_scores
from disentangle.sdnet.train import Factors, Fitted, factors, fit, reconstruct, segment

STEPS = 1000
SIDE = 64
PAIRS = 120
DRAWS = 500
SCANNER_PAIRS = 60
TARGETS = ("modality", "lv_area", "myo_area", "rv_area", "diagnosis")
FOLD, VALIDATION_FOLD = 0, 1
"""Whose people test; and whose validate the rate, being left out of its trainings together with those who test."""

SIZES: dict[str, dict[str, object]] = {
    "channels_4": {"anatomy_channels": 4},
    "channels_16": {"anatomy_channels": 16},
    "z_4": {"modality_size": 4},
    "z_32": {"modality_size": 32},
    "z_128": {"modality_size": 128},
}
"""The paper's numbers, and 16 channels; SDNet itself has eight of both."""
CHANGES: dict[str, dict[str, object]] = {"sdnet": {}} | ABLATIONS | SIZES


def configuration(variant: str = "sdnet", *, learning_rate: float, steps: int = STEPS, side: int = SIDE) -> SDNetConfig:
    """The one configuration, or a variant of `CHANGES`; raises ValueError for another name."""
    if variant not in CHANGES:
        raise ValueError(f"no variant {variant!r}, expected one of {', '.join(CHANGES)}")
    config = replace(SDNetConfig(image_size=side, adversary=None), **CHANGES[variant])
    return config.with_training(steps=steps, learning_rate=learning_rate)


@lru_cache(maxsize=1)
def both_modalities(side: int = SIDE, people: int | None = None) -> Cohort:
    """Half of the people in MR, half in CT, at end-diastole and end-systole."""
    return datasets.load("heart_phantom", scanner="mr_ct", size=side, frames=2, people=people)


def split_of(cohort: Cohort) -> tuple[Cohort, Cohort]:
    """Training and test people, disjoint and with every diagnosis."""
    split = few_labels(cohort.samples, FOLD, None)
    return cohort.select(split.train), cohort.select(split.test)


def trained(training: Cohort, config: SDNetConfig, seed: int, *, cache: bool = True) -> Fitted:
    """SDNet from labelled images alone."""
    return fit(training, config, seed, labelled=np.ones(len(training), bool), unlabelled=np.array([], int), cache=cache)


def ablation_cell(variant: str, seed: int, learning_rate: float) -> dict:
    """One training, and everything that is asked of its factors."""
    training, test = split_of(both_modalities())
    fitted = trained(training, configuration(variant, learning_rate=learning_rate), seed, cache=False)
    across_modality = swap_errors(fitted, test, draw_pairs(test, PAIRS, 0, across="modality"))
    mr = test.select(test.samples["modality"].to_numpy() == "mr")
    across_scanner = swap_errors(fitted, mr, draw_pairs(mr, SCANNER_PAIRS, 0, across="scanner"))
    return {
        "people": dice_of_people(fitted, test),
        "swaps": swap_scores(across_modality),
        "scanner_swaps": [
            {name: person[name] for name in ("subject", "swap", "copy", "swap_heart", "copy_heart")}
            for person in swap_scores(across_scanner)
        ],
        "fit_seconds": round(fitted.fit_seconds, 1),
    } | factor_scores(fitted, training, test)


def rate_cell(learning_rate: float, seed: int) -> dict:
    """SDNet at a learning rate, trained without the people who validate or test: Dice of those who validate."""
    cohort = both_modalities()
    first, second = (few_labels(cohort.samples, fold, None) for fold in (FOLD, VALIDATION_FOLD))
    config = configuration(learning_rate=learning_rate)
    fitted = trained(cohort.select(first.train & second.train), config, seed, cache=False)
    return {
        "people": dice_of_people(fitted, cohort.select(second.test)),
        "fit_seconds": round(fitted.fit_seconds, 1),
    }


def dice_of_people(fitted: Fitted, people: Cohort) -> list[dict]:
    """3D Dice of each person: ``subject``, ``rv``, ``myo``, ``lv`` and their ``mean``."""
    names = ("subject", "rv", "myo", "lv", "mean")
    return [{name: one[name] for name in names} for one in scores_by_person(people, segment(fitted, people))]


def factor_scores(fitted: Fitted, training: Cohort, test: Cohort) -> dict:
    """Dependence, probes (for the modality person by person), collapse and reconstruction error of test people."""
    seen, found = factors(fitted, training), factors(fitted, test)
    error = np.abs(reconstruct(fitted, test) - test.images).mean((1, 2, 3))
    asked = probes((training, seen), (test, found))
    return {
        "distance_correlation": dependence(
            found.anatomy, found.modality, test.samples["subject"].to_numpy(str), seed=0
        ),
        "probes": [probe.record(draws=DRAWS, seed=0) for probe in asked],
        "modality": modality_by_person(asked),
        "posterior_variance": [round(float(value), 4) for value in posterior_variance(found)],
        "unassigned": round(float(unassigned_share(found.anatomy).mean()), 4),
        "reconstruction_l1": round(float(error.mean()), 5),
    }


def modality_by_person(asked: list[ProbeScore]) -> dict:
    """Share of a test person's images whose modality was read rightly: ``subjects``, and a list a source and probe."""
    of_modality = [probe for probe in asked if probe.target == "modality"]
    right = {
        f"{probe.source} {probe.probe}": [round(float(v), 3) for v in 1 - probe.error / probe.spread]
        for probe in of_modality
    }
    return {"subjects": [str(subject) for subject in of_modality[0].subjects], "right": right}


def probes(*sides: tuple[Cohort, Factors]) -> list[ProbeScore]:
    """Style and anatomy read from z, s, and the mean and SD of the image: learned from the first side's people."""
    features = {
        "z": np.concatenate([found.modality for _, found in sides]),
        "s": np.concatenate([anatomy_features(found.anatomy) for _, found in sides]),
        "image_mean_sd": np.concatenate([image_mean_sd(cohort.images) for cohort, _ in sides]),
    }
    tables = [pd.concat([style_targets(cohort), anatomy_targets(cohort)], axis=1) for cohort, _ in sides]
    subjects = np.concatenate([cohort.samples["subject"].to_numpy(str) for cohort, _ in sides])
    targets = pd.concat(tables, ignore_index=True)[list(TARGETS)]
    return probe_scores(features, targets, subjects, np.arange(len(subjects)) < len(sides[0][0]), seed=0)


def for_side(config: SDNetConfig, side: int) -> SDNetConfig:
    """The same model for images of another side, without discriminator."""
    return replace(config, image_size=side, adversary=None)


def without_rounding(config: SDNetConfig) -> SDNetConfig:
    """The same model with a soft anatomy."""
    return replace(config, **ABLATIONS["no_rounding"])
