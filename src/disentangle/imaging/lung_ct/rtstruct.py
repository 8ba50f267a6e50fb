"""Outlines of a DICOM RT Structure Set as masks on the slices of a CT series (DICOM PS3.3, A.19 and C.8.8.6)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from skimage.draw import polygon2mask

from disentangle.imaging.dicom import CTVolume

SAME_PLANE_MM = 0.5


class StructureError(ValueError):
    """An RTSTRUCT without the outlines that are needed, or of another scan."""


@dataclass(frozen=True)
class Geometry:
    """Where the pixels of a series lie in the patient (DICOM PS3.3, C.7.6.2.1.1)."""

    origin_mm: np.ndarray
    along_row: np.ndarray
    along_column: np.ndarray
    spacing_mm: tuple[float, float]

    @property
    def normal(self) -> np.ndarray:
        """The normal of the slices."""
        return np.cross(self.along_row, self.along_column)

    def to_pixels(self, points_mm: np.ndarray) -> np.ndarray:
        """Points of the patient (point, 3) as fractional (row, column); the centre of the first pixel is (0, 0)."""
        offset = points_mm - self.origin_mm
        rows, columns = offset @ self.along_column, offset @ self.along_row
        return np.stack([rows / self.spacing_mm[0], columns / self.spacing_mm[1]], axis=1)


def geometry(volume: CTVolume) -> Geometry:
    """The geometry of a series, from the header of its first slice."""
    header = pydicom.dcmread(volume.files[0], stop_before_pixels=True)
    turn = np.array(header.ImageOrientationPatient, float).reshape(2, 3)
    return Geometry(np.array(header.ImagePositionPatient, float), turn[0], turn[1], volume.spacing_mm)


def structure_names(path: Path) -> list[str]:
    """Names of the structures that have closed outlines."""
    dataset = _structure_set(path)
    return [name for name, contours in _structures(dataset).items() if contours]


def mask_of(path: Path, volume: CTVolume, pattern: str) -> np.ndarray | None:
    """Union of the structures whose name matches ``pattern`` (searched, any case), bool like ``volume.hu``.

    Outlines of one structure in one plane cancel where they overlap (even-odd rule), so holes stay holes. Planes
    between the slices are passed over: series may lack slices, and nothing is left of a structure that lies between
    two. None where no structure matches.

    Raises
    ------
    StructureError
        Where the file is no RTSTRUCT, or none of the outlines lies in a slice of the series.
    """
    structures = _structures(_structure_set(path))
    chosen = [name for name, contours in structures.items() if contours and re.search(pattern, name, re.IGNORECASE)]
    if not chosen:
        return None
    place = geometry(volume)
    union, planes = np.zeros(volume.hu.shape, bool), set()
    for name in chosen:
        mask, seen = _rasterised(structures[name], place, volume)
        union |= mask
        planes |= seen
    if not union.any() and not _between_slices(planes, volume):
        raise StructureError(
            f"{path}: the outlines of {', '.join(chosen)} lie at {min(planes):.1f} to {max(planes):.1f} mm, but no "
            f"slice of the series does (slices from {volume.z_mm[0]:.1f} to {volume.z_mm[-1]:.1f} mm); they belong to "
            "another scan"
        )
    return union


def _between_slices(planes: set[float], volume: CTVolume) -> bool:
    """Whether all planes lie within the series and none in a slice: a series that lacks slices can miss a small one."""
    low, high = min(volume.z_mm), max(volume.z_mm)
    nearest = [float(np.abs(np.asarray(volume.z_mm) - plane).min()) for plane in planes]
    return min(nearest) > SAME_PLANE_MM and all(low < plane < high for plane in planes)


def _structure_set(path: Path) -> pydicom.Dataset:
    dataset = pydicom.dcmread(path)
    if dataset.get("Modality") != "RTSTRUCT":
        raise StructureError(f"{path}: Modality is {dataset.get('Modality')!r}, expected RTSTRUCT")
    return dataset


def _structures(dataset: pydicom.Dataset) -> dict[str, list[pydicom.Dataset]]:
    """Closed planar outlines by name of structure, unread."""
    names = {int(item.ROINumber): str(item.ROIName) for item in dataset.get("StructureSetROISequence") or ()}
    found: dict[str, list[pydicom.Dataset]] = {name: [] for name in names.values()}
    for item in dataset.get("ROIContourSequence") or ():
        name = names.get(int(item.ReferencedROINumber))
        if name is None:
            continue
        for contour in item.get("ContourSequence") or ():
            if str(contour.get("ContourGeometricType", "")).startswith("CLOSED"):
                found[name].append(contour)
    return found


def _points(contour: pydicom.Dataset) -> np.ndarray:
    """An outline (point, 3) in mm; read past pydicom's decimal strings, which take most of the time."""
    value = contour.get_item("ContourData").value
    numbers = np.array(value.split(b"\\")) if isinstance(value, bytes) else np.array(value)
    return numbers.astype(float).reshape(-1, 3)


def _rasterised(
    contours: Sequence[pydicom.Dataset], place: Geometry, volume: CTVolume
) -> tuple[np.ndarray, set[float]]:
    """Mask of one structure, and the positions of all its planes."""
    mask, planes = np.zeros(volume.hu.shape, bool), set()
    for points in map(_points, contours):
        z = float(np.mean(points @ place.normal))
        planes.add(z)
        nearest = int(np.abs(volume.z_mm - z).argmin())
        if abs(volume.z_mm[nearest] - z) <= SAME_PLANE_MM:
            mask[nearest] ^= polygon2mask(volume.hu.shape[1:], place.to_pixels(points))
    return mask, planes
