"""FDG-PET and CT volumes of the same heads (PUIR digest, section 12.5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from disentangle.imaging.glioma.heads import AROUND, PARTS

MODALITIES = ("PET", "CT")
KERNELS = {"soft": (4.0, 45.0), "sharp": (9.0, 11.0)}
"""SD of the noise in HU, and the volume in mm3 over which noise is one draw."""
SUVR = {
    "csf": 0.1,
    "gm": 4.0,
    "deep_gm": 4.0,
    "wm": 1.0,
    "necrosis": 0.3,
    "oedema": 0.7,
    "outer_csf": 0.1,
    "bone": 0.5,
    "scalp": 0.5,
}
"""Uptake over that of white matter; solid tumour is drawn for each person."""
HU = {
    "csf": 7.0,
    "gm": 38.0,
    "deep_gm": 38.0,
    "wm": 32.0,  # 6 HU below GM: both inside their published ranges, their difference as measured
    "necrosis": 15.0,
    "net": 40.0,
    "enhancing": 40.0,
    "oedema": 18.0,
    "outer_csf": 7.0,
    "bone": 900.0,
    "scalp": 0.0,  # skin and muscle around fat
}
AIR_HU = -1000.0
WM_SUV, SUV_TOP = 2.1, 15.0
HOT, COLD, HOT_SHARE = (2.0, 6.0), (0.5, 1.4), 0.6
HOT_ABOVE = 1.5
PSF_MM, POST_MM, CT_BLUR_MM = 5.5 / 2.3548, 3.5 / 2.3548, 0.7
COUNTS = (2e4, 2e5)  # per cm3 of grey matter, log-uniform
WINDOW = (-20.0, 80.0)
NAMES = (*PARTS, *AROUND)


@dataclass(frozen=True)
class Metabolism:
    """What is personal in a PET scan, and how the CT was reconstructed.

    ``factor``: metabolism of the whole body over the usual; ``tumour_suvr``: uptake of solid tumour over that of WM.
    """

    factor: float
    tumour_suvr: float
    hot: bool
    counts_per_ml: float
    kernel: str


def draw_metabolism(number: int, seed: int, percent: float) -> Metabolism:
    """A person's metabolism; ``percent`` is the SD of the factor, and 0 leaves it at 1."""
    rng = np.random.default_rng([seed, number, 71])
    factor = float(np.exp(percent / 100 * np.clip(rng.normal(), -2.5, 2.5)))
    hot = bool(rng.uniform() < HOT_SHARE)
    low, high = HOT if hot else COLD
    suvr = float(rng.uniform(low, high))
    counts = float(np.exp(rng.uniform(*np.log(COUNTS))))
    return Metabolism(factor, suvr, hot, counts, str(rng.choice(list(KERNELS))))


def personal(number: int, seed: int, found: Metabolism, jitter: float) -> tuple[np.ndarray, np.ndarray]:
    """SUV and HU of ``NAMES`` in one person: ``jitter`` is the SD of the uptakes in percent and of CT in HU."""
    rng = np.random.default_rng([seed, number, 73])
    noise = np.clip(rng.normal(size=(2, len(NAMES))), -2.5, 2.5)
    ratios = np.array([SUVR.get(name, found.tumour_suvr) for name in NAMES])
    uptake = WM_SUV * found.factor * ratios * (1 + jitter / 100 * noise[0])
    return uptake, np.array([HU[name] for name in NAMES]) + jitter * noise[1]


def pet(
    shares: np.ndarray, suv: np.ndarray, found: Metabolism, voxel_mm: float, rng: np.random.Generator
) -> np.ndarray:
    """SUV (z, row, column) as scanned: resolution, Poisson counts, post-filter; ``shares`` (11, z, row, column)."""
    sharp = np.tensordot(suv, shares, 1)
    blurred = np.maximum(ndimage.gaussian_filter(sharp, PSF_MM / voxel_mm, mode="constant"), 0)
    counts = found.counts_per_ml * voxel_mm**3 / 1000 / suv[NAMES.index("gm")]  # counts per SUV in a voxel
    scanned = rng.poisson(blurred * counts) / counts
    return ndimage.gaussian_filter(scanned, POST_MM / voxel_mm, mode="constant")


def ct(shares: np.ndarray, hu: np.ndarray, kernel: str, voxel_mm: float, rng: np.random.Generator) -> np.ndarray:
    """HU (z, row, column) as reconstructed with a kernel; a voxel averages the noise of what it holds."""
    air = 1 - shares.sum(axis=0)
    sharp = np.tensordot(hu, shares, 1) + AIR_HU * air
    sd, grain_mm3 = KERNELS[kernel]
    noise = sd * min(1.0, (grain_mm3 / voxel_mm**3) ** 0.5) * rng.normal(size=sharp.shape)
    return ndimage.gaussian_filter(sharp, CT_BLUR_MM / voxel_mm, mode="nearest") + noise


def to_unit(pet_suv: np.ndarray, ct_hu: np.ndarray) -> np.ndarray:
    """Grey values (2, z, row, column), 0..1, in steps of 1/4095: SUV over 15, and the window -20..80 HU."""
    low, high = WINDOW
    unit = np.stack([pet_suv / SUV_TOP, (ct_hu - low) / (high - low)])
    return (np.round(np.clip(unit, 0, 1) * 4095) / 4095).astype(np.float32)
