"""How well a score finds the voxels of a lesion: average precision from a histogram, Dice over all thresholds.

For few voxels scikit-learn's exact value will do; sorting 10 million and more is slow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 4096


@dataclass(frozen=True)
class Counts:
    """Voxels at or above each of the falling ``thresholds`` (bin,): with a lesion, without, and all with a lesion."""

    thresholds: np.ndarray
    true: np.ndarray
    false: np.ndarray
    positives: int

    @property
    def dice(self) -> np.ndarray:
        """Dice (bin,) of what lies at or above each threshold."""
        return 2 * self.true / np.maximum(self.true + self.false + self.positives, 1)

    @property
    def average_precision(self) -> float:
        """Sum of precision times the step in recall; NaN without a lesion voxel."""
        if not self.positives:
            return float("nan")
        precision = self.true / np.maximum(self.true + self.false, 1)
        return float((np.diff(self.true, prepend=0) * precision).sum() / self.positives)


def counted(scores: np.ndarray, truth: np.ndarray, bins: int = BINS) -> Counts:
    """Counts over ``bins`` bins that hold about equally many of the different scores.

    Parameters
    ----------
    scores, truth : arrays of one shape
        ``truth`` bool. Raises ValueError for other shapes and for scores that are not finite.
    """
    scores, truth = np.asarray(scores, np.float32).ravel(), np.asarray(truth, bool).ravel()
    if scores.shape != truth.shape or not len(scores):
        raise ValueError(f"{scores.shape} scores and {truth.shape} voxels of truth, expected equally many and some")
    if not np.isfinite(scores).all():
        raise ValueError(f"{int((~np.isfinite(scores)).sum())} of {len(scores)} scores are not finite")
    sample = scores if len(scores) <= 2_000_000 else scores[:: len(scores) // 1_000_000]
    edges = np.unique(np.quantile(sample, np.linspace(0, 1, bins + 1), method="lower"))
    edges[0] = min(edges[0], scores.min())
    place = np.searchsorted(edges, scores, side="right") - 1
    true, every = (np.bincount(place[rows], minlength=len(edges)) for rows in (truth, slice(None)))
    true, every = true[::-1].cumsum(), every[::-1].cumsum()
    return Counts(edges[::-1], true, every - true, int(truth.sum()))


def dice(detected: np.ndarray, truth: np.ndarray) -> float:
    """Overlap of two bool arrays; 1 where both are empty."""
    both = int(detected.sum()) + int(truth.sum())
    return 2 * int((detected & truth).sum()) / both if both else 1.0
