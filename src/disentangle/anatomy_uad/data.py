"""Cohorts as the detector takes them: pairs of two sequences to learn from, slices of one sequence to be scored."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from disentangle.cache import checksum
from disentangle.imaging.cohort import Cohort

_SAMPLE = 20_000
_STARTS = (0.08, 0.45, 0.85)  # quantiles inside the brain at which the search for three tissues begins
_SLACK = 1e-3


@dataclass(frozen=True)
class Slices:
    """Slices of one sequence.

    ``images`` (slice, height, width) float32 in 0..1 and 0 outside the brain; ``brain`` the same shape, bool;
    ``sequence`` its name; ``spacing_mm`` (slice, 2); ``subject`` (slice,).
    """

    images: np.ndarray
    brain: np.ndarray
    sequence: str
    spacing_mm: np.ndarray
    subject: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Pairs:
    """Slices of healthy people in two registered sequences, the first a T1: ``first`` and ``second``, row by row."""

    first: Slices
    second: Slices

    def __len__(self) -> int:
        return len(self.first)

    @property
    def sha256(self) -> str:
        parts = (self.first.images, self.second.images, self.first.brain)
        return checksum(*parts, np.asarray(self.first.subject, dtype=np.bytes_))


def slices_of(cohort: Cohort, sequence: str, *, twins: bool = False) -> Slices:
    """One sequence of a cohort whose ``extra`` has ``modalities`` (a name a channel) and ``brain_masks``.

    ``twins`` takes the lesion-free twins of a simulated cohort instead. Raises ValueError for an absent sequence, a
    mask of another grid, values outside 0..1.
    """
    names = list(cohort.extra.get("modalities", ()))
    if sequence not in names:
        raise ValueError(f"cohort {cohort.name} has no sequence {sequence!r}, its extra['modalities'] are {names}")
    if twins and cohort.extra.get("twins") is None:
        raise ValueError(f"cohort {cohort.name} has no extra['twins']")
    images, brain = cohort.extra["twins"] if twins else cohort.images, _brain_of(cohort)
    return checked_slices(
        images[:, names.index(sequence)],
        brain,
        sequence,
        cohort.spacing_mm[:, -2:],
        cohort.samples["subject"].to_numpy(),
        where=f"cohort {cohort.name}, {sequence}",
    )


def _brain_of(cohort: Cohort) -> np.ndarray:
    """The masks of the brain (slice, height, width): ``extra["brain_masks"]``, or in a set that was read its labels."""
    masks, names = cohort.extra.get("brain_masks"), cohort.extra.get("labels", {})
    if masks is None and cohort.labels is not None and "brain" in names:
        return cohort.labels > 0
    if masks is None:
        raise ValueError(f"cohort {cohort.name} has no extra['brain_masks'], nor a label 'brain' among {sorted(names)}")
    return masks


def checked_slices(
    images: np.ndarray,
    brain: np.ndarray,
    sequence: str,
    spacing_mm: np.ndarray | float = 1.0,
    subject: np.ndarray | None = None,
    *,
    where: str = "slices",
) -> Slices:
    """Slices of arrays (slice, height, width); a mask of fractions counts from one half on.

    Raises ValueError naming ``where`` when shapes differ or values are not finite in 0..1. Values of at most 0.001
    beyond are clipped.
    """
    images, brain = np.asarray(images, np.float32), np.asarray(brain)
    if images.ndim != 3 or not len(images):
        raise ValueError(f"{where}: images have the shape {images.shape}, expected (slice, height, width)")
    if brain.shape != images.shape:
        raise ValueError(f"{where}: brain masks have the shape {brain.shape}, but images {images.shape}")
    low, high = float(images.min()), float(images.max())
    if not (low >= -_SLACK and high <= 1 + _SLACK):
        raise ValueError(f"{where}: values lie in {low:g}..{high:g}, expected finite values in 0..1")
    brain = brain if brain.dtype == bool else brain > 0.5
    images = np.where(brain, images.clip(0, 1), np.float32(0))
    spacing = np.broadcast_to(np.asarray(spacing_mm, np.float32), (len(images), 2))
    subject = np.zeros(len(images), dtype=int) if subject is None else np.asarray(subject)
    return Slices(images, brain, sequence, spacing, subject)


def pairs_of(data: Cohort | Pairs, sequences: tuple[str, str]) -> Pairs:
    """Pairs of the two sequences of a cohort of healthy people.

    Raises ValueError where a lesion is outlined: the detector learns from healthy slices alone.
    """
    if isinstance(data, Pairs):
        found = (data.first.sequence, data.second.sequence)
        if found != tuple(sequences):
            raise ValueError(f"pairs are of the sequences {found}, expected {tuple(sequences)}")
        return data
    if data.masks is not None and data.masks.any():
        sick = sorted(set(data.samples["subject"][np.asarray(data.masks).reshape(len(data), -1).any(1)]))
        raise ValueError(f"cohort {data.name}: {len(sick)} people have lesions, such as {sick[0]!r}; expected healthy")
    first, second = (slices_of(data, name) for name in sequences)
    return Pairs(first, second)


def tissue_means(slices: Slices) -> dict[object, np.ndarray]:
    """Per person the three mean grey levels, rising, of a k-means of the brain's pixels: CSF, grey, white on T1."""
    return {person: _three_means(slices, person) for person in np.unique(slices.subject)}


