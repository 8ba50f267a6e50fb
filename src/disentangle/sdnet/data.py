"""Cohorts with some labels withheld, as batches: labelled, unlabelled and mask streams in one step.

Images enter in 0..1, as cohorts hold them, and are in -1..1 from here on, as in the paper.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from disentangle.batches import Batches
from disentangle.cache import checksum
from disentangle.device import mixed_seed
from disentangle.imaging.cohort import Cohort

UNKNOWN = -1
Data = Cohort | np.ndarray
Rows = np.ndarray


@dataclass(frozen=True)
class TrainingData:
    """Tensors of all images with the rows that each purpose may use.

    ``images`` (image, 1, side, side) in -1..1; ``labels`` (image, side, side) int8, -1 wherever a label is
    withheld. Rows: ``labelled`` for the supervised terms, ``unlabelled`` for those without labels; and where there is a
    discriminator, ``masks`` whose labels it sees as real, ``pool`` whose predictions it sees (of both kinds).
    """

    images: Tensor
    labels: Tensor
    rows: dict[str, Tensor]

    @property
    def sha256(self) -> str:
        return checksum(self.images, self.labels, *(self.rows[name] for name in sorted(self.rows)))


class Streams:
    """What the training loop draws from: one shuffled stream for each purpose, all rotated at random.

    The batch of a step depends on (seed, step) alone. It has ``NAME_image`` (batch, 1, side, side) for the streams
    labelled, unlabelled and pool, and ``NAME_label`` (batch, side, side) for labelled and masks; streams without rows
    are left out. ``rotation`` is the largest angle in degrees; an image and its labels turn together.
    """

    CONTENT = {
        "labelled": ("image", "label"),
        "unlabelled": ("image",),
        "masks": ("label",),
        "pool": ("image",),
    }

    def __init__(self, data: TrainingData, batch_size: int, seed: int, rotation: float = 0.0):
        self.tensors = {"image": data.images, "label": data.labels}
        self.rows, self.seed, self.rotation = len(data.images), seed, rotation
        self.streams = {
            name: Batches({"row": rows}, batch_size, mixed_seed(seed, name))
            for name, rows in data.rows.items()
            if len(rows)
        }

    def to(self, device: torch.device) -> Streams:
        self.tensors = {name: tensor.to(device) for name, tensor in self.tensors.items()}
        for stream in self.streams.values():
            stream.to(device)
        return self

    def at(self, step: int) -> dict[str, Tensor]:
        """The batches of a step."""
        generator = torch.Generator().manual_seed(mixed_seed(self.seed, "rotation", step))
        batch = {}
        for name, stream in self.streams.items():
            row = stream.at(step)["row"]
            angles = (2 * torch.rand(len(row), generator=generator) - 1) * math.radians(self.rotation)
            for part in self.CONTENT[name]:
                found = self.tensors[part][row]
                batch[f"{name}_{part}"] = rotated(found, angles) if self.rotation else found
        return batch


def training_data(
    cohort: Cohort, classes: int, side: int, labelled: Rows, unlabelled: Rows | None, masks: str | None
) -> TrainingData:
    """Withhold every label that neither supervision nor the discriminator may see.

    ``labelled`` and ``unlabelled`` select images, as booleans or row numbers; ``unlabelled`` None means all images,
    their labels withheld. ``masks``: the discriminator's, ``labelled`` or ``all``, None where there is none. Raises
    ValueError for images, labels or rows that do not fit.
    """
    images, labels = checked_images(cohort, side), checked_labels(cohort, classes)
    known = (labels >= 0).flatten(1).all(1)
    chosen = _numbers(labelled, len(images), "labelled")
    if len(chosen) < 2:
        raise ValueError(f"{len(chosen)} images are labelled, expected at least 2")
    if not known[chosen].all():
        absent = int(chosen[~known[chosen]][0])
        raise ValueError(f"cohort {cohort.name}: image {absent} is to be labelled but has no labels")
    pool = torch.arange(len(images)) if unlabelled is None else _numbers(unlabelled, len(images), "unlabelled")
    rows = {"labelled": chosen, "unlabelled": pool}
    if masks is not None and len(pool):
        rows["masks"] = known.nonzero().squeeze(1) if masks == "all" else chosen
        rows["pool"] = torch.cat([chosen, pool]).unique()
    seen = torch.zeros(len(images), dtype=torch.bool)
    seen[torch.cat([chosen, rows.get("masks", chosen)])] = True
    labels = torch.where(seen[:, None, None], labels, UNKNOWN).to(torch.int8)
    return TrainingData(images, labels, rows)


def validation_tensors(training: Cohort, validation: Cohort | None, classes: int, side: int) -> dict | None:
    """``labelled_image`` and ``labelled_label`` of other people; raises ValueError where a person is in both."""
    if validation is None:
        return None
    both = sorted(set(training.samples["subject"]) & set(validation.samples["subject"]))
    if both:
        raise ValueError(f"{len(both)} people are in training and in validation, such as {both[0]!r}")
    labels = checked_labels(validation, classes)
    if (labels < 0).any():
        raise ValueError(f"cohort {validation.name}: validation needs labels on every image")
    return {"labelled_image": checked_images(validation, side), "labelled_label": labels}


def checked_images(data: Data, side: int) -> Tensor:
    """Images in -1..1; raises ValueError unless they are (image, 1, side, side), finite and in 0..1."""
    images = np.asarray(data.images if isinstance(data, Cohort) else data, dtype=np.float32)
    if images.ndim != 4 or images.shape[1:] != (1, side, side) or not len(images):
        raise ValueError(f"images have the shape {images.shape}, expected (images, 1, {side}, {side})")
    low, high = float(images.min()), float(images.max())
    if not (low >= -1e-4 and high <= 1 + 1e-4):
        raise ValueError(f"image values lie in {low:g}..{high:g}, expected finite values in 0..1")
    return torch.from_numpy(2 * images - 1)


def checked_labels(cohort: Cohort, classes: int) -> Tensor:
    """Labels (image, height, width) int8; raises ValueError unless they are -1 (unknown) to ``classes``."""
    if cohort.labels is None:
        raise ValueError(f"cohort {cohort.name} has no labels")
    labels, grid = np.asarray(cohort.labels), (len(cohort), *cohort.images.shape[-2:])
    if labels.shape != grid:
        raise ValueError(f"cohort {cohort.name}: labels have the shape {labels.shape}, expected {grid}")
    foreign = sorted(set(np.unique(labels).tolist()) - set(range(UNKNOWN, classes + 1)))
    if foreign:
        raise ValueError(f"cohort {cohort.name}: unknown labels {foreign[:5]}, expected -1 (unknown) to {classes}")
    return torch.from_numpy(labels.astype(np.int8))


def rotated(maps: Tensor, angles: Tensor) -> Tensor:
    """Each image (batch, 1, side, side) or label map (batch, side, side) turned by its angle in radians.

    Images are interpolated linearly, labels by the nearest; what comes from outside repeats the border.
    """
    is_label = maps.ndim == 3
    cosine, sine, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
    turns = torch.stack([torch.stack([cosine, -sine, zero], 1), torch.stack([sine, cosine, zero], 1)], 1)
    values = maps[:, None].float() if is_label else maps
    grid = F.affine_grid(turns.to(maps.device), list(values.shape), align_corners=False)
    mode = "nearest" if is_label else "bilinear"
    turned = F.grid_sample(values, grid, mode=mode, padding_mode="border", align_corners=False)
    return turned[:, 0].to(maps.dtype) if is_label else turned


def data_parts(data: TrainingData, validation: Mapping[str, Tensor] | None) -> dict[str, str]:
    """Checksums of the data, as parts of a cache key."""
    return {"data": data.sha256, "validation": checksum(*(validation or {"": None}).values())}


def _numbers(rows: Rows, count: int, purpose: str) -> Tensor:
    """Row numbers from booleans or numbers, each once."""
    rows = np.asarray(rows)
    if rows.dtype == bool:
        if rows.shape != (count,):
            raise ValueError(f"{purpose}: {rows.shape} booleans, expected one for each of {count} images")
        rows = np.flatnonzero(rows)
    if rows.size and not np.issubdtype(rows.dtype, np.integer):
        raise ValueError(f"{purpose}: values of type {rows.dtype}, expected booleans or row numbers")
    if len(rows) == count > 2 and set(np.unique(rows).tolist()) <= {0, 1}:
        raise ValueError(f"{purpose}: {count} zeros and ones, one an image: give booleans, these count as row numbers")
    rows = np.unique(rows.astype(np.int64))
    if len(rows) and not (rows[0] >= 0 and rows[-1] < count):
        raise ValueError(f"{purpose}: rows lie in {rows[0]}..{rows[-1]}, expected 0..{count - 1}")
    return torch.from_numpy(rows)
