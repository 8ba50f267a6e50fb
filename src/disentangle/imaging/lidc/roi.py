"""From a lesion's outlines in a scan to square regions of interest: pure geometry, no grey values.

Each slice is centred on its own outline, at (min + max) / 2 of rows and columns, as in the released code of
the lesion paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from disentangle.imaging.lidc.selection import SelectedLesion

SIZE = 64
_DEPTHS = (np.arange(8) + 0.5) / 8 - 0.5


@dataclass(frozen=True, eq=False)
class Regions:
    """The slices of one lesion that are kept.

    Attributes
    ----------
    coverage : float32 (slice, 64, 64)
        Share of each pixel that the lesion fills through the thickness of the slice.
    masks : bool (slice, 64, 64)
        The consensus outline of the slice itself.
    z_mm : float (slice,)
        From the middle of the lesion.
    area_mm2 : float (slice,)
        Of the consensus in the scan's own pixels.
    volume_mm3, height_mm : float
        Of the whole lesion, slices that are not kept included.
    """

    coverage: np.ndarray
    masks: np.ndarray
    z_mm: np.ndarray
    area_mm2: np.ndarray
    volume_mm3: float
    height_mm: float

    @property
    def diameter_mm(self) -> np.ndarray:
        """Diameter of the circle of the same area, (slice,)."""
        return 2 * np.sqrt(self.area_mm2 / np.pi)


def thickness_weights(z_mm: np.ndarray, thickness_mm: float, gap_mm: float) -> np.ndarray:
    """How much each drawn slice adds to each image, (image, drawn): a box of the thickness over blends.

    Between drawn slices the outline is blended linearly; one gap beyond the first and last one it is empty.
    Rows sum to 1 where the box does not leave the lesion.
    """
    knots = np.concatenate([[z_mm[0] - gap_mm], z_mm, [z_mm[-1] + gap_mm]])
    seen = z_mm[:, None] + thickness_mm * _DEPTHS
    tents = np.eye(len(knots))[1:-1]
    return np.stack([np.interp(seen, knots, tent).mean(axis=1) for tent in tents], axis=1)


def overlap(length: int, centre: float, spacing_mm: float, pixel_mm: float, size: int = SIZE) -> np.ndarray:
    """Share of each new pixel that lies in each old one along one axis, (size, length).

    The new axis has ``size`` pixels of ``pixel_mm`` around ``centre``, given in old pixels of ``spacing_mm``.
    """
    middle = (np.arange(size) - (size - 1) / 2) * pixel_mm
    old = (np.arange(length) - centre) * spacing_mm
    low = np.maximum(middle[:, None] - pixel_mm / 2, old - spacing_mm / 2)
    high = np.minimum(middle[:, None] + pixel_mm / 2, old + spacing_mm / 2)
    return (np.clip(high - low, 0, None) / pixel_mm).astype(np.float32)


def centre(outline: np.ndarray, whole_pixels: bool) -> float:
    """(min + max) / 2 of the used entries; moved to a pixel border where pixels must not be cut."""
    used = np.flatnonzero(outline)
    middle = (used[0] + used[-1]) / 2
    return np.floor(middle) + 0.5 if whole_pixels else middle


def regions(selected: SelectedLesion, pixel_mm: float | None) -> Regions:
    """The regions of one lesion on pixels of ``pixel_mm``, or on the scan's own where it is None."""
    lesion = selected.lesion
    consensus = lesion.consensus()
    pixels = consensus.sum(axis=(1, 2))
    weights = thickness_weights(lesion.z_mm, lesion.slice_thickness_mm, lesion.slice_spacing_mm)
    blends = np.tensordot(weights[selected.slices].astype(np.float32), consensus.astype(np.float32), axes=1)
    coverage, masks = [], []
    for blend, mask in zip(blends, selected.masks, strict=True):
        blended, own = _resample(np.stack([blend, mask.astype(np.float32)]), mask, lesion.spacing_mm, pixel_mm)
        coverage.append(blended)
        masks.append(own >= min(0.5, own.max()))
    drawn = lesion.z_mm[pixels > 0]
    pixel_area = lesion.spacing_mm**2
    return Regions(
        coverage=np.stack(coverage),
        masks=np.stack(masks),
        z_mm=lesion.z_mm[selected.slices] - (drawn[0] + drawn[-1]) / 2,
        area_mm2=pixels[selected.slices] * pixel_area,
        volume_mm3=float(pixels.sum() * pixel_area * lesion.slice_spacing_mm),
        height_mm=float(drawn[-1] - drawn[0] + lesion.slice_spacing_mm),
    )


def _resample(images: np.ndarray, outline: np.ndarray, spacing_mm: float, pixel_mm: float | None) -> np.ndarray:
    """Images (image, row, column) on the new grid around the centre of ``outline``: (image, 64, 64)."""
    new = pixel_mm or spacing_mm
    rows, columns = (
        overlap(len(used), centre(used, pixel_mm is None), spacing_mm, new)
        for used in (outline.any(axis=1), outline.any(axis=0))
    )
    return rows @ images @ columns.T
