"""The lung of a scan: drawn, or by threshold and components where nobody has drawn it.

The threshold is weak where the lung is dense (rotation digest, section 11): a tumour, fluid or consolidation at the
wall is left out, and so is a lung that the picture's edge cuts. Look at it before use.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage
from skimage.morphology import disk, remove_small_holes

from disentangle.imaging.lung_ct.scans import LungError, Options, Scan

THRESHOLD_HU = -400.0
AIR_HU = -940.0  # darker on average: air outside, in the windpipe or in the bowel
TISSUE_HU = -300.0  # what surrounds lung, but not the foam of a couch
CLOSING_MM = 5.0  # spans vessels
HOLE_MM2 = 500.0  # larger ones are heart, not vessels
SMALLEST_ML = 50.0
SMALLEST_SHARE = 0.1  # of the largest piece
_SHELL_PIXELS = 3


def settle(scan: Scan, drawn: np.ndarray | None, tumour: np.ndarray | None, options: Options, origin: str) -> Scan:
    """The scan with the lung that the options ask for, less the tumour.

    ``scan.lung`` is ignored; ``drawn`` is the drawn lung or None, ``origin`` says what drew it.
    """
    if options.mask == "drawn" and drawn is None:
        raise LungError(f"{scan.subject}: nobody has drawn the lung; use mask='threshold' or 'auto'")
    use_drawn = drawn is not None and options.mask != "threshold"
    lung = drawn if use_drawn else lung_by_threshold(scan.hu, scan.spacing_mm, scan.step_mm, scan.subject)
    if tumour is not None:
        lung = lung & ~tumour
    settled = replace(scan, lung=lung, mask=origin if use_drawn else "threshold")
    if not lung.any():
        raise LungError(f"{scan.subject}: the lung mask is empty ({settled.mask}), no lung found")
    return settled


def lung_by_threshold(
    hu: np.ndarray, spacing_mm: tuple[float, float], step_mm: float, where: str = "scan"
) -> np.ndarray:
    """Lung of a CT volume, bool (slice, row, column).

    Below -400 HU; regions of a slice whose median is that of air are left out. What hangs together through the
    slices, has at least a tenth of the largest piece's volume and lies in tissue is lung, closed by 5 mm within each
    slice. A region at the picture's edge may be lung: crops cut it.

    Raises
    ------
    LungError
        Where less than 50 ml are found; ``where`` names the scan.
    """
    voxel_ml = spacing_mm[0] * spacing_mm[1] * step_mm / 1000
    pieces, count = ndimage.label(np.stack([_aerated(picture) for picture in hu]))
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)[1:] * voxel_ml
    large = np.flatnonzero((sizes >= SMALLEST_ML) & (sizes >= SMALLEST_SHARE * sizes.max(initial=0))) + 1
    kept = [number for number in large if _in_tissue(hu, pieces == number)]
    if not kept:
        raise LungError(
            f"{where}: no lung found; the largest region between {AIR_HU:.0f} and {THRESHOLD_HU:.0f} HU has "
            f"{sizes.max(initial=0):.1f} ml, expected at least {SMALLEST_ML:.0f} amid tissue. Values run from "
            f"{hu.min():.0f} to {hu.max():.0f}"
        )
    return np.stack([_closed(picture, spacing_mm) for picture in np.isin(pieces, kept)])


def _aerated(picture: np.ndarray) -> np.ndarray:
    """Dark regions of one slice that are not plain air."""
    regions, count = ndimage.label(picture < THRESHOLD_HU)
    if count == 0:
        return np.zeros(picture.shape, bool)
    numbers = np.arange(1, count + 1)
    return np.isin(regions, numbers[ndimage.median(picture, regions, numbers) > AIR_HU])


def _in_tissue(hu: np.ndarray, piece: np.ndarray) -> bool:
    """Whether tissue surrounds a piece within the slices; its own holes (vessels) count as piece."""
    plane = ndimage.generate_binary_structure(3, 1)
    plane[[0, 2]] = False
    there = np.flatnonzero(piece.any(axis=(1, 2)))
    solid = np.stack([ndimage.binary_fill_holes(picture) for picture in piece[there]])
    shell = ndimage.binary_dilation(solid, plane, iterations=_SHELL_PIXELS) & ~solid
    # Air around a whole body fills the slice and has no shell.
    return bool(shell.any() and np.median(hu[there][shell]) > TISSUE_HU)


def _closed(lung: np.ndarray, spacing_mm: tuple[float, float]) -> np.ndarray:
    """The lung of one slice with vessels; space around it keeps the closing away from the edge."""
    if not lung.any():
        return lung
    radius = max(1, round(CLOSING_MM / spacing_mm[0]))
    padded = np.pad(lung, radius)
    closed = ndimage.binary_closing(padded, disk(radius))[radius:-radius, radius:-radius]
    holes = int(HOLE_MM2 / (spacing_mm[0] * spacing_mm[1]))
    return remove_small_holes(closed, max_size=holes)
