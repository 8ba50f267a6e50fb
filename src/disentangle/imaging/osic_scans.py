"""Chest CT of OSIC Pulmonary Fibrosis Progression: one folder of DICOM files a person, ``train/<Patient>/<n>.dcm``.

Built from documentation and tested on synthetic files. One series a person, so no pairs; scanner and kernel
differ between people, which makes the headers a source of unpaired setting labels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
from pydicom.pixels import apply_rescale

from disentangle.imaging.dicom import AIR_HU, PADDING_HU, CTVolume, DicomError, list_series, read_ct

_ACQUISITION = {
    "manufacturer": "Manufacturer",
    "model": "ManufacturerModelName",
    "kernel": "ConvolutionKernel",
    "thickness_mm": "SliceThickness",
    "kv": "KVP",
    "current_ma": "XRayTubeCurrent",
}


class OsicError(ValueError):
    """A folder or table that is not laid out as OSIC's; the message names the file, what was found and expected."""


def scan(folder: Path, subject: str) -> CTVolume:
    """The CT of one person, in Hounsfield units, slices in anatomical order.

    File names do not tell the order: slices are sorted by position, or all by InstanceNumber where one has none.
    Gaps and doubled slices are accepted (sparse high-resolution series are usual here); all else that is
    wrong with a series raises DicomError with the file.
    """
    place = _scans(Path(folder)) / subject
    if not place.is_dir():
        raise OsicError(f"{place}: no folder for {subject}, expected its DICOM files there")
    uid = _longest_series(place)
    try:
        return read_ct(place, uid, allow_gaps=True, allow_duplicates=True)
    except DicomError as error:
        if "ImagePositionPatient" not in str(error):
            raise
        return read_by_number(place, uid)


def acquisitions(folder: Path) -> pd.DataFrame:
    """How each person was scanned, one row a folder, from the header of one slice; nothing is raised for a bad one.

    Columns ``manufacturer``, ``model``, ``kernel`` (text, "" where not told), ``thickness_mm``, ``kv``, ``current_ma``
    (NaN where not told), ``slices`` (files of the longest series), ``problem`` (in words, "" where there is none).
    """
    place = _scans(Path(folder))
    people = sorted(path for path in place.iterdir() if path.is_dir())
    if not people:
        raise OsicError(f"{place}: no folder in it, expected one a person")
    return pd.DataFrame([_acquisition(path) for path in people]).set_index("subject")


def read_by_number(folder: Path, series_uid: str) -> CTVolume:
    """One CT series in Hounsfield units, slices by InstanceNumber, one thickness apart.

    The order along the body is known, its direction and the true distances are not: ``z_mm`` are multiples of
    SpacingBetweenSlices, or of SliceThickness, or 1.

    Raises
    ------
    DicomError
        Where a slice has neither position nor number, two have the same number, or grids differ.
    """
    slices = [(path, _read(path)) for path in list_series(folder)[series_uid]]
    numbers = [_number(path, header) for path, header in slices]
    order = np.argsort(numbers, kind="stable")
    if len(set(numbers)) < len(numbers):
        raise DicomError(f"{folder}: no positions, and InstanceNumber occurs twice; the order of slices is unknown")
    files = [slices[i][0] for i in order]
    headers = [slices[i][1] for i in order]
    shapes = {(int(h.Rows), int(h.Columns), tuple(float(v) for v in h.PixelSpacing)) for h in headers}
    if len(shapes) > 1:
        raise DicomError(f"{folder}: slices of {len(shapes)} different grids (rows, columns, spacing): {shapes}")
    hu = np.stack([_hounsfield(path, header) for path, header in zip(files, headers, strict=True)])
    first = headers[0]
    thickness = float(first.get("SliceThickness") or 0) or None
    step = float(first.get("SpacingBetweenSlices") or 0) or thickness or 1.0
    return CTVolume(
        hu=np.where(hu <= PADDING_HU, np.float32(AIR_HU), hu),
        z_mm=step * (np.sort(numbers) - min(numbers)).astype(float),
        spacing_mm=tuple(float(v) for v in first.PixelSpacing),
        thickness_mm=thickness,
        series_uid=series_uid,
        patient=str(first.get("PatientID", "")),
        files=tuple(files),
    )


def _scans(folder: Path) -> Path:
    """``train/`` of the release, or the folder itself where the people's folders lie in it."""
    if (folder / "train").is_dir():
        return folder / "train"
    if not folder.is_dir():
        raise OsicError(f"{folder} is not a folder")
    return folder


def _longest_series(place: Path) -> str:
    try:
        series = list_series(place)
    except AttributeError as error:
        raise OsicError(f"{place}: a slice lacks SeriesInstanceUID (0020,000E), expected one for each") from error
    if not series:
        raise OsicError(f"{place}: no CT slice in it ({sum(1 for _ in place.iterdir())} files)")
    return max(sorted(series), key=lambda uid: len(series[uid]))


def _acquisition(place: Path) -> dict:
    row = {"subject": place.name, **dict.fromkeys(("manufacturer", "model", "kernel"), "")}
    row |= {**dict.fromkeys(("thickness_mm", "kv", "current_ma"), np.nan), "slices": 0, "problem": ""}
    try:
        uid = _longest_series(place)
        files = list_series(place)[uid]
        header = pydicom.dcmread(files[0], stop_before_pixels=True, specific_tags=list(_ACQUISITION.values()))
    except (OsicError, DicomError) as error:
        return {**row, "problem": str(error)}
    told = {name: header.get(tag) for name, tag in _ACQUISITION.items()}
    for name, value in told.items():
        if value is not None and value != "":
            row[name] = float(value) if isinstance(row[name], float) else _text(value)
    return {**row, "slices": len(files)}


def _text(value: object) -> str:
    """A header's text; of several values (kernels come so) all, joined."""
    many = isinstance(value, (list, pydicom.multival.MultiValue))
    return "/".join(str(part).strip() for part in value) if many else str(value).strip()


def _read(path: Path) -> pydicom.Dataset:
    header = pydicom.dcmread(path)
    lacking = [tag for tag in ("PixelSpacing", "Rows", "Columns") if header.get(tag) in (None, "")]
    if lacking:
        raise DicomError(f"{path}: lacks {', '.join(lacking)}")
    return header


def _number(path: Path, header: pydicom.Dataset) -> int:
    if header.get("InstanceNumber") in (None, ""):
        raise DicomError(f"{path}: lacks ImagePositionPatient and InstanceNumber; the order of slices is unknown")
    return int(header.InstanceNumber)


def _hounsfield(path: Path, header: pydicom.Dataset) -> np.ndarray:
    if header.get("RescaleSlope") is None or header.get("RescaleIntercept") is None:
        raise DicomError(f"{path}: no RescaleSlope or RescaleIntercept, so no Hounsfield units")
    try:
        return apply_rescale(header.pixel_array, header).astype(np.float32)
    except Exception as error:  # truncated pixels, or a compression without its decoder
        raise DicomError(f"{path}: pixels cannot be read ({type(error).__name__}: {error})") from error
