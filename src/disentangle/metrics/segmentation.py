"""How well predicted labels cover true ones: Dice by volume or by slice, the released SDNet score, HD95.

Slices come one label image each, in lists whose grids may differ from person to person. A structure is given as
name -> label. Volumes or slices in which nobody drew the structure have no Dice (NaN), except in the released score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

Slices = Sequence[np.ndarray] | np.ndarray
RELEASED_SMOOTHING = 0.1
PERCENTILE = 95


class Overlap(NamedTuple):
    """Pixels of each structure in each slice: in both, in the truth, in the prediction; (slice, structure) each."""

    shared: np.ndarray
    true: np.ndarray
    predicted: np.ndarray

    def dice(self) -> np.ndarray:
        """2 shared / (true + predicted); NaN where the truth is empty, whatever was predicted."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(self.true > 0, 2 * self.shared / (self.true + self.predicted), np.nan)

    def released(self) -> np.ndarray:
        """(2 shared + 0.1) / (true + predicted + 0.1): 1 where both are empty, near 0 where the truth alone is."""
        return (2 * self.shared + RELEASED_SMOOTHING) / (self.true + self.predicted + RELEASED_SMOOTHING)


def overlap(truth: Slices, predicted: Slices, structures: Mapping[str, int]) -> Overlap:
    """Counts of the pixels of each structure. ``truth`` and ``predicted`` are label images, one a slice."""
    _check(truth, predicted)
    counts = np.zeros((3, len(truth), len(structures)))
    for row, (true, found) in enumerate(zip(truth, predicted, strict=True)):
        for column, label in enumerate(structures.values()):
            drawn, guessed = np.asarray(true) == label, np.asarray(found) == label
            counts[:, row, column] = (drawn & guessed).sum(), drawn.sum(), guessed.sum()
    return Overlap(*counts)


def dice_by_slice(truth: Slices, predicted: Slices, structures: Mapping[str, int]) -> pd.DataFrame:
    """Dice of each slice, a column a structure; NaN where the truth has none."""
    return pd.DataFrame(overlap(truth, predicted, structures).dice(), columns=list(structures))


def dice_by_volume(
    truth: Slices, predicted: Slices, volumes: pd.DataFrame, structures: Mapping[str, int]
) -> pd.DataFrame:
    """3D Dice: all slices of a volume counted together.

    Parameters
    ----------
    truth, predicted : label images, one a slice
    volumes : DataFrame, one row a slice
        Its columns name the volume, such as subject and phase.
    structures : name -> label

    Returns
    -------
    DataFrame indexed by the columns of ``volumes``, a column a structure; NaN where the truth has none.
    """
    if len(volumes) != len(truth):
        raise ValueError(f"{len(truth)} slices but {len(volumes)} rows that name their volumes")
    keys = [volumes[name].to_numpy() for name in volumes]
    counts = [pd.DataFrame(part, columns=list(structures)) for part in overlap(truth, predicted, structures)]
    sums = [part.groupby(keys, sort=False).sum().rename_axis(list(volumes)) for part in counts]
    return pd.DataFrame(Overlap(*(s.to_numpy() for s in sums)).dice(), index=sums[0].index, columns=list(structures))


def released_dice(
    truth: Slices, probabilities: Slices, subjects: Sequence, structures: Mapping[str, int]
) -> pd.DataFrame:
    """The score of the SDNet release: smoothed 2D Dice of each slice, then the mean over a person's slices.

    Parameters
    ----------
    truth : label images, one a slice
    probabilities : arrays (1 + classes, height, width), one a slice, background first
        Channel ``label`` belongs to the structure of that label; rounded at one half for the single structures.
    subjects : sequence
        The person of each slice.

    Returns
    -------
    DataFrame indexed by subject, a column a structure and ``average``, which is not their mean: all structures are
    pooled into one sum, and probabilities are not rounded.

    Notes
    -----
    Read in the authors' code (agis85/anatomy_modality_decomposition). A slice without the structure, rightly left
    empty, counts 1.
    """
    if not len(truth) == len(probabilities) == len(subjects):
        raise ValueError(f"{len(truth)} slices, {len(probabilities)} predictions and {len(subjects)} subjects")
    rows = [_released_row(true, found, structures) for true, found in zip(truth, probabilities, strict=True)]
    return pd.DataFrame(rows).groupby(np.asarray(subjects), sort=False).mean().rename_axis("subject")


def hausdorff_95_mm(truth: np.ndarray, predicted: np.ndarray, spacing_mm: Sequence[float]) -> float:
    """95th percentile of the distances between two surfaces in mm, the larger of both directions (MONAI).

    ``truth`` and ``predicted`` are bool volumes (slice, row, column), ``spacing_mm`` is along these axes. NaN where
    the truth is empty, infinite where the prediction alone is. Raises ValueError for an unknown spacing.
    """
    from monai.metrics import compute_hausdorff_distance  # slow to load

    spacing = [float(step) for step in spacing_mm]
    if not np.isfinite(spacing).all() or min(spacing) <= 0:
        raise ValueError(f"spacing is {spacing} mm, expected positive numbers: distances need a known grid")
    truth, predicted = np.asarray(truth, bool), np.asarray(predicted, bool)
    if truth.shape != predicted.shape or truth.ndim != len(spacing):
        raise ValueError(f"truth is {truth.shape}, prediction {predicted.shape}, spacing has {len(spacing)} axes")
    if not truth.any():
        return float("nan")
    if not predicted.any():
        return float("inf")
    found = compute_hausdorff_distance(
        predicted[None, None], truth[None, None], include_background=True, percentile=PERCENTILE, spacing=spacing
    )
    return float(found)


def _released_row(truth: np.ndarray, probabilities: np.ndarray, structures: Mapping[str, int]) -> dict[str, float]:
    labels = list(structures.values())
    drawn = np.stack([np.asarray(truth) == label for label in labels]).reshape(len(labels), -1).astype(float)
    guess = np.asarray(probabilities, float)[labels].reshape(len(labels), -1)
    if guess.shape != drawn.shape:
        raise ValueError(f"probabilities are {np.shape(probabilities)}, the truth {np.shape(truth)}")
    hard = np.round(guess)
    single = Overlap((hard * drawn).sum(1), drawn.sum(1), hard.sum(1)).released()
    pooled = Overlap((guess * drawn).sum(), drawn.sum(), guess.sum()).released()
    return dict(zip(structures, single, strict=True)) | {"average": float(pooled)}


def _check(truth: Slices, predicted: Slices) -> None:
    if len(truth) != len(predicted):
        raise ValueError(f"{len(truth)} true label images but {len(predicted)} predicted ones")
    for at, (true, found) in enumerate(zip(truth, predicted, strict=True)):
        if np.shape(true) != np.shape(found):
            raise ValueError(f"slice {at}: the truth is {np.shape(true)} but the prediction {np.shape(found)}")
