"""Volume and ejection fraction of the left ventricle from label counts.

An ejection fraction needs no spacing: 1 - ES / ED of one person on one grid. Volumes in mL need it, and are
left out where the files do not state it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from disentangle.imaging.cardiac.labels import LV


def ejection_fraction(
    labels: Sequence[np.ndarray] | np.ndarray, samples: pd.DataFrame, structure: int = LV
) -> pd.Series:
    """Ejection fraction (0..1) of each person, indexed by subject.

    Parameters
    ----------
    labels
        One label image per row of ``samples``, all of one person on one grid: the cohort's or the native one.
    samples
        With the columns subject, phase and slice. Frames other than ED and ES are passed over.
    structure
        Which label; LV, or RV for the right ventricle.

    Notes
    -----
    Counted over all slices of a phase. NaN where a person lacks a phase or has no such pixel at ED. Negative
    where ES is the larger, as a poor segmentation may have it.
    """
    counts = structure_pixels(labels, samples, structure)
    table = counts.unstack("phase").reindex(columns=["ED", "ES"])
    return (1 - table["ES"] / table["ED"].where(table["ED"] > 0)).rename("ejection_fraction")


def volumes_ml(labels: np.ndarray, samples: pd.DataFrame, spacing_mm: np.ndarray, structure: int = LV) -> pd.DataFrame:
    """Volume (mL) of each person at ED and ES: pixel area x distance of the slices; NaN where unknown.

    ``labels`` and ``spacing_mm`` are those of the cohort, ``samples`` must have ``slice_mm``. Resampled labels are
    off by a few percent where a cavity is small.
    """
    pixel_ml = np.prod(spacing_mm, axis=1) * samples["slice_mm"].to_numpy(float) / 1000
    pixels = np.array([(outline == structure).sum() for outline in labels])
    parts = samples[["subject", "phase"]].assign(volume=pixels * pixel_ml)
    sums = parts.groupby(["subject", "phase"])["volume"].sum(min_count=1)
    return sums.unstack("phase").reindex(columns=["ED", "ES"])


def structure_pixels(
    labels: Sequence[np.ndarray] | np.ndarray, samples: pd.DataFrame, structure: int = LV
) -> pd.Series:
    """Pixels of a structure over all slices, indexed by (subject, phase)."""
    if len(labels) != len(samples):
        raise ValueError(f"{len(labels)} label images but {len(samples)} rows of samples")
    pixels = np.array([(np.asarray(outline) == structure).sum() for outline in labels])
    return samples[["subject", "phase"]].assign(pixels=pixels).groupby(["subject", "phase"])["pixels"].sum()
