"""Cells of the chapter on the factors: SDNet and what the paper argues for taken away, on MR and CT phantoms.

One model learns from both modalities with all labels and no discriminator, as in sections 5.3 and 5.4. What its
factors hold is then measured on other people, against pictures of the same anatomy in the other modality.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from disentangle.imaging import datasets
from disentangle.imaging.cohort import Cohort
from disentangle.sdnet.config import ABLATIONS, SDNetConfig
from disentangle.sdnet.disentanglement import (
    factor_dependence,
    factor_probes,
    posterior_variance,
    unassigned_share,
)
from disentangle.sdnet.scores import scores_by_person
from disentangle.sdnet.splits import few_labels
from disentangle.sdnet.swaps import draw_pairs, swap_errors, swap_scores
from disentangle.sdnet.train import Fitted, factors, fit, reconstruct, segment

STEPS = 1500
SIDE = 64
PAIRS = 120
DRAWS = 1000
FOLD = 0


def configuration(variant: str = "sdnet", steps: int = STEPS, side: int = SIDE) -> SDNetConfig:
    """The one configuration, or an ablation of it; raises ValueError for an unknown variant."""
    if variant not in {"sdnet", *ABLATIONS}:
        raise ValueError(f"no variant {variant!r}, expected one of sdnet, {', '.join(ABLATIONS)}")
    config = replace(SDNetConfig(image_size=side, adversary=None), **ABLATIONS.get(variant, {}))
    return config.with_training(steps=steps)


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


def ablation_cell(variant: str, seed: int) -> dict:
    """One training, and everything that is asked of its factors."""
    training, test = split_of(both_modalities())
    fitted = trained(training, configuration(variant), seed, cache=False)
    return {
        "people": scores_by_person(test, segment(fitted, test)),
        "swaps": swap_scores(swap_errors(fitted, test, draw_pairs(test, PAIRS, 0, across="modality"))),
        "fit_seconds": round(fitted.fit_seconds, 1),
    } | factor_scores(fitted, training, test)


def factor_scores(fitted: Fitted, training: Cohort, test: Cohort) -> dict:
    """Dependence, probes (for the modality person by person), collapse and reconstruction error of test people."""
    found, subjects = factors(fitted, test), test.samples["subject"].to_numpy(str)
    probes = factor_probes(fitted, training, test, seed=0)
    error = np.abs(reconstruct(fitted, test) - test.images).mean((1, 2, 3))
    return {
        "distance_correlation": factor_dependence(found, test.images, subjects, seed=0),
        "probes": [probe.record(draws=DRAWS, seed=0, people=probe.target == "modality") for probe in probes],
        "posterior_variance": [round(float(value), 4) for value in posterior_variance(found)],
        "unassigned": round(float(unassigned_share(found.anatomy).mean()), 4),
        "reconstruction_l1": round(float(error.mean()), 5),
    }


def for_side(config: SDNetConfig, side: int) -> SDNetConfig:
    """The same model for images of another side, without discriminator."""
    return replace(config, image_size=side, adversary=None)


def without_rounding(config: SDNetConfig) -> SDNetConfig:
    """The same model with a soft anatomy."""
    return replace(config, **ABLATIONS["no_rounding"])
