"""Chest CT in NIfTI below a folder, in Hounsfield units, with the masks that lie beside it.

Names decide: a file whose name holds "lung" and is not the picture itself is the lung, one with "mask", "gtv",
"tumour", "tumor", "seg" or "label" is a tumour and is taken out of the lung. Masks belong to the picture whose name
theirs begins with (``case1.nii.gz``, ``case1_lung.nii.gz``); where a folder has one picture, all masks are its.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError

from disentangle.imaging.dicom import AIR_HU, PADDING_HU
from disentangle.imaging.lung_ct.lung_mask import settle
from disentangle.imaging.lung_ct.scans import Found, LungError, Options, Scan

_LUNG = re.compile(r"(^|[_.-])lungs?([_.-]?(mask|seg|label)s?)?$", re.IGNORECASE)
_OTHER = re.compile(r"(^|[_.-])(mask|gtv|tumou?r|seg|segmentation|label)s?([_.-]?\d+)?$", re.IGNORECASE)
_TILT = 0.02  # of the axes


@dataclass
class _Files:
    """A picture and its masks."""

    picture: Path
    subject: str
    lungs: list[Path]
    others: list[Path]


def find(folder: Path) -> list[Found]:
    """NIfTI pictures below a folder, with their masks."""
    places: dict[Path, list[Path]] = {}
    for path in sorted(p for p in Path(folder).rglob("*.nii*") if p.is_file()):
        if path.name.endswith((".nii", ".nii.gz")) and not path.name.startswith("."):
            places.setdefault(path.parent, []).append(path)
    files = [one for place, paths in places.items() for one in _grouped(place, paths)]
    return [
        Found(one.subject, one.picture, "NIfTI", partial(_read, one), tuple(p.name for p in one.lungs + one.others))
        for one in files
    ]


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".nii")


def _grouped(place: Path, paths: list[Path]) -> list[_Files]:
    """The pictures of one folder with their masks; a mask without a picture is refused."""
    lungs = [path for path in paths if _LUNG.search(_stem(path))]
    others = [path for path in paths if path not in lungs and _OTHER.search(_stem(path))]
    pictures = [path for path in paths if path not in lungs and path not in others]
    if not pictures:
        raise LungError(f"{place}: masks ({', '.join(p.name for p in paths)}) but no picture beside them")
    if len(pictures) == 1:
        return [_Files(pictures[0], place.name, lungs, others)]
    longest_first = sorted(pictures, key=lambda path: -len(_stem(path)))
    groups = {path: _Files(path, _stem(path), [], []) for path in pictures}
    for mask in (*lungs, *others):
        owner = next((path for path in longest_first if _stem(mask).startswith(_stem(path))), None)
        if owner is None:
            raise LungError(
                f"{mask}: belongs to none of {', '.join(p.name for p in pictures)}; expected <picture>_lung.nii.gz"
            )
        (groups[owner].lungs if mask in lungs else groups[owner].others).append(mask)
    return list(groups.values())


def _read(files: _Files, options: Options) -> Scan:
    image = _load(files.picture)
    hu = _axial(image, files.picture).astype(np.float32)
    _check_hounsfield(files.picture, hu)
    columns, rows, step = _sizes(image, files.picture)
    masks = {path: _mask(path, image, files.picture) for path in (*files.lungs, *files.others)}
    scan = Scan(
        subject=files.subject,
        hu=np.where(hu <= PADDING_HU, np.float32(AIR_HU), hu),
        lung=np.zeros(hu.shape, bool),
        z_mm=np.arange(len(hu)) * step,
        spacing_mm=(rows, columns),
        mask="",
        thickness_mm=step,
    )
    drawn, tumour = _union(masks, files.lungs), _union(masks, files.others)
    return settle(scan, drawn, tumour, options, "file")


def _union(masks: dict[Path, np.ndarray], paths: list[Path]) -> np.ndarray | None:
    return np.any([masks[path] for path in paths], axis=0) if paths else None


def _load(path: Path) -> nib.Nifti1Image:
    try:
        image = nib.load(path)
        if len(image.shape) != 3:
            raise LungError(f"{path}: {len(image.shape)}D {image.shape}, expected a volume")
        np.asarray(image.dataobj[0, 0])  # a cut file is found here, with its name
    except LungError:
        raise
    except (ImageFileError, OSError, EOFError, ValueError) as error:
        raise LungError(f"{path}: unreadable NIfTI file ({type(error).__name__}: {error})") from error
    return image


def _axial(image: nib.Nifti1Image, path: Path) -> np.ndarray:
    """Values as (slice from feet to head, row from front to back, column from right to left)."""
    turn = image.affine[:3, :3] / np.linalg.norm(image.affine[:3, :3], axis=0)
    if np.abs(np.abs(turn) - np.round(np.abs(turn))).max() > _TILT:
        raise LungError(f"{path}: axes are tilted against the body (affine {np.round(turn, 3).tolist()}), resample it")
    change = nib.orientations.ornt_transform(
        nib.orientations.io_orientation(image.affine), nib.orientations.axcodes2ornt(("L", "P", "S"))
    )
    return nib.orientations.apply_orientation(np.asarray(image.dataobj), change).transpose(2, 1, 0)


def _sizes(image: nib.Nifti1Image, path: Path) -> tuple[float, float, float]:
    """Voxel sizes in mm along (left-right, front-back, feet-head)."""
    lengths = np.linalg.norm(image.affine[:3, :3], axis=0)
    if not np.allclose(lengths, image.header.get_zooms()[:3], rtol=0.01):
        raise LungError(
            f"{path}: the affine has voxels of {np.round(lengths, 3).tolist()} mm, but the header says "
            f"{[round(float(v), 3) for v in image.header.get_zooms()[:3]]}"
        )
    axes = nib.orientations.io_orientation(image.affine)[:, 0].astype(int)
    sizes = np.zeros(3)
    sizes[axes] = lengths
    return float(sizes[0]), float(sizes[1]), float(sizes[2])


def _mask(path: Path, image: nib.Nifti1Image, picture: Path) -> np.ndarray:
    """A mask on the picture's grid; values above one half count, as 0.99999997 occurs."""
    mask = _load(path)
    if mask.shape != image.shape:
        raise LungError(f"{path}: mask is {mask.shape} but the picture is {image.shape} ({picture})")
    if not np.allclose(mask.affine, image.affine, atol=0.01):
        raise LungError(
            f"{path}: the mask lies elsewhere than its picture {picture.name}; affines are "
            f"{np.round(mask.affine[:3], 3).tolist()} and {np.round(image.affine[:3], 3).tolist()}"
        )
    return _axial(mask, path) > 0.5


def _check_hounsfield(path: Path, hu: np.ndarray) -> None:
    """Air or lung must be there and tissue near 0, or the values are no Hounsfield units."""
    if not np.isfinite(hu).all():
        raise LungError(f"{path}: holds NaN or infinite values")
    low, high = np.percentile(hu[hu > PADDING_HU][::7] if (hu > PADDING_HU).any() else hu, [2, 99])
    if not (-1300 <= low <= -500 and -300 <= high <= 4100):
        hint = "; they look like HU + 1024" if low >= 0 and high > 800 else ""
        raise LungError(
            f"{path}: 2 % of the values lie below {low:.4g} and 1 % above {high:.4g}, expected Hounsfield units: air "
            f"or lung (-1300 to -500) and tissue (-300 to 4100){hint}. Was the rescale (slope, intercept) lost?"
        )
