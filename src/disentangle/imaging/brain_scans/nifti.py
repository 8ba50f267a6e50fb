"""NIfTI files of brains, read with suspicion: one volume, one orientation, masks and labels that mean something."""

from __future__ import annotations

import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nilearn.image import resample_img, resample_to_img

from disentangle.imaging.brain_scans.scan import LABELS, ScanError

_NEAR = 1e-3  # masks of 0.99999997 and labels of 3.0000002 occur in files that were scaled on writing


def read_volume(path: Path) -> nib.Nifti1Image:
    """One file as float32 in the nearest RAS orientation.

    Raises
    ------
    ScanError
        If it is unreadable, not 3D, of colours, not finite, or does not say how it lies in space.
    """
    try:
        image = nib.load(path)
        if image.get_data_dtype().fields is not None:
            raise ScanError(f"{path}: colour voxels, expected grey values or labels")
        shape = image.shape
        if len(shape) < 3 or any(size != 1 for size in shape[3:]) or min(shape[:3], default=0) < 2:
            raise ScanError(f"{path}: shape {shape}, expected a 3D volume")
        values = np.asarray(image.dataobj, dtype=np.float32).reshape(shape[:3])
    except (ImageFileError, OSError, EOFError) as error:
        raise ScanError(f"{path}: unreadable NIfTI file ({type(error).__name__}: {error})") from error
    if not np.isfinite(values).all():
        raise ScanError(f"{path}: {np.count_nonzero(~np.isfinite(values))} voxels are NaN or infinite")
    _check_orientation(path, image)
    return nib.as_closest_canonical(nib.Nifti1Image(values, image.affine))


def _check_orientation(path: Path, image: nib.Nifti1Image) -> None:
    """The header must state one orientation, with voxels of a plausible size."""
    if not isinstance(image, nib.Nifti1Image):  # Nifti2 is one, Analyze is not
        raise ScanError(f"{path}: {type(image).__name__}, expected NIfTI: other formats do not say left from right")
    (first, qform), (second, sform) = image.get_qform(coded=True)[::-1], image.get_sform(coded=True)[::-1]
    if not first and not second:
        raise ScanError(
            f"{path}: qform and sform codes are both 0, so left and right are unknown; expected an orientation"
        )
    if first and second and nib.aff2axcodes(qform) != nib.aff2axcodes(sform):
        raise ScanError(
            f"{path}: qform says {''.join(nib.aff2axcodes(qform))} and sform {''.join(nib.aff2axcodes(sform))}, "
            "expected one orientation"
        )
    lengths = np.linalg.norm(image.affine[:3, :3], axis=0)
    if not np.isfinite(image.affine).all() or lengths.min() < 0.1 or lengths.max() > 20:
        raise ScanError(f"{path}: voxels of {np.round(lengths, 3)} mm, expected 0.1 to 20")


def to_mask(values: np.ndarray, where: str) -> np.ndarray:
    """A mask stored as 0 and 1 (0.99999997 is 1), or 0 and 255, as bool. Refuses others and an empty one."""
    top = float(values.max())
    scaled = values / 255 if abs(top - 255) < _NEAR else values
    if np.abs(scaled - np.rint(scaled)).max() > _NEAR or scaled.min() < -_NEAR or scaled.max() > 1 + _NEAR:
        found = np.unique(values)
        raise ScanError(f"{where}: mask values {found[:5].tolist()} ({len(found)} different), expected 0 and 1")
    mask = scaled > 0.5
    if not mask.any():
        raise ScanError(f"{where}: the mask is empty, expected a brain")
    return mask


def to_labels(values: np.ndarray, names: dict[int, str], where: str) -> np.ndarray:
    """A label map of a set as uint8 numbers of ``LABELS``.

    Parameters
    ----------
    values : float array
    names
        What each number of the file means; 0 is background always.

    Raises
    ------
    ScanError
        For a number that the set does not have: most often the labels of another year.
    """
    drawn = values[values != 0]  # most of a volume is background
    between = drawn[np.abs(drawn - np.rint(drawn)) > _NEAR]
    if between.size:
        raise ScanError(f"{where}: labels between whole numbers, such as {between[0]:g}")
    found = {int(value) for value in np.unique(np.rint(drawn))} - {0}
    if unknown := sorted(found - set(names)):
        meaning = ", ".join(f"{number} {name}" for number, name in names.items())
        raise ScanError(
            f"{where}: label {unknown[0]} (found {sorted(found)}), expected 0 and {meaning}; "
            "enhancing tumour is 4 in BraTS until 2021 and 3 from 2023 on, so this may be another year's map"
        )
    table = np.zeros(256, np.uint8)
    for number, name in names.items():
        table[number] = LABELS[name]
    return table[np.rint(values).astype(np.uint8)]


def same_grid(one: nib.Nifti1Image, other: nib.Nifti1Image) -> bool:
    """Whether two volumes have the same voxels, to a hundredth of a millimetre at the corners."""
    if one.shape != other.shape:
        return False
    corners = np.array(np.meshgrid(*[(0, size - 1) for size in one.shape], indexing="ij")).reshape(3, -1)
    corners = np.vstack([corners, np.ones(8)])
    return bool(np.abs((one.affine - other.affine) @ corners).max() < 0.01)


def onto(image: nib.Nifti1Image, grid: nib.Nifti1Image, interpolation: str) -> nib.Nifti1Image:
    """A volume on the voxels of another by the headers alone: no registration."""
    return resample_to_img(
        image, grid, interpolation=interpolation, force_resample=True, copy_header=True, fill_value=0
    )


def interpolated(image: nib.Nifti1Image, affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Values of a volume at the voxels of another grid, linear, 0 outside; of a mask: the share of each voxel."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Resampling binary images", UserWarning)  # shares are what is wanted
        moved = resample_img(
            image,
            target_affine=np.asarray(affine, float),
            target_shape=tuple(int(size) for size in shape),
            interpolation="linear",
            fill_value=0,
            force_resample=True,
            copy_header=True,
        )
    return moved.get_fdata(dtype=np.float32)


def describe_grid(image: nib.Nifti1Image) -> str:
    """Shape, voxel size and corner of a volume (RAS), for messages."""
    size, corner = np.linalg.norm(image.affine[:3, :3], axis=0), image.affine[:3, 3]
    return (
        f"{'x'.join(map(str, image.shape))} voxels of {'x'.join(f'{v:.4g}' for v in size)} mm "
        f"from ({', '.join(f'{v:.1f}' for v in corner)})"
    )
