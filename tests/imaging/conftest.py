"""Synthetic CT slices as DICOM files, for the tests of all readers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SERIES = "1.2.826.0.1.3680043.8.498.1"


def _hu(z: float) -> np.ndarray:
    """Air around tissue whose value tells the slice; one corner lies outside the reconstructed circle."""
    picture = np.full((16, 16), -900.0)
    picture[4:12, 4:12] = 40 + z
    picture[0, 0] = -2000
    return picture


def _write_slice(folder: Path, z: float, name: str | None = None, **changes) -> Path:
    """One CT slice at ``z`` mm; ``changes`` overwrite or, with None, remove elements. ``hu`` gives the
    picture."""
    picture = changes.pop("hu", _hu(z))
    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.Modality, dataset.SeriesInstanceUID, dataset.PatientID = "CT", SERIES, "P1"
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = [-10, -20, z], [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing, dataset.SliceThickness = [0.7, 0.7], 2.5
    dataset.Rows, dataset.Columns = picture.shape
    dataset.RescaleSlope, dataset.RescaleIntercept = 2, -1024
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation, dataset.SamplesPerPixel = 15, 1, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = ((picture + 1024) / 2).astype("<i2").tobytes()
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (name or f"{z:.0f}.dcm")
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture(scope="session")
def write_slice() -> Callable[..., Path]:
    """Function ``write_slice(folder, z, name=None, **elements) -> path``."""
    return _write_slice
