"""How sharp and how noisy a scan is, measured roughly in the scan itself.

Both are estimates from one picture: the edge of the body stands in for a phantom's wire, even tissue for water.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

BLOCK = 8  # pixels
TISSUE_HU = (-60.0, 220.0)
LUNG_HU = (-990.0, -700.0)  # above the floor that some files have, which cuts the noise
# MTF of a Gaussian of sd s is exp(-2 pi^2 s^2 f^2), one half at sqrt(ln 2 / 2) / (pi s).
F50_TIMES_SD = math.sqrt(math.log(2) / 2) / math.pi
_QUARTILES_OF_SD = 1.349  # between the quartiles of a normal distribution
_OUTSIDE_MM, _STEP_MM = 8.0, 0.2
_SLICES = 16  # as many are measured, evenly spread


@dataclass(frozen=True)
class Quality:
    """``f50``: where the MTF is about one half, cycles/mm. Noise (sd, HU) in soft tissue, and the texture of the
    evenest lung, which its noise cannot exceed. NaN where nothing could be measured."""

    f50: float
    noise_hu: float
    lung_sd_hu: float


def measure(hu: np.ndarray, lung: np.ndarray, spacing_mm: tuple[float, float]) -> Quality:
    """Quality of a volume in HU with its lung, both (slice, row, column), from 16 of the slices."""
    some = np.unique(np.linspace(0, len(hu) - 1, _SLICES).round().astype(int))
    hu, lung = hu[some], lung[some]
    return Quality(
        f50=edge_f50(hu, spacing_mm[0]),
        noise_hu=even_sd(hu, TISSUE_HU, 25),
        lung_sd_hu=even_sd(np.where(lung, hu, np.nan), LUNG_HU, 5),
    )


def even_sd(hu: np.ndarray, between_hu: tuple[float, float], percentile: float) -> float:
    """Standard deviation in the evenest blocks of 8 x 8 pixels whose values all lie in a range.

    Of each block the best quadratic surface is taken off; of all blocks a low percentile is returned, because
    anatomy adds to most of them. A block with a NaN is left out; the result is NaN below 20 blocks.
    """
    values = _blocks(hu, between_hu)
    if len(values) < 20:
        return math.nan
    row, column = np.mgrid[:BLOCK, :BLOCK].reshape(2, -1) / BLOCK
    surface, _ = np.linalg.qr(np.stack([np.ones_like(row), row, column, row**2, row * column, column**2], 1))
    rest = values - (values @ surface) @ surface.T
    sd = np.sqrt((rest**2).sum(1) / (BLOCK**2 - surface.shape[1]))
    return float(np.percentile(sd, percentile))


def _blocks(hu: np.ndarray, between_hu: tuple[float, float]) -> np.ndarray:
    """Non-overlapping blocks inside a range of values, (block, 64)."""
    rows, columns = (size // BLOCK * BLOCK for size in hu.shape[1:])
    tiles = hu[:, :rows, :columns].reshape(len(hu), rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
    tiles = tiles.swapaxes(2, 3).reshape(-1, BLOCK * BLOCK)
    low, high = between_hu
    return tiles[(tiles.min(1) > low) & (tiles.max(1) < high)].astype(float)


def edge_f50(hu: np.ndarray, pixel_mm: float) -> float:
    """Frequency (cycles/mm) at which the MTF is one half, from profiles across the skin.

    Along the steepest way from air into the body, the distance between 25 and 75 % of the step gives the sd of a
    Gaussian. Skin that is slanted through the slice only blurs, so the quarter of the sharpest profiles counts.
    NaN below 100 profiles.
    """
    widths = np.concatenate([_edge_widths(picture, pixel_mm) for picture in hu]) if len(hu) else np.zeros(0)
    if len(widths) < 100:
        return math.nan
    return F50_TIMES_SD / float(np.percentile(widths, 25))


def _edge_widths(picture: np.ndarray, pixel_mm: float) -> np.ndarray:
    """Gaussian sd (mm) of each clean step from air into soft tissue around the largest body of a slice."""
    body = _body(picture)
    row, column = np.nonzero(body & ~ndimage.binary_erosion(body))
    if len(row) == 0:
        return np.zeros(0)
    slope = np.stack([ndimage.gaussian_filter(picture, 2, order=order)[row, column] for order in ((1, 0), (0, 1))])
    slope = slope / (np.linalg.norm(slope, axis=0) + 1e-9)
    at = np.arange(-_OUTSIDE_MM, _OUTSIDE_MM, _STEP_MM)
    points = [start[:, None] + way[:, None] * at / pixel_mm for start, way in zip((row, column), slope, strict=True)]
    profiles = ndimage.map_coordinates(picture, points, order=3, mode="nearest")
    return _widths(profiles)


def _widths(profiles: np.ndarray) -> np.ndarray:
    ends = int(3 / _STEP_MM)
    outside, inside = profiles[:, :ends], profiles[:, -ends:]
    clean = (outside.max(1) < -930) & (np.abs(np.median(inside, 1)) < 180) & (inside.std(1) < 50)
    profiles, low, high = profiles[clean], np.median(outside[clean], 1), np.median(inside[clean], 1)
    share = (profiles - low[:, None]) / (high - low)[:, None]
    return (_crossing(share, 0.75) - _crossing(share, 0.25)) * _STEP_MM / _QUARTILES_OF_SD


def _crossing(share: np.ndarray, level: float) -> np.ndarray:
    """Where each profile first passes a level, in samples, linear between two of them."""
    after = np.argmax(share > level, axis=1)
    each = np.arange(len(share))
    before, beyond = share[each, after - 1], share[each, after]
    return after - (beyond - level) / (beyond - before)


def _body(picture: np.ndarray) -> np.ndarray:
    """The largest region that is not air, filled."""
    regions, count = ndimage.label(ndimage.binary_opening(picture > -300, iterations=3))
    if count == 0:
        return np.zeros(picture.shape, bool)
    sizes = np.bincount(regions.ravel())[1:]
    return ndimage.binary_fill_holes(regions == 1 + sizes.argmax())
