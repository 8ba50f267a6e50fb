"""Registered DICOM series, one folder a contrast: <person>/<T1, T1ce, T2, FLAIR, PD, CT or PET>/*, any depth above.

Beside the folders of the contrasts may lie ``brain.nii.gz`` (brain mask) and ``lesion.nii.gz`` (1 where lesion). Built
from documentation and tested on synthetic files. Slices are sorted, and checked for gaps and doubles, by
``imaging.dicom``; unlike there any modality is read and a missing rescale means that none is needed.
"""

from __future__ import annotations

import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom

from disentangle.imaging import dicom
from disentangle.imaging.brain_scans import find as finding
from disentangle.imaging.brain_scans.find import Files
from disentangle.imaging.brain_scans.layouts import Layout
from disentangle.imaging.brain_scans.scan import Scan, ScanError

_NAMES = {
    "t1": "T1",
    "t1w": "T1",
    "t1ce": "T1ce",
    "t1c": "T1ce",
    "t1gd": "T1ce",
    "t2": "T2",
    "t2w": "T2",
    "flair": "FLAIR",
    "pd": "PD",
    "ct": "CT",
    "pet": "PET",
}
_BESIDE = {"brain.nii.gz": "brain", "lesion.nii.gz": "labels"}
_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # DICOM counts x to the left and y to the back


def find(folder: Path, layout: Layout) -> list[Files]:
    """Folders of the contrasts of each person, by the person's folder; a folder that holds no file counts as absent."""
    folder, people = Path(folder).absolute(), {}
    for place, folders, names in os.walk(folder):
        folders.sort()
        place = Path(place)
        modality = _NAMES.get(place.name.lower())
        if modality is None or not names:
            continue
        subject = place.parent.relative_to(folder.parent).as_posix().removeprefix(f"{folder.name}/")
        files = people.setdefault(subject, Files(subject, "1"))
        if modality in files.parts:
            raise ScanError(f"{subject}: {modality} lies in two folders, {files.parts[modality]} and {place}")
        files.parts[modality] = place
        files.parts |= {part: place.parent / name for name, part in _BESIDE.items() if (place.parent / name).is_file()}
    if not people:
        raise ScanError(
            f"{folder}: no folder named after a contrast ({', '.join(sorted(_NAMES))}) with files in it, expected "
            f"<person>/<contrast>/*.dcm; found {', '.join(sorted(p.name for p in folder.iterdir())[:5]) or 'nothing'}"
        )
    return [files for _, files in sorted(people.items())]


def read(files: Files, layout: Layout) -> Scan:
    """One person; all series must share one frame of reference, or they are not registered."""
    frames = {str(place): _frame(place) for place in files.modalities().values()}
    if len(set(frames.values())) > 1:
        raise ScanError(
            f"{files.subject}: series of different frames of reference, {frames}; expected registered series"
        )
    series = {modality: read_series(place) for modality, place in files.modalities().items()}
    return finding.read(files, layout, series)


def read_series(folder: Path) -> nib.Nifti1Image:
    """One series as float32 in the nearest RAS orientation, rescaled where the files say so.

    Raises
    ------
    DicomError
        For missing or double slices, mixed grids, damaged files, or two series in one folder.
    """
    slices = dicom._sorted_along_normal(folder, _slices(folder))
    dicom._check_one_grid(folder, slices)
    dicom._check_positions(folder, slices, allow_gaps=False)
    if len(slices) < 2:
        raise dicom.DicomError(f"{folder}: {len(slices)} slice, expected a volume")
    values = np.stack([_pixels(item.path) for item in slices])
    return nib.as_closest_canonical(nib.Nifti1Image(values.transpose(2, 1, 0), _affine(slices)))


def _slices(folder: Path) -> list[dicom._Slice]:
    headers = [(path, dicom._header(path)) for path in sorted(folder.iterdir()) if path.is_file()]
    slices = [dicom._Slice(path, header) for path, header in headers if header is not None and "Rows" in header]
    if not slices:
        raise dicom.DicomError(f"{folder}: no DICOM image in it, found {len(headers)} files")
    series = {str(item.header.get("SeriesInstanceUID", "")) for item in slices}
    if len(series) > 1:
        raise dicom.DicomError(f"{folder}: {len(series)} series in one folder, expected one a contrast")
    return slices


def _affine(slices: list[dicom._Slice]) -> np.ndarray:
    """(column, row, slice) to millimetres in RAS."""
    first, last = slices[0].header, slices[-1].header
    along_row, along_column = np.array(first.ImageOrientationPatient, float).reshape(2, 3)
    row_mm, column_mm = (float(value) for value in first.PixelSpacing)  # between rows, between columns
    start, end = (np.array(header.ImagePositionPatient, float) for header in (first, last))
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = along_row * column_mm, along_column * row_mm
    affine[:3, 2], affine[:3, 3] = (end - start) / (len(slices) - 1), start
    return _TO_RAS @ affine


def _pixels(path: Path) -> np.ndarray:
    try:
        dataset = pydicom.dcmread(path)
        pixels = dataset.pixel_array
    except Exception as error:  # truncated pixels, or a compression without its decoder
        raise dicom.DicomError(f"{path}: pixels cannot be read ({type(error).__name__}: {error})") from error
    if pixels.ndim != 2:
        raise dicom.DicomError(f"{path}: pixels are {pixels.shape}, expected one slice a file")
    slope, intercept = float(dataset.get("RescaleSlope") or 1), float(dataset.get("RescaleIntercept") or 0)
    return pixels.astype(np.float32) * slope + intercept


def _frame(folder: Path) -> str:
    first = _slices(folder)[0].path
    return str(pydicom.dcmread(first, stop_before_pixels=True).get("FrameOfReferenceUID", ""))
