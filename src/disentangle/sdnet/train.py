"""Fit SDNet with few labels; then segment, take images apart into factors, and put factors together again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from disentangle.cache import Stored, cached
from disentangle.device import seeded
from disentangle.imaging.cohort import Cohort
from disentangle.sdnet.config import SDNetConfig
from disentangle.sdnet.data import Data, Rows, Streams, checked_images, data_parts, training_data, validation_tensors
from disentangle.sdnet.fitted import Fitted, mapped, restored, segment, segment_probabilities, stored
from disentangle.sdnet.objective import SDNetTask
from disentangle.training import train

__all__ = [
    "Factors",
    "Fitted",
    "decode",
    "factors",
    "fit",
    "masks_from_anatomy",
    "new_task",
    "reconstruct",
    "segment",
    "segment_probabilities",
    "swap",
]


class Factors(NamedTuple):
    """What SDNet finds in images.

    ``anatomy`` s (image, channel, height, width), uint8 of 0 and 1, or float32 without rounding; ``modality`` z, the
    posterior's mean, and its ``logvar``, (image, modality size) float32.
    """

    anatomy: np.ndarray
    modality: np.ndarray
    logvar: np.ndarray


def fit(
    data: Cohort,
    config: SDNetConfig,
    seed: int,
    *,
    labelled: Rows,
    unlabelled: Rows | None = None,
    validation: Cohort | None = None,
    cache: bool = True,
) -> Fitted:
    """Train SDNet on images (image, 1, side, side) in 0..1 with labels (image, side, side), 0 for background.

    ``labelled`` and ``unlabelled`` select images of ``data``, as booleans or row numbers. Labels of all others are
    withheld, except from a discriminator that may see ``all`` masks; there -1 marks images that have no labels.
    ``unlabelled`` None takes every image as unlabelled; an empty selection trains with supervision alone. With
    ``validation``, labelled images of other people, the best validated weights are kept and training may stop early;
    without, the last ones. Equal calls come from the model cache. Raises ValueError for data that do not fit.
    """
    masks = config.adversary.masks if config.adversary else None
    tensors = training_data(data, config.classes, config.image_size, labelled, unlabelled, masks)
    held_out = validation_tensors(data, validation, config.classes, config.image_size)
    semi_supervised, training = len(tensors.rows["unlabelled"]) > 0, config.training

    def make(checkpoint: Path | None) -> Stored:
        task = new_task(config, seed, semi_supervised)
        streams = Streams(tensors, training.batch_size, seed, config.rotation)
        history = train(task, streams, training, seed, validation=held_out, checkpoint=checkpoint)
        return stored(task.model, history)

    parts = asdict(config) | {"training": training.numerics(), "seed": seed} | data_parts(tensors, held_out)
    kept, from_cache = cached("sdnet", parts, __name__, make) if cache else (make(None), False)
    return restored(new_task(config, seed, False).model, config, training, kept, from_cache)


def new_task(config: SDNetConfig, seed: int, semi_supervised: bool = True) -> SDNetTask:
    """An untrained SDNet with its discriminator, the same for the same seed."""
    with seeded(seed, "sdnet"):
        # Channels last: a step takes a quarter less time on processors.
        return SDNetTask(config, semi_supervised).eval().to(memory_format=torch.channels_last)


def factors(fitted: Fitted, data: Data) -> Factors:
    """Anatomy and modality of images (image, 1, height, width) in 0..1."""
    images, model = checked_images(data, fitted.image_size), fitted.model
    anatomy = mapped(fitted, lambda part: _compact(model.anatomy(part), fitted.config), images)
    s = torch.from_numpy(anatomy)
    posterior = mapped(fitted, lambda s, x: torch.cat(model.modality(s.float(), x), 1), s, images)
    mean, logvar = np.split(posterior, 2, axis=1)
    return Factors(anatomy, mean, logvar)


def decode(fitted: Fitted, anatomy: np.ndarray, modality: np.ndarray) -> np.ndarray:
    """Images (image, 1, height, width) in 0..1 of s (image, channel, height, width) and z (image, modality size).

    A single s or z serves all rows of the other.
    """
    s, z = torch.as_tensor(anatomy), torch.as_tensor(modality, dtype=torch.float32)
    rows = max(len(s), len(z))
    if not {len(s), len(z)} <= {1, rows}:
        raise ValueError(f"{len(s)} anatomies and {len(z)} modalities, expected equal numbers or one of either")
    s, z = s.expand(rows, -1, -1, -1), z.expand(rows, -1)
    return mapped(fitted, lambda s, z: (fitted.model.decoder(s.float(), z) + 1) / 2, s, z)


def masks_from_anatomy(fitted: Fitted, anatomy: np.ndarray) -> np.ndarray:
    """Labels (image, height, width) uint8 that the segmentor reads from s (image, channel, height, width)."""
    s = torch.as_tensor(anatomy)
    return mapped(fitted, lambda s: fitted.model.probabilities_of(s.float()).argmax(1).to(torch.uint8), s)


def reconstruct(fitted: Fitted, data: Data) -> np.ndarray:
    """Images in 0..1 drawn from each image's own anatomy and the mean of its modality."""
    found = factors(fitted, data)
    return decode(fitted, found.anatomy, found.modality)


def swap(fitted: Fitted, anatomy_of: Data, modality_of: Data) -> np.ndarray:
    """The anatomy of row i of the first in the look of row i of the second, (image, 1, height, width) in 0..1.

    Either may be a single image, which then serves all rows of the other (section 5.3.2).
    """
    return decode(fitted, factors(fitted, anatomy_of).anatomy, factors(fitted, modality_of).modality)


def _compact(anatomy: torch.Tensor, config: SDNetConfig) -> torch.Tensor:
    return anatomy if config.rounding == "none" else anatomy.to(torch.uint8)
