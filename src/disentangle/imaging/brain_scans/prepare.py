"""The preprocessing chain: bias field, black and white, brain mask, one grid; each step on a ``Scan``.

Orientation to RAS happens on reading. Order and settings follow the chain that the cDDPM repository published (N4 with
200 iterations on four levels and tolerance 5e-4, percentile scaling inside the brain); registration and skull stripping
are left to the tools made for them: a scan without a brain mask is refused, unless the whole head is asked for.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace

import nibabel as nib
import numpy as np
from nilearn.image import smooth_img

from disentangle.imaging.brain_scans.nifti import interpolated
from disentangle.imaging.brain_scans.scan import LABELS, Scan, ScanError

WINDOWS = {"CT": (-1000.0, 1000.0), "PET": (0.0, 15.0)}
"""Fixed limits of measured units: Hounsfield and standardised uptake; MR has none and is scaled by percentiles."""

_MOST_BELOW_BLACK = 0.1
"""Share of a brain below what surrounds it; interpolation leaves far less, a z-scored brain about a half."""

_BIAS, _SCALING = ("none", "n4"), ("black", "percentiles")


@dataclass(frozen=True)
class Preparation:
    """What is done to the grey values.

    ``bias``: "none" or "n4" (needs SimpleITK). ``scaling``: "black" takes what surrounds the brain as 0 and the
    percentile ``top`` inside it as 1, as ``brain_sites`` does; "percentiles" takes the 1st as 0, and so does "black"
    where much of the brain lies below its surroundings (z-scored inside the brain, 0 outside). Brighter voxels are 1
    too: with ``top`` 99 the brightest percent of a brain cannot be told apart, which may be all of a small lesion.
    ``whole_head``: True keeps a scan without a brain mask as it is, skull included.
    """

    bias: str = "none"
    scaling: str = "black"
    top: float = 99.0
    whole_head: bool = False

    def __post_init__(self) -> None:
        for name, value, known in (("bias", self.bias, _BIAS), ("scaling", self.scaling, _SCALING)):
            if value not in known:
                raise ScanError(f"{name} is {value!r}, expected one of {', '.join(known)}")
        if not 50 <= self.top <= 100:
            raise ScanError(f"top is {self.top}, expected a percentile from 50 to 100")


def conditioned(scan: Scan, preparation: Preparation = Preparation()) -> Scan:  # noqa: B008 - frozen
    """Grey values in 0..1 and 0 outside the brain, on the scan's own grid.

    Raises
    ------
    ScanError
        Without a brain mask (unless ``whole_head``), for a constant image, or for N4 without SimpleITK.
    """
    if scan.brain is None and not preparation.whole_head:
        raise ScanError(
            f"{scan.subject}: no brain mask for {scan.where(next(iter(scan.modalities)))}; lay one beside it "
            "(SynthStrip or HD-BET make it; the reader's layout says how it is named), or read with whole_head=True"
        )
    inside = np.ones(scan.shape, bool) if scan.brain is None else scan.brain
    scaled = {}
    for modality, values in scan.modalities.items():
        where = scan.where(modality)
        if preparation.bias == "n4" and modality not in WINDOWS:
            values = without_bias(values, scan.brain, scan.voxel_mm)
        low, high = _limits(values, scan.brain, preparation, modality, where)
        scaled[modality] = np.where(inside, np.clip((values - low) / (high - low), 0, 1), 0).astype(np.float32)
    return replace(scan, modalities=scaled)


def _limits(
    values: np.ndarray, brain: np.ndarray | None, preparation: Preparation, modality: str, where: str
) -> tuple[float, float]:
    """Grey values that become 0 and 1."""
    if modality in WINDOWS:
        return WINDOWS[modality]
    measured = values[brain] if brain is not None else values[values > values.min()]
    low, high = (float(value) for value in np.percentile(measured, [1, preparation.top]))
    if preparation.scaling == "black":
        black = black_of(values, brain)
        low = black if np.mean(measured < black) <= _MOST_BELOW_BLACK else low
    if not high > low:
        raise ScanError(
            f"{where}: in the brain black is {low:g} and percentile {preparation.top:g} {high:g}, expected a range"
        )
    return low, high


def black_of(values: np.ndarray, brain: np.ndarray | None) -> float:
    """Grey value of nothing: what surrounds a stripped brain (below 0 after z-scoring), 0 for a head in air."""
    if brain is None or brain.all():
        return 0.0
    outside = values[~brain]
    usual = float(np.median(outside))
    return usual if np.mean(np.abs(outside - usual) < 1e-4) > 0.9 else 0.0


def without_bias(values: np.ndarray, brain: np.ndarray | None, voxel_mm: np.ndarray) -> np.ndarray:
    """N4 by SimpleITK on a volume four times as coarse, the field applied to the full one.

    Raises ScanError where SimpleITK is not installed: no other bias correction stands in for it silently.
    """
    try:
        sitk = importlib.import_module("SimpleITK")
    except ModuleNotFoundError as error:
        raise ScanError(
            "bias='n4' needs SimpleITK (pip install SimpleITK); read with bias='none' without it"
        ) from error
    black = black_of(values, brain)
    mask = values > black if brain is None else brain
    image = sitk.GetImageFromArray(np.maximum(values - black, 0).astype(np.float32).T)
    image.SetSpacing([float(size) for size in voxel_mm])
    region = sitk.GetImageFromArray(mask.astype(np.uint8).T)
    region.CopyInformation(image)
    shrink = [max(1, min(4, size // 16)) for size in values.shape]
    corrector = sitk.N4BiasFieldCorrectionImageFilter()
    corrector.SetMaximumNumberOfIterations([200] * 4)
    corrector.SetConvergenceThreshold(5e-4)
    corrector.Execute(sitk.Shrink(image, shrink), sitk.Shrink(region, shrink))
    field = np.exp(sitk.GetArrayFromImage(corrector.GetLogBiasFieldAsImage(image)).T)
    return (black + (values - black) / field).astype(np.float32)


def cropped(scan: Scan, margin_mm: float = 10.0) -> Scan:
    """The part of a scan that holds the brain, with a margin: the same voxels, fewer of them."""
    if scan.brain is None or not scan.brain.any():
        return scan
    margin = np.ceil(margin_mm / scan.voxel_mm).astype(int)
    low, high = (np.array([edge(axis) for axis in np.nonzero(scan.brain)]) for edge in (np.min, np.max))
    low, high = np.maximum(low - margin, 0), np.minimum(high + margin + 1, scan.shape)
    box = tuple(slice(*ends) for ends in zip(low, high, strict=True))
    affine = scan.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ low
    return replace(
        scan,
        modalities={modality: values[box] for modality, values in scan.modalities.items()},
        affine=affine,
        brain=scan.brain[box],
        lesion=None if scan.lesion is None else scan.lesion[box],
    )


def resampled(scan: Scan, affine: np.ndarray, shape: tuple[int, int, int]) -> Scan:
    """The scan on another grid, for instance a coarser one along the body's axes.

    Grey values are averaged over the coarser voxel inside the brain alone (its rim does not darken) and interpolated
    linearly; masks and labels go to what holds most of the voxel.
    """
    if np.array_equal(affine, scan.affine) and tuple(shape) == scan.shape:
        return scan
    inside = np.ones(scan.shape, np.float32) if scan.brain is None else scan.brain.astype(np.float32)
    weight = _moved(inside, scan, affine, shape)
    brain = None if scan.brain is None else weight > 0.5
    keep = np.ones(shape, bool) if brain is None else brain
    modalities = {
        modality: np.where(keep, _moved(values * inside, scan, affine, shape) / np.maximum(weight, 1e-3), 0)
        for modality, values in scan.modalities.items()
    }
    lesion = None if scan.lesion is None else _labels(scan, affine, shape)
    modalities = {modality: values.astype(np.float32) for modality, values in modalities.items()}
    return replace(scan, modalities=modalities, affine=np.asarray(affine), brain=brain, lesion=lesion)


def _labels(scan: Scan, affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Drawn where most of the voxel is drawn, and there the label with the largest share."""
    drawn = _moved((scan.lesion > 0).astype(np.float32), scan, affine, shape) > 0.5
    numbers = np.array([number for number in np.unique(scan.lesion) if number != LABELS["background"]], np.uint8)
    if len(numbers) < 2:
        return drawn * (numbers[0] if len(numbers) else np.uint8(0))
    shares = [_moved((scan.lesion == number).astype(np.float32), scan, affine, shape) for number in numbers]
    return np.where(drawn, numbers[np.argmax(shares, axis=0)], 0).astype(np.uint8)


def _moved(values: np.ndarray, scan: Scan, affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """A volume on another grid: smoothed by as much as the voxel grows, then interpolated linearly."""
    image = nib.Nifti1Image(values.astype(np.float32), scan.affine)
    target = np.linalg.norm(np.asarray(affine)[:3, :3], axis=0)
    width = np.sqrt(np.maximum(target**2 - scan.voxel_mm**2, 0))
    if (width > 0.01).any():
        image = smooth_img(image, [float(one) if one > 0.01 else 0.0 for one in width])
    return interpolated(image, affine, shape)
