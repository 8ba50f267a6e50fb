"""What an anomaly map is worth, each person: average precision, Dice, false alarms, lesions found, displacement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, generate_binary_structure, label
from sklearn.metrics import average_precision_score

from disentangle.metrics.auc import auc
from disentangle.metrics.detection import counted, dice

AREA_BINS_MM2 = (0.0, 50.0, 200.0, 1000.0, np.inf)
"""Lesions by their area in the section: below half a square centimetre, to 2, to 10, above."""
FOUND = 0.1
"""The share of a lesion's pixels above the threshold from which on it counts as found."""
DISPLACED_MM = 3.0
CLEAR_OF_LESION_MM = 7.5


@dataclass(frozen=True)
class Scored:
    """Maps of people with what is true of them.

    ``maps`` (slice, height, width); ``truth`` the lesion and ``scored`` the pixels that count, bool of the same shape;
    ``subject`` (slice,); ``pixel_mm`` the side of a pixel.
    """

    maps: np.ndarray
    truth: np.ndarray
    scored: np.ndarray
    subject: np.ndarray
    pixel_mm: float

    def __post_init__(self) -> None:
        shapes = {"truth": self.truth.shape, "scored": self.scored.shape}
        for name, found in shapes.items():
            if found != self.maps.shape:
                raise ValueError(f"{name} has the shape {found}, but anomaly maps {self.maps.shape}")
        if len(self.subject) != len(self.maps):
            raise ValueError(f"{len(self.subject)} subjects of {len(self.maps)} slices")

    def people(self) -> Iterator[tuple[object, np.ndarray]]:
        """Each person with the rows of the slices, first come first."""
        for person in dict.fromkeys(self.subject.tolist()):
            yield person, self.subject == person


def average_precisions(found: Scored) -> list[float]:
    """Average precision of each person; NaN for one without a lesion voxel."""
    values = []
    for _, rows in found.people():
        inside = found.scored[rows]
        truth = found.truth[rows][inside]
        values.append(average_precision_score(truth, found.maps[rows][inside]) if truth.any() else np.nan)
    return values


def pooled_average_precision(found: Scored) -> float:
    """Average precision of all people's voxels together."""
    return counted(found.maps[found.scored], found.truth[found.scored]).average_precision


def prevalences(found: Scored) -> list[float]:
    """Share of each person's scored voxels that are lesion: the average precision of a random score."""
    return [float(found.truth[rows][found.scored[rows]].mean()) for _, rows in found.people()]


def best_threshold(found: Scored) -> float:
    """The threshold with the largest Dice over all people's voxels together: an oracle, it knows the truth."""
    counts = counted(found.maps[found.scored], found.truth[found.scored])
    return float(counts.thresholds[counts.dice.argmax()])


def healthy_threshold(found: Scored, rate: float) -> float:
    """The score that a share ``rate`` of healthy people's voxels exceed."""
    return float(np.quantile(found.maps[found.scored], 1 - rate))


def dices(found: Scored, threshold: float) -> list[float]:
    """Dice of what exceeds a threshold, each person."""
    detected = (found.maps > threshold) & found.scored
    return [dice(detected[rows], (found.truth & found.scored)[rows]) for _, rows in found.people()]


def false_rates(found: Scored, threshold: float) -> list[float]:
    """Share of each healthy person's voxels above a threshold."""
    return [float((found.maps[rows] > threshold)[found.scored[rows]].mean()) for _, rows in found.people()]


def false_components(found: Scored, threshold: float) -> list[float]:
    """Connected false detections of at least two pixels per section, each person."""
    detected = (found.maps > threshold) & found.scored & ~found.truth
    numbers, sizes = _components(detected)
    per_slice = [len(np.unique(part[sizes[part] >= 2])) for part in numbers]
    return [float(np.mean(np.asarray(per_slice)[rows])) for _, rows in found.people()]


def lesions_found(found: Scored, threshold: float) -> list[list[int]]:
    """Each person's lesions found and lesions there are, by area: (2 * bin) numbers, found before all."""
    numbers, sizes = _components(found.truth)
    detected = (found.maps > threshold) & found.scored
    hits = np.bincount(numbers[detected], minlength=len(sizes))
    bins = np.digitize(sizes * found.pixel_mm**2, AREA_BINS_MM2) - 1
    count = len(AREA_BINS_MM2) - 1
    table = []
    for _, rows in found.people():
        own = np.setdiff1d(np.unique(numbers[rows]), [0])
        all_of = np.bincount(bins[own], minlength=count)
        found_of = np.bincount(bins[own][hits[own] >= FOUND * sizes[own]], minlength=count)
        table.append([int(value) for pair in zip(found_of, all_of, strict=True) for value in pair])
    return table


def displaced_pixels(moved_mm: np.ndarray, lesion: np.ndarray, brain: np.ndarray, pixel_mm: float) -> np.ndarray:
    """Healthy tissue pushed by at least ``DISPLACED_MM`` and clear of the lesion, all (slice, height, width)."""
    clear = np.ones_like(lesion)
    for row in np.flatnonzero(lesion.any((1, 2))):
        clear[row] = distance_transform_edt(~lesion[row]) * pixel_mm > CLEAR_OF_LESION_MM
    return (moved_mm >= DISPLACED_MM) & clear & brain


def told_from_twin(own: np.ndarray, twin: np.ndarray, where: np.ndarray) -> float | None:
    """AUC of a person's scores against those of the lesion-free twin at the same pixels; None for under 20 pixels."""
    if where.sum() < 20:
        return None
    scores = np.concatenate([own[where], twin[where]])
    return auc(scores, np.repeat([1, 0], int(where.sum())))


def _components(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the components within each slice, and their sizes by number (0: background, size 0)."""
    plane = generate_binary_structure(3, 3)
    plane[[0, 2]] = False
    numbers, _ = label(maps, plane)
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    return numbers, sizes
