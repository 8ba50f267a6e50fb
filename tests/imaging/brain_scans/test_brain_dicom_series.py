"""Registered DICOM series, one folder a contrast, become the same contract as NIfTI."""

import numpy as np
import pytest

from disentangle.imaging.brain_scans import readers
from disentangle.imaging.brain_scans.dicom_series import read_series
from disentangle.imaging.brain_scans.scan import ScanError
from disentangle.imaging.dicom import DicomError

HEIGHTS = (0, 2.5, 5, 7.5, 10)


@pytest.fixture
def series(tmp_path, write_slice):
    """Person P1 with T1 and FLAIR: 16 x 16 pixels of 0.7 mm, five slices of 2.5 mm, brighter to the left and upward."""

    def picture(z, offset):
        rows, columns = np.indices((16, 16))
        return 2.0 * np.rint(100 + offset + 4 * columns + 2 * z)

    for contrast, offset in (("T1", 0), ("flair", 50)):
        for z in HEIGHTS:
            place = tmp_path / "P1" / contrast
            write_slice(place, z, name=f"{z}.dcm", hu=picture(z, offset), Modality="MR", FrameOfReferenceUID="1.2")
    return tmp_path


def test_series_lie_where_their_headers_say(series):
    image = read_series(series / "P1" / "T1")
    assert image.shape == (16, 16, 5) and np.allclose(image.header.get_zooms(), (0.7, 0.7, 2.5))
    # DICOM starts at x = -10 mm to the left, which is 10 mm to the right; columns go on to the left
    right = np.linalg.inv(image.affine) @ np.array([10, 20, 0, 1])
    assert np.allclose(right[:3], (15, 15, 0), atol=1e-5)
    values = image.get_fdata()
    assert values[15, 15, 0] == 200 and values[14, 15, 0] == 208 and values[15, 15, 4] == 240


def test_person_is_read_with_both_contrasts(series):
    scan = next(readers.scans("dicom_brains", series))
    assert scan.subject == "P1" and set(scan.modalities) == {"T1", "FLAIR"} and scan.brain is None
    with pytest.raises(ScanError, match="no brain mask"):
        readers.load("dicom_brains", series)
    cohort = readers.load("dicom_brains", series, whole_head=True, size=16, pixel_mm=1.0, slice_mm=2.5)
    assert cohort.images.shape[1:] == (2, 16, 16) and cohort.masks is None


def test_series_of_another_frame_of_reference_is_not_registered(series, write_slice):
    for z in HEIGHTS:
        write_slice(series / "P1" / "T2", z, name=f"{z}.dcm", Modality="MR", FrameOfReferenceUID="1.3")
    with pytest.raises(ScanError, match="different frames of reference"):
        next(readers.scans("dicom_brains", series))


def test_a_missing_slice_and_a_folder_without_contrasts_are_named(series, tmp_path):
    (series / "P1" / "T1" / "5.dcm").unlink()
    with pytest.raises(DicomError, match="slices are missing"):
        next(readers.scans("dicom_brains", series))
    assert "slices are missing" in readers.check("dicom_brains", series)[1][0]
    (tmp_path / "other" / "scan7").mkdir(parents=True)
    with pytest.raises(ScanError, match="no folder named after a contrast.*scan7"):
        readers.load("dicom_brains", tmp_path / "other")
