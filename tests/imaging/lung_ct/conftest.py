"""A round chest with two round lungs, written as DICOM (with or without RTSTRUCT) and as NIfTI."""

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid
from scipy.special import ndtr

SIDE, STEP_MM = 200, 5.0  # pixels of 1 mm
LUNGS = ((100.0, 55.0), (100.0, 145.0))  # (row, column) of the centres
RADIUS = 36.0
FRAME = "1.2.826.0.1.3680043.8.498.7"
EDGE_MM = 0.55


def disc(centre: tuple[float, float], radius: float, edge_mm: float = EDGE_MM) -> np.ndarray:
    """1 inside and 0 outside a circle whose edge is blurred by a Gaussian."""
    row, column = np.mgrid[:SIDE, :SIDE]
    return ndtr((radius - np.hypot(row - centre[0], column - centre[1])) / edge_mm)


def picture(lung_hu: float | np.ndarray = -850.0, edge_mm: float = EDGE_MM, noise_hu: float = 0.0) -> np.ndarray:
    """A slice: air, soft tissue of 40 HU, two lungs."""
    body, lung = disc((100, 100), 95, edge_mm), sum(disc(centre, RADIUS, edge_mm) for centre in LUNGS)
    shown = -1000 + 1040 * body + (lung_hu - 40) * lung
    return shown + np.random.default_rng(0).normal(0, noise_hu, shown.shape) if noise_hu else shown


def circle(centre: tuple[float, float], radius: float, z: float) -> np.ndarray:
    """Outline (point, 3) in mm; the first pixel lies at (-10, -20)."""
    angle = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    x, y = centre[1] + radius * np.cos(angle) - 10, centre[0] + radius * np.sin(angle) - 20
    return np.stack([x, y, np.full_like(x, z)], axis=1)


def _write_structures(path: Path, structures: dict[str, list[np.ndarray]], series: str | None = None) -> Path:
    """An RTSTRUCT; it names the series if given, else only the frame of reference."""
    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = RTStructureSetStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.Modality, dataset.PatientID, dataset.SeriesInstanceUID = "RTSTRUCT", "P1", generate_uid()
    frame = pydicom.Dataset()
    frame.FrameOfReferenceUID = FRAME
    if series:
        study, referenced = pydicom.Dataset(), pydicom.Dataset()
        referenced.SeriesInstanceUID = series
        study.RTReferencedSeriesSequence = [referenced]
        frame.RTReferencedStudySequence = [study]
    dataset.ReferencedFrameOfReferenceSequence = [frame]
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    for number, (name, outlines) in enumerate(structures.items(), start=1):
        roi, drawn = pydicom.Dataset(), pydicom.Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, FRAME
        drawn.ReferencedROINumber, drawn.ContourSequence = number, []
        for points in outlines:
            contour = pydicom.Dataset()
            contour.ContourGeometricType = "CLOSED_PLANAR"
            contour.NumberOfContourPoints = len(points)
            contour.ContourData = [f"{value:.4f}" for value in points.ravel()]
            drawn.ContourSequence.append(contour)
        dataset.StructureSetROISequence.append(roi)
        dataset.ROIContourSequence.append(drawn)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def write_structures() -> Callable[..., Path]:
    """Function ``write_structures(path, {name: [outline]}, series=None) -> path``."""
    return _write_structures


@pytest.fixture
def write_chest(write_slice) -> Callable[..., Path]:
    """Function ``write_chest(folder, slices=8, lacking=(), hu=picture(), **elements)``: a DICOM series."""

    def write(folder: Path, slices: int = 8, lacking: tuple[int, ...] = (), hu=None, **elements) -> Path:
        shown = picture() if hu is None else hu
        common = {"PixelSpacing": [1, 1], "SliceThickness": STEP_MM, "FrameOfReferenceUID": FRAME, "PatientID": "P1"}
        for number in range(slices):
            if number not in lacking:
                write_slice(folder, number * STEP_MM, f"{number:03}.dcm", hu=shown, **(common | elements))
        return folder

    return write


@pytest.fixture
def write_nifti() -> Callable[..., Path]:
    """Function ``write_nifti(path, volume, affine=None)`` for a volume (slice, row, column) as DICOM shows it."""

    def write(path: Path, volume: np.ndarray, affine: np.ndarray | None = None) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        affine = np.diag([-1.0, -1.0, STEP_MM, 1.0]) if affine is None else affine
        nib.save(nib.Nifti1Image(np.ascontiguousarray(volume.transpose(2, 1, 0)), affine), path)
        return path

    return write


@pytest.fixture(scope="session")
def chest() -> Callable[..., np.ndarray]:
    """Function ``chest(lung_hu, edge_mm, noise_hu)``: one slice (row, column) in HU."""
    return picture


@pytest.fixture(scope="session")
def outline() -> Callable[..., np.ndarray]:
    """Function ``outline(centre, radius, z)``: a circle's points in mm."""
    return circle


@pytest.fixture(scope="session")
def round_mask() -> Callable[..., np.ndarray]:
    """Function ``round_mask(centre, radius)``: pixels whose centre lies within a circle."""
    return lambda centre, radius: disc(centre, radius, 1e-6) > 0.5
