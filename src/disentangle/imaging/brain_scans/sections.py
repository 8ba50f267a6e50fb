"""Axial sections of prepared scans, and the way back to the scan's own voxels.

Rows run from the front of the head to its back, columns from the person's right to the left, as in ``brain_sites``.
"""

from __future__ import annotations

from dataclasses import dataclass

import nibabel as nib
import numpy as np
import pandas as pd

from disentangle.imaging.brain_scans.nifti import interpolated
from disentangle.imaging.brain_scans.prepare import cropped, resampled
from disentangle.imaging.brain_scans.scan import LABELS, LESIONS, Scan, ScanError


@dataclass(frozen=True)
class SectionGrid:
    """``rows`` x ``columns`` pixels of ``pixel_mm`` around the brain's middle, one section every ``slice_mm``."""

    rows: int = 128
    columns: int = 128
    pixel_mm: float = 1.5625
    slice_mm: float = 3.0

    def __post_init__(self) -> None:
        if min(self.rows, self.columns) < 16:
            raise ScanError(f"size is {self.rows} x {self.columns}, expected at least 16 pixels a side")
        for name, value in (("pixel_mm", self.pixel_mm), ("slice_mm", self.slice_mm)):
            if not 0.25 <= value <= 20:
                raise ScanError(f"{name} is {value}, expected 0.25 to 20")

    def around(self, scan: Scan) -> tuple[np.ndarray, tuple[int, int, int]]:
        """RAS affine and shape of the sections of a scan; one voxel centre of the scan is met exactly.

        Raises ScanError where the brain is larger than the field.
        """
        low, high, middle = _box(scan)
        field = np.array([self.columns, self.rows]) * self.pixel_mm
        if ((high - low)[:2] > field).any():
            size = " x ".join(f"{value:.0f}" for value in (high - low)[:2])
            raise ScanError(
                f"{scan.subject}: the brain is {size} mm (across x front to back), the field {field[0]:.0f} x "
                f"{field[1]:.0f} mm; expected a field that holds it: more pixels, or larger ones"
            )
        below, above = (int(np.ceil(v / self.slice_mm)) for v in (middle[2] - low[2], high[2] - middle[2]))
        spacing = np.array([self.pixel_mm, self.pixel_mm, self.slice_mm])
        steps = np.array([self.columns // 2, self.rows // 2, below])
        affine = np.diag([*spacing, 1.0])
        affine[:3, 3] = middle - steps * spacing
        return affine, (self.columns, self.rows, below + above + 1)


def _box(scan: Scan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lowest and highest corner of the brain (or of the whole volume), mm, and the voxel centre nearest its middle."""
    if scan.brain is None:
        first, last = _box_of_signal(scan)
    else:
        where = np.nonzero(scan.brain)
        first, last = np.array([axis.min() for axis in where]), np.array([axis.max() for axis in where])
    corners = np.array(np.meshgrid(*zip(first - 0.5, last + 0.5, strict=True), indexing="ij")).reshape(3, -1)
    corners = scan.affine[:3, :3] @ corners + scan.affine[:3, 3:]
    middle = scan.affine[:3, :3] @ ((first + last) // 2) + scan.affine[:3, 3]
    return corners.min(axis=1), corners.max(axis=1), middle


def _box_of_signal(scan: Scan) -> tuple[np.ndarray, np.ndarray]:
    """First and last voxel above a tenth of the range in any modality, for a head without a mask; all if none is."""
    where = np.nonzero(np.any([values > 0.1 for values in scan.modalities.values()], axis=0))
    if not len(where[0]):
        return np.zeros(3, int), np.array(scan.shape) - 1
    return np.array([axis.min() for axis in where]), np.array([axis.max() for axis in where])


@dataclass(frozen=True, eq=False)
class Sections:
    """Sections of one scan that show brain or lesion, from below upward.

    ``images`` float32 (slice, modality, row, column); ``labels`` uint8 (slice, row, column), numbers of ``LABELS``;
    ``masks`` bool of the same shape; ``samples`` one row per section.
    """

    images: np.ndarray
    labels: np.ndarray
    masks: np.ndarray
    samples: pd.DataFrame


def cut(scan: Scan, modalities: tuple[str, ...], grid: SectionGrid) -> Sections:
    """The sections of a conditioned scan; a modality that is missing is 0 and ``has_<modality>`` False."""
    affine, shape = grid.around(scan)
    moved = resampled(cropped(scan), affine, shape)
    brain = np.ones(shape, bool) if moved.brain is None else moved.brain
    labels = np.where(brain, LABELS["brain"], LABELS["background"]).astype(np.uint8)
    if moved.lesion is not None:
        labels = np.where(moved.lesion > 0, moved.lesion, labels)
    shown = np.flatnonzero(np.any(labels > 0, axis=(0, 1)))
    empty = np.zeros(shape, np.float32)
    images = np.stack([_turned(moved.modalities.get(m, empty))[shown] for m in modalities], axis=1)
    turned = _turned(labels)[shown]
    masks = np.isin(turned, LESIONS)
    return Sections(images, turned, masks, _table(scan, turned, masks, affine, shape, shown, modalities, grid))


def _turned(volume: np.ndarray) -> np.ndarray:
    """(x, y, z) in RAS -> (slice, row, column)."""
    return np.ascontiguousarray(volume[::-1, ::-1].transpose(2, 1, 0))


def _table(
    scan: Scan,
    labels: np.ndarray,
    masks: np.ndarray,
    affine: np.ndarray,
    shape: tuple[int, int, int],
    shown: np.ndarray,
    modalities: tuple[str, ...],
    grid: SectionGrid,
) -> pd.DataFrame:
    pixel = grid.pixel_mm**2
    corner = affine[:3, :3] @ (np.array(shape) - 1) + affine[:3, 3]
    return pd.DataFrame(
        {
            "subject": scan.subject,
            "visit": scan.visit,
            "slice": shown,
            "z_mm": (affine[2, 3] + shown * grid.slice_mm).round(3),
            "annotated": scan.lesion is not None,
            "brain_mm2": ((labels > 0).sum(axis=(1, 2)) * pixel).round(1),
            "lesion_mm2": (masks.sum(axis=(1, 2)) * pixel).round(1),
            "right_mm": round(float(corner[0]), 3),
            "front_mm": round(float(corner[1]), 3),
            "slice_mm": grid.slice_mm,
            **{f"has_{m}": bool(has) for m, has in zip(modalities, scan.present(modalities), strict=True)},
        }
    )


def to_native(values: np.ndarray, samples: pd.DataFrame, pixel_mm: float, scan: Scan) -> np.ndarray:
    """Values of one scan's sections on the scan's own voxels: float32 (x, y, z), 0 where no section lies.

    Parameters
    ----------
    values
        (slice, row, column), for instance an anomaly score; linear interpolation.
    samples
        The rows of ``cohort.samples`` that belong to them, all sections of one scan.
    """
    if len(values) != len(samples):
        raise ScanError(f"{len(values)} sections but {len(samples)} rows of samples")
    if set(samples["subject"]) != {scan.subject} or set(samples["visit"].astype(str)) != {scan.visit}:
        raise ScanError(f"samples of {sorted(set(samples['subject']))}, expected those of {scan.subject} alone")
    rows, columns = values.shape[1:]
    numbers = samples["slice"].to_numpy()
    first = samples.iloc[int(numbers.argmin())]
    stack = np.zeros((np.ptp(numbers) + 1, rows, columns), np.float32)
    stack[numbers - numbers.min()] = values
    affine = np.diag([pixel_mm, pixel_mm, float(first["slice_mm"]), 1.0])
    affine[:3, 3] = (
        first["right_mm"] - (columns - 1) * pixel_mm,
        first["front_mm"] - (rows - 1) * pixel_mm,
        first["z_mm"],
    )
    image = nib.Nifti1Image(stack.transpose(2, 1, 0)[::-1, ::-1], affine)
    return interpolated(image, scan.affine, scan.shape)
