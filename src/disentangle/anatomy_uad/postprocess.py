"""What follows every method's raw score alike: median filter, eroded brain, small components, two sequences in one."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt, generate_binary_structure, label, median_filter

from disentangle.anatomy_uad.config import ScoreConfig


def finished(raw: np.ndarray, brain: np.ndarray, spacing_mm: np.ndarray, config: ScoreConfig) -> np.ndarray:
    """Anomaly maps (slice, height, width) float32: the raw ones filtered in their plane, 0 outside the eroded brain.

    The filter sees 0 outside the brain. Raises ValueError where a raw score in the brain is not finite.
    """
    if raw.shape != brain.shape:
        raise ValueError(f"scores have the shape {raw.shape}, but brain masks {brain.shape}")
    if not np.isfinite(raw[brain]).all():
        row = int(np.flatnonzero((~np.isfinite(raw) & brain).reshape(len(raw), -1).any(1))[0])
        raise ValueError(f"slice {row}: the score is not finite in the brain")
    smooth = median_filter(np.where(brain, raw, 0).astype(np.float32), (1, config.median, config.median))
    return np.where(eroded(brain, spacing_mm, config.erosion_mm), smooth, np.float32(0))


def eroded(brain: np.ndarray, spacing_mm: np.ndarray, erosion_mm: float) -> np.ndarray:
    """Pixels of (slice, height, width) farther than ``erosion_mm`` from the nearest one outside, each slice by itself.

    What lies beyond the image is outside. ``spacing_mm`` is (slice, 2).
    """
    if not erosion_mm:
        return brain.copy()
    kept = np.zeros_like(brain)
    for row in np.flatnonzero(brain.any((1, 2))):
        distance = distance_transform_edt(np.pad(brain[row], 1), sampling=spacing_mm[row])
        kept[row] = distance[1:-1, 1:-1] > erosion_mm
    return kept


def without_small_components(detected: np.ndarray, least: int) -> np.ndarray:
    """Detections (depth, height, width) bool without components of fewer than ``least`` voxels, 26-connected."""
    numbers, _ = label(detected, generate_binary_structure(3, 3))
    sizes = np.bincount(numbers.ravel())
    keep = sizes >= least
    keep[0] = False
    return keep[numbers]


def combined(maps: list[np.ndarray], healthy_quantiles: list[float]) -> np.ndarray:
    """The mean of the score maps of several sequences, each in units of its own quantile on healthy people."""
    if len(maps) != len(healthy_quantiles) or not maps:
        raise ValueError(f"{len(maps)} maps and {len(healthy_quantiles)} quantiles, expected one quantile a map")
    if min(healthy_quantiles) <= 0:
        raise ValueError(f"quantiles on healthy people are {healthy_quantiles}, expected all above 0")
    scaled = [values / quantile for values, quantile in zip(maps, healthy_quantiles, strict=True)]
    return np.mean(scaled, axis=0, dtype=np.float32)
