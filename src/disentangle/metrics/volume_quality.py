"""How near a drawn volume is to the true one, region by region: PSNR, NMSE and SSIM in 3D, grey values in 0..1.

A background that both have for nothing raises every number over the whole volume, so each is asked within regions. Also
the scores of PUIR's released test script, whose conventions differ.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

C1, C2 = 0.01**2, 0.03**2
SIGMA = 1.5  # Wang et al. 2004, IEEE TIP 13:600
WINDOW = 7
"""Voxels: the usual 11 would span a third of a volume of 32."""
BACKGROUND = -0.35
"""Z-scored values below are background to the released code."""


def psnr(truth: np.ndarray, drawn: np.ndarray, region: np.ndarray | None = None) -> float:
    """10 log10(1 / mean square error) within a region, dB: data range 1. NaN in an empty one, infinite if perfect."""
    error = _within(truth, drawn, region)
    if not error[0].size:
        return float("nan")
    mean = float(np.mean((error[0] - error[1]) ** 2))
    return float("inf") if mean == 0 else -10 * float(np.log10(mean))


def nmse(truth: np.ndarray, drawn: np.ndarray, region: np.ndarray | None = None) -> float:
    """Sum of square errors over that of square true values within a region; NaN in an empty or black one."""
    true, found = _within(truth, drawn, region)
    total = float(np.sum(true**2))
    return float(np.sum((true - found) ** 2)) / total if total else float("nan")


def ssim_volume(truth: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Structural similarity at each voxel of volumes (depth, height, width): Gaussian windows of 7 voxels."""

    def blur(voxels: np.ndarray) -> np.ndarray:
        return gaussian_filter(voxels, SIGMA, radius=WINDOW // 2)

    x, y = np.asarray(truth, float), np.asarray(drawn, float)
    mean_x, mean_y = blur(x), blur(y)
    var_x, var_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    cov = blur(x * y) - mean_x * mean_y
    return ((2 * mean_x * mean_y + C1) * (2 * cov + C2)) / ((mean_x**2 + mean_y**2 + C1) * (var_x + var_y + C2))


def quality(
    truth: np.ndarray, drawn: np.ndarray, regions: Mapping[str, np.ndarray | None]
) -> dict[str, dict[str, float]]:
    """``psnr``, ``nmse`` and ``ssim`` (mean over the region's voxels) of a volume in each named region.

    A region is a bool array like the volumes, or None for all voxels; for SSIM that is all whose window lies inside.
    Raises ValueError for volumes of different shapes.
    """
    truth, drawn = np.asarray(truth, float), np.asarray(drawn, float)
    if truth.shape != drawn.shape:
        raise ValueError(f"the true volume is {truth.shape}, the drawn one {drawn.shape}")
    similar, inner = ssim_volume(truth, drawn), (slice(WINDOW // 2, -(WINDOW // 2)),) * 3
    found = {}
    for name, region in regions.items():
        at = similar[inner] if region is None else similar[region]
        found[name] = {
            "psnr": psnr(truth, drawn, region),
            "nmse": nmse(truth, drawn, region),
            "ssim": float(at.mean()) if at.size else float("nan"),
        }
    return found


def released_scores(truth: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """PSNR (dB) and SSIM of each modality as PUIR's released test script has them, (modality,) each.

    ``truth`` and ``drawn`` (modality, depth, height, width). True volumes are z-scored one by one over all voxels, the
    drawn ones together (a slip of axes there); drawn background is replaced by the true one; the data range is the
    larger of the two ranges; SSIM has uniform windows. These need the truth, so no user could have them.
    """
    truth, drawn = np.asarray(truth, float), np.asarray(drawn, float)
    axes = (1, 2, 3)
    true = (truth - truth.mean(axes, keepdims=True)) / truth.std(axes, keepdims=True)
    found = (drawn - drawn.mean()) / max(float(drawn.std()), 1e-8)
    found = np.where(true < BACKGROUND, true, found)
    scores = []
    for x, y in zip(true, found, strict=True):
        span = max(np.ptp(x), np.ptp(y))
        error = max(float(np.mean((x - y) ** 2)), 1e-12)
        scores.append((10 * np.log10(span**2 / error), structural_similarity(x, y, data_range=span)))
    return tuple(np.array(scores).T)


def _within(truth: np.ndarray, drawn: np.ndarray, region: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    true, found = np.asarray(truth, float), np.asarray(drawn, float)
    return (true.ravel(), found.ravel()) if region is None else (true[region], found[region])