def standardised(slices: Slices, means: dict[object, np.ndarray], levels: tuple[float, float, float]) -> np.ndarray:
    """Images (slice, height, width) whose person's tissue means lie at ``levels``, linear between them.

    Darker than the first and brighter than the last keeps the distance to it, within 0..1. So the nearest level of a
    pixel is the tissue whose mean was nearest before.
    """
    moved = np.zeros_like(slices.images)
    for person, found in means.items():
        rows = slices.subject == person
        knots = np.concatenate([[found[0] - 1], found, [found[2] + 1]])
        values = np.concatenate([[levels[0] - 1], levels, [levels[2] + 1]])
        moved[rows] = np.interp(slices.images[rows], knots, values)
    return np.where(slices.brain, moved.clip(0, 1), 0).astype(np.float32)


def training_tensors(pairs: Pairs, levels: tuple[float, float, float] | None) -> tuple[dict[str, Tensor], Tensor]:
    """``image`` (pair, 2, height, width), ``brain`` and ``prior`` (pair, 1, height, width); and the three levels.

    ``prior`` is the first sequence standardised to the levels; levels None are the means over people.
    """
    if not np.array_equal(pairs.first.brain, pairs.second.brain):
        raise ValueError("the two sequences of the pairs have different brain masks")
    means = tissue_means(pairs.first)
    levels = tuple(np.mean(list(means.values()), axis=0).tolist()) if levels is None else levels
    prior = standardised(pairs.first, means, levels)
    tensors = {
        "image": torch.from_numpy(np.stack([pairs.first.images, pairs.second.images], 1)),
        "brain": torch.from_numpy(pairs.first.brain)[:, None],
        "prior": torch.from_numpy(prior)[:, None],
    }
    return tensors, torch.tensor(levels, dtype=torch.float32)


def check_multiple(slices: Slices, multiple: int) -> None:
    """Raise ValueError unless height and width are divisible by ``multiple``."""
    if slices.images.shape[1] % multiple or slices.images.shape[2] % multiple:
        raise ValueError(f"slices are {slices.images.shape[1:]}, expected both sides divisible by {multiple}")


def _three_means(slices: Slices, person: object) -> np.ndarray:
    rows = slices.subject == person
    values = slices.images[rows][slices.brain[rows]].astype(np.float64)
    values = values[:: max(1, len(values) // _SAMPLE)]
    if len(np.unique(values)) < 3:
        raise ValueError(
            f"person {person!r}: the {slices.sequence} has {len(np.unique(values))} grey values in the brain"
        )
    starts = np.quantile(values, _STARTS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = KMeans(3, init=starts[:, None], n_init=1).fit(values[:, None]).cluster_centers_
    means = np.sort(found[:, 0])
    if np.diff(means).min() < 1e-6:
        raise ValueError(f"person {person!r}: no three tissues in the {slices.sequence}, means are {means.round(4)}")
    return means
