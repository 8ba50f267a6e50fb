"""Reads a CT series from a folder of DICOM files, in Hounsfield units, and refuses a broken one.

Everything that commonly goes wrong in a folder of CT slices is an error that names the folder and the
files: missing slices, two slices at one position, no Modality, a missing or wrong rescale, mixed grids.
Files that are not part of the volume (RTSTRUCT, SEG, radiographs, XML, localizers) are passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError

AIR_HU = -1024.0
_SAME_POSITION_MM = 0.01
PADDING_HU = -2000.0  # at and below: outside the reconstructed circle, not measured

_TAGS = [
    "Modality",
    "SeriesInstanceUID",
    "PatientID",
    "ImageType",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "Rows",
    "Columns",
    "RescaleSlope",
    "RescaleIntercept",
    "InstanceNumber",
]


class DicomError(ValueError):
    """A DICOM folder that cannot be read as one CT volume."""


@dataclass(frozen=True)
class CTVolume:
    """One CT series.

    ``hu`` is float32 (slice, row, column), padding replaced by -1024; slices run along the normal of the
    image plane, ``z_mm`` is the position of each on it. ``spacing_mm`` is (row, column).
    """

    hu: np.ndarray
    z_mm: np.ndarray
    spacing_mm: tuple[float, float]
    thickness_mm: float | None
    series_uid: str
    patient: str
    files: tuple[Path, ...]


@dataclass(frozen=True)
class _Slice:
    path: Path
    header: pydicom.Dataset
    z: float = 0.0


def list_series(folder: Path) -> dict[str, list[Path]]:
    """Files of each CT series directly inside ``folder``, by SeriesInstanceUID."""
    slices, _ = _ct_headers(Path(folder))
    found: dict[str, list[Path]] = {}
    for item in slices:
        found.setdefault(str(item.header.SeriesInstanceUID), []).append(item.path)
    return found


def read_ct(
    folder: Path,
    series_uid: str | None = None,
    *,
    allow_gaps: bool = False,
    allow_duplicates: bool = False,
    at_mm: Iterable[float] | None = None,
) -> CTVolume:
    """Read one CT series.

    Parameters
    ----------
    folder
        Holds the files of the series, others may lie among them.
    series_uid
        Which series; may be left out where the folder holds one.
    allow_gaps
        Accept missing slices.
    allow_duplicates
        Of several slices at one position keep that of the smallest InstanceNumber.
    at_mm
        Read the pixels of these positions only (nearest slice within 0.1 mm); the whole series is still
        checked by its headers.

    Raises
    ------
    DicomError
        With the folder, what was found and what was expected.
    """
    folder = Path(folder)
    slices = _choose_series(folder, series_uid)
    slices = _sorted_along_normal(folder, slices)
    _check_one_grid(folder, slices)
    slices = _without_duplicates(slices) if allow_duplicates else slices
    _check_positions(folder, slices, allow_gaps)
    if at_mm is not None:
        slices = _nearest(folder, slices, at_mm)
    hu = np.stack([_hounsfield(item.path) for item in slices])
    _check_hounsfield(folder, hu)
    first = slices[0].header
    return CTVolume(
        hu=np.where(hu <= PADDING_HU, np.float32(AIR_HU), hu),
        z_mm=np.array([item.z for item in slices]),
        spacing_mm=tuple(float(v) for v in first.PixelSpacing),
        thickness_mm=_thickness(first),
        series_uid=str(first.SeriesInstanceUID),
        patient=str(first.get("PatientID", "")),
        files=tuple(item.path for item in slices),
    )


def _ct_headers(folder: Path) -> tuple[list[_Slice], Counter]:
    """CT image headers of a folder, and how many files there are of every modality."""
    if not folder.is_dir():
        raise DicomError(f"{folder} is not a folder")
    slices, modalities = [], Counter()
    for path in sorted(p for p in folder.iterdir() if p.is_file()):
        header = _header(path)
        if header is None:
            continue
        modality = header.get("Modality")
        if not modality:
            if "Rows" not in header:  # a DICOMDIR or the like
                continue
            raise DicomError(f"{path}: an image without Modality (0008,0060), expected CT")
        modalities[str(modality)] += 1
        if modality == "CT" and "LOCALIZER" not in (header.get("ImageType") or ()):
            slices.append(_Slice(path, header))
    return slices, modalities


def _header(path: Path) -> pydicom.Dataset | None:
    try:
        return pydicom.dcmread(path, specific_tags=_TAGS, stop_before_pixels=True)
    except InvalidDicomError:
        return None
    except Exception as error:  # pydicom raises many kinds on a cut or damaged file
        raise DicomError(f"{path}: damaged DICOM file ({type(error).__name__}: {error})") from error


def _choose_series(folder: Path, series_uid: str | None) -> list[_Slice]:
    slices, modalities = _ct_headers(folder)
    if not slices:
        found = ", ".join(f"{n} {name}" for name, n in modalities.items()) or "no DICOM file"
        raise DicomError(f"{folder}: no CT slice, found {found}")
    counts = Counter(str(item.header.get("SeriesInstanceUID", "")) for item in slices)
    if series_uid is None and len(counts) > 1:
        raise DicomError(f"{folder}: {len(counts)} CT series, say which by series_uid: {dict(counts)}")
    series_uid = series_uid or next(iter(counts))
    if series_uid not in counts:
        raise DicomError(f"{folder}: no CT series {series_uid}, found {sorted(counts)}")
    return [item for item in slices if str(item.header.get("SeriesInstanceUID", "")) == series_uid]


def _sorted_along_normal(folder: Path, slices: Sequence[_Slice]) -> list[_Slice]:
    placed = []
    for item in slices:
        lacking = [
            tag
            for tag in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns")
            if item.header.get(tag) in (None, "")
        ]
        if lacking:
            raise DicomError(f"{item.path}: lacks {', '.join(lacking)}")
        along_row, along_column = np.array(item.header.ImageOrientationPatient, float).reshape(2, 3)
        normal = np.cross(along_row, along_column)
        placed.append(replace(item, z=float(np.dot(normal, np.array(item.header.ImagePositionPatient, float)))))
    return sorted(placed, key=lambda item: (item.z, int(item.header.get("InstanceNumber") or 0)))


def _without_duplicates(slices: Sequence[_Slice]) -> list[_Slice]:
    kept = list(slices[:1])
    for item in slices[1:]:
        if item.z - kept[-1].z >= _SAME_POSITION_MM:
            kept.append(item)
    return kept


def _check_one_grid(folder: Path, slices: Sequence[_Slice]) -> None:
    def grid(header: pydicom.Dataset) -> tuple:
        numbers = [*header.PixelSpacing, *header.ImageOrientationPatient]
        return int(header.Rows), int(header.Columns), *(round(float(v), 3) for v in numbers)

    grids = Counter(grid(item.header) for item in slices)
    if len(grids) > 1:
        common = grids.most_common(1)[0][0]
        odd = next(item for item in slices if grid(item.header) != common)
        raise DicomError(
            f"{folder}: slices of {len(grids)} different grids in one series; {odd.path.name} has (rows, "
            f"columns, spacing, orientation) {grid(odd.header)}, most have {common}"
        )


def _check_positions(folder: Path, slices: Sequence[_Slice], allow_gaps: bool) -> None:
    z = np.array([item.z for item in slices])
    steps = np.diff(z)
    for i in np.flatnonzero(steps < _SAME_POSITION_MM):
        raise DicomError(
            f"{folder}: {slices[i].path.name} and {slices[i + 1].path.name} both lie at {z[i]:.2f} mm, "
            "expected one slice a position"
        )
    if allow_gaps or len(steps) == 0:
        return
    expected = _expected_step(steps, _thickness(slices[0].header))
    gaps = np.flatnonzero(steps > 1.5 * expected)
    if len(gaps):
        where = "; ".join(f"between {z[i]:.2f} and {z[i + 1]:.2f} mm" for i in gaps[:4])
        missing = int(np.round(steps[gaps] / expected - 1).sum())
        raise DicomError(
            f"{folder}: about {missing} slices are missing in {len(gaps)} places, {where}"
            f"{' and so on' if len(gaps) > 4 else ''}; expected one every {expected:.2f} mm. Fetch the "
            "series again, or read it with allow_gaps=True"
        )


def _expected_step(steps: np.ndarray, thickness: float | None) -> float:
    """The commonest step, unless that is more than twice the slice thickness: then slices lack everywhere."""
    median = float(np.median(steps))
    return thickness if thickness and median > 2 * thickness else median


def _thickness(header: pydicom.Dataset) -> float | None:
    value = header.get("SliceThickness")
    return float(value) if value not in (None, "") and float(value) > 0 else None


def _nearest(folder: Path, slices: Sequence[_Slice], at_mm: Iterable[float]) -> list[_Slice]:
    z = np.array([item.z for item in slices])
    wanted = np.asarray(list(at_mm), float)
    nearest = np.abs(z[None] - wanted[:, None]).argmin(axis=1)
    absent = wanted[np.abs(z[nearest] - wanted) > 0.1]
    if len(absent):
        raise DicomError(
            f"{folder}: no slice at {', '.join(f'{v:.2f}' for v in absent[:5])} mm; the series has {len(z)} "
            f"slices from {z[0]:.2f} to {z[-1]:.2f} mm"
        )
    return [slices[i] for i in sorted(set(nearest))]


def _hounsfield(path: Path) -> np.ndarray:
    try:
        dataset = pydicom.dcmread(path)
        pixels = dataset.pixel_array
    except Exception as error:  # truncated pixels, or a compression without its decoder
        raise DicomError(f"{path}: pixels cannot be read ({type(error).__name__}: {error})") from error
    slope, intercept = dataset.get("RescaleSlope"), dataset.get("RescaleIntercept")
    if slope is None or intercept is None:
        raise DicomError(
            f"{path}: no RescaleSlope or RescaleIntercept (0028,1053/1052), so no Hounsfield units; "
            f"found slope {slope}, intercept {intercept}"
        )
    if float(slope) <= 0:
        raise DicomError(f"{path}: RescaleSlope is {slope}, which seems wrong; expected a positive number, mostly 1")
    return (pixels.astype(np.float32) * float(slope) + float(intercept)).astype(np.float32)


def _check_hounsfield(folder: Path, hu: np.ndarray) -> None:
    """Air must look like air and some tissue like tissue, or the rescale is wrong."""
    measured = hu[hu > PADDING_HU]
    if measured.size == 0:
        raise DicomError(f"{folder}: every value is padding (<= {PADDING_HU:.0f} HU); rescale is wrong")
    low, high = np.percentile(measured[:: max(1, measured.size // 2_000_000)], [1, 99.5])
    if not (-1300 <= low <= -300 and -300 <= high <= 4100):
        raise DicomError(
            f"{folder}: 1 % of the values lie below {low:.0f} and 0.5 % above {high:.0f} HU, expected air "
            "(-1300 to -300) and tissue (-300 to 4100) in a chest CT; RescaleSlope or RescaleIntercept seems "
            "wrong"
        )
